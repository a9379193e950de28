import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { debounce } from './debounce';
import { Sequence } from './sequence';

describe('debounce', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('runs once, with the last arguments, after the pause', () => {
    const run = vi.fn();
    const late = debounce(run, 60);
    late('a');
    vi.advanceTimersByTime(59);
    late('ab');
    vi.advanceTimersByTime(59);
    expect(run, 'each call starts the pause anew').not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(run.mock.calls).toEqual([['ab']]);
  });

  it('flushes a waiting call at once and only once', () => {
    const run = vi.fn();
    const late = debounce(run, 60);
    late.flush();
    expect(run, 'nothing was waiting').not.toHaveBeenCalled();
    late('a');
    late.flush();
    vi.advanceTimersByTime(100);
    expect(run.mock.calls).toEqual([['a']]);
  });

  it('forgets a cancelled call', () => {
    const run = vi.fn();
    const late = debounce(run, 60);
    late('a');
    late.cancel();
    vi.advanceTimersByTime(100);
    expect(run).not.toHaveBeenCalled();
  });
});

describe('Sequence', () => {
  it('refuses a reply that is older than one already shown', () => {
    const sequence = new Sequence();
    const [first, second] = [sequence.next(), sequence.next()];
    expect(sequence.accept(second)).toBe(true);
    expect(sequence.accept(first), 'a slow old reply').toBe(false);
  });

  it('lets an older reply through while nothing newer is shown, so results follow typing', () => {
    const sequence = new Sequence();
    const [first, second] = [sequence.next(), sequence.next()];
    expect(sequence.accept(first)).toBe(true);
    expect(sequence.accept(second)).toBe(true);
    expect(sequence.isLatest(first)).toBe(false);
    expect(sequence.isLatest(second)).toBe(true);
  });

  it('accepts a number once, and none it never gave out', () => {
    const sequence = new Sequence();
    const only = sequence.next();
    expect(sequence.accept(only)).toBe(true);
    expect(sequence.accept(only)).toBe(false);
    expect(sequence.accept(only + 1)).toBe(false);
  });

  it('refuses all that is under way after invalidate, and nothing later', () => {
    const sequence = new Sequence();
    const before = sequence.next();
    sequence.invalidate();
    expect(sequence.accept(before)).toBe(false);
    expect(sequence.accept(sequence.next())).toBe(true);
  });
});
