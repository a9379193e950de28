import { describe, expect, it } from 'vitest';
import { move } from './move';
import { strengths } from './strength';
import { parseTopics } from './topics';

const hit = (score: number | null, why: 'exact' | 'both' | 'words' | 'meaning' = 'both') => ({ score, why });

describe('strengths', () => {
  it('gives the best of the list five steps and the others their share of it', () => {
    expect(strengths([hit(0.5), hit(0.4), hit(0.21), hit(0.05)])).toEqual([5, 4, 3, 1]);
  });

  it('calls an exact match full, whatever its score', () => {
    expect(strengths([hit(0.9), hit(0.2, 'exact')])).toEqual([5, 5]);
  });

  it('never shows a match as nothing at all', () => {
    expect(strengths([hit(0), hit(null), hit(-0.3)])).toEqual([1, 1, 1]);
    expect(strengths([hit(1), hit(0), hit(-1)])).toEqual([5, 1, 1]);
    expect(strengths([])).toEqual([]);
  });
});

describe('move', () => {
  it('stops at both ends', () => {
    expect(move(0, 'up', 5, 8)).toBe(0);
    expect(move(4, 'down', 5, 8)).toBe(4);
    expect(move(1, 'pageDown', 5, 8)).toBe(4);
    expect(move(3, 'pageUp', 5, 8)).toBe(0);
  });

  it('enters the list from where the key points', () => {
    expect(move(-1, 'down', 5, 8)).toBe(0);
    expect(move(-1, 'up', 5, 8)).toBe(4);
  });

  it('goes to the first and the last, and nowhere in an empty list', () => {
    expect(move(2, 'first', 5, 8)).toBe(0);
    expect(move(2, 'last', 5, 8)).toBe(4);
    expect(move(-1, 'down', 0, 8)).toBe(-1);
  });
});

describe('parseTopics', () => {
  it('trims, drops what is empty and keeps the first of each spelling', () => {
    expect(parseTopics(' work,, api , Work,a   b ')).toEqual(['work', 'api', 'a b']);
    expect(parseTopics(' , ')).toEqual([]);
  });
});
