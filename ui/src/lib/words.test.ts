import { describe, expect, it } from 'vitest';
import type { Reply } from '../backend';
import { noModel, status } from '../testing/fixtures';
import { longDate, shortDate } from './dates';
import { degradedText } from './degraded';
import { sentence } from './sentence';
import { latencyLine, ms, shortLine, tierList } from './latency';

function reply(over: Partial<Reply> = {}): Reply {
  return {
    seq: 1,
    hits: Array.from({ length: 12 }) as Reply['hits'],
    total: 12,
    counts: { goals: 3, memories: 9 },
    timings: { tokenize: 200, embed: 5700, vector: 400, words: 700, fetch: 300, total: 9100 },
    mode: 'hybrid',
    degraded: null,
    ...over,
  };
}

describe('latencyLine', () => {
  it('says counts by tier, the time, its parts and where it ran', () => {
    expect(latencyLine(reply(), 'CPU')).toBe(
      '12 results (3 goals, 9 memories) · 9 ms (embed 6, search 1) · CPU',
    );
    expect(shortLine(reply())).toBe('12 results · 9 ms');
  });

  it('has a singular and leaves out a tier without results', () => {
    const one = reply({
      hits: Array.from({ length: 1 }) as Reply['hits'],
      total: 1,
      counts: { goals: 1, memories: 0 },
    });
    expect(latencyLine(one, null)).toBe('1 result (1 goal) · 9 ms (embed 6, search 1)');
    const none = reply({ hits: [], total: 0, counts: { goals: 0, memories: 0 } });
    expect(latencyLine(none, null)).toBe('0 results · 9 ms (embed 6, search 1)');
  });

  it('says how many there are on all pages, and by tier only what it knows', () => {
    expect(latencyLine(reply({ total: 134 }), null)).toBe('134 results · 9 ms (embed 6, search 1)');
    expect(shortLine(reply({ total: 134 }))).toBe('134 results · 9 ms');
  });

  it('claims no embedding and no device when only words were searched', () => {
    const timings = { tokenize: 0, embed: 0, vector: 0, words: 700, fetch: 300, total: 1100 };
    expect(latencyLine(reply({ timings, degraded: 'no model' }), 'CPU')).toBe(
      '12 results (3 goals, 9 memories) · 1 ms (search 0.7)',
    );
  });

  it('writes short times with one digit and long ones whole', () => {
    expect(['0', '0.1', '0.9', '1', '10', '1,235']).toEqual([40, 90, 930, 960, 9500, 1_234_600].map(ms));
    expect(tierList({ goals: 0, memories: 4812 })).toBe('4,812 memories');
  });
});

describe('degradedText', () => {
  it('names the reason in the words of the model’s state, or passes on what the engine said', () => {
    const degraded = reply({ degraded: 'The query could not be read.' });
    expect(degradedText(reply(), status())).toBeNull();
    expect(degradedText(null, status())).toBeNull();
    expect(degradedText(degraded, status({ model: noModel }))).toContain('no model');
    expect(degradedText(degraded, status())).toContain('The query could not be read.');
  });
});

describe('sentence', () => {
  it('begins with a capital and ends', () => {
    expect(sentence('no model is installed in /models')).toBe('No model is installed in /models.');
    expect(sentence('Is it there?')).toBe('Is it there?');
  });
});

describe('dates', () => {
  // Local noon, so that the calendar day is the same in every time zone.
  const now = new Date(2026, 5, 15, 12, 0, 0).getTime();
  const ago = (ms: number) => shortDate(new Date(now - ms).toISOString(), now, 'en-GB');
  const MINUTE = 60_000;
  const HOUR = 60 * MINUTE;

  it('counts minutes and hours today, then names the day', () => {
    expect([ago(10_000), ago(-59_000)]).toEqual(['now', 'now']);
    expect(ago(5 * MINUTE)).toBe('5 min ago');
    expect(ago(3 * HOUR)).toBe('3 hr ago');
    expect(ago(13 * HOUR), 'yesterday begins at midnight, not 24 hours ago').toBe('yesterday');
    expect(ago(5 * 24 * HOUR)).toBe('10 Jun');
    expect(ago(400 * 24 * HOUR)).toBe('11 May 2025');
  });

  it('shows a time in the future as a date, and an unreadable one as nothing', () => {
    expect(ago(-2 * HOUR)).toBe('15 Jun');
    expect(shortDate('soon', now, 'en-GB')).toBe('');
    expect(longDate('soon', 'en-GB')).toBe('');
    expect(longDate(new Date(now).toISOString(), 'en-GB')).toContain('15 Jun 2026');
  });
});
