import { describe, expect, it } from 'vitest';
import { status } from '../testing/fixtures';
import { account, nobody, problem, synced } from '../testing/papr';
import { bytes, duration } from './amounts';
import { moment } from './dates';
import { difference } from './difference';
import { remedy, trouble } from './remedy';
import { affectsResults } from './status.svelte';
import { goal, hostOf, mayAskNow, said } from './syncState';

describe('what is heard of sync', () => {
  const busy = synced({ phase: 'syncing', received: 0, sent: 0 });

  it('is what came of it, and nothing where nothing came and nobody asked', () => {
    expect(said(busy, synced({ received: 3, sent: 1 }), false)).toBe('Synced: 3 received, 1 sent.');
    expect(said(busy, synced({ received: 0, sent: 0 }), false)).toBeNull();
    expect(said(busy, synced({ received: 0, sent: 0 }), true)).toBe('Synced. Nothing was new.');
    expect(said(synced(), busy, false), 'that it begins is seen, not heard').toBeNull();
    expect(said(busy, { ...busy, received: 640 }, true), 'nor how far it is').toBeNull();
  });

  it('is what holds it up, once', () => {
    const refused = synced({ phase: 'attention', error: problem('UNAUTHORISED') });
    expect(said(busy, refused, false)).toBe('Papr key not accepted');
    expect(said(refused, refused, false)).toBeNull();
  });
});

describe('where the status line leads', () => {
  it('is where there is something to do', () => {
    expect(goal(nobody())).toBe('key');
    expect(goal(synced({ phase: 'attention', error: problem('UNAUTHORISED') }))).toBe('key');
    expect(goal(synced({ phase: 'attention', conflicts: 1 }))).toBe('conflicts');
    const both = synced({ phase: 'attention', conflicts: 1, error: problem('QUOTA') });
    expect(goal(both), 'first what keeps all of it').toBe('top');
    expect(goal(synced())).toBe('top');
  });

  it('asks Papr only where an account may be asked', () => {
    expect([synced(), synced({ phase: 'paused' }), synced({ phase: 'offline' })].every(mayAskNow)).toBe(true);
    expect([nobody(), synced({ phase: 'syncing', localOnly: true })].some(mayAskNow)).toBe(false);
    expect(hostOf(account({ baseUrl: 'http://127.0.0.1:8080/' })), 'the port tells hosts apart').toBe(
      '127.0.0.1:8080',
    );
    expect(hostOf(null)).toBe('memory.papr.ai');
  });
});

describe('a remedy', () => {
  it('is one for each error that somebody can do something about', () => {
    const remedies = (
      [
        'UNAUTHORISED',
        'SIGNED_OUT',
        'LOCAL_ONLY',
        'QUOTA',
        'RATE_LIMITED',
        'KEYCHAIN_DENIED',
        'OFFLINE',
      ] as const
    ).map((code) => remedy(problem(code)));
    expect(remedies).toEqual(['key', 'key', 'localOnly', 'budget', null, 'run', 'retry']);
    expect(remedy(problem('INVALID_INPUT', { retryable: false }))).toBeNull();
  });

  it('comes with the engine’s words where it has none of its own', () => {
    const error = problem('INTERNAL', { message: 'the answer made no sense', hint: 'Try later.' });
    const { text, hint } = trouble(error, null, 0, 'en-GB');
    expect(`${text} ${hint}`).toBe('The answer made no sense. Try later.');
  });
});

describe('moments', () => {
  const now = new Date(2026, 5, 15, 12, 0, 0).getTime();
  const at = (ms: number) => moment(new Date(now + ms).toISOString(), now, 'en-GB');
  const MINUTE = 60_000;

  it('are counted within the hour and named beyond it, on both sides', () => {
    expect(at(13 * MINUTE)).toBe('in 13 min');
    expect(at(-5 * MINUTE)).toBe('5 min ago');
    expect(at(20_000)).toBe('now');
    expect(at(3 * 60 * MINUTE)).toBe('15:00');
    expect(at(-30 * 60 * MINUTE), 'with the day where it is another').toMatch(/14 Jun.*6:00/);
    expect(moment('soon', now, 'en-GB')).toBe('');
  });
});

describe('amounts of the ledger', () => {
  it('are as exact as anybody needs', () => {
    expect([0, 412, 3400, 31_420, 133_800_000].map(bytes)).toEqual([
      '0 B',
      '412 B',
      '3.4 kB',
      '31 kB',
      '134 MB',
    ]);
    expect(bytes(null)).toBe('not known');
    expect([88, 9900, 61_200].map(duration)).toEqual(['88 ms', '9,900 ms', '61 s']);
  });
});

describe('a difference', () => {
  const marks = (mine: string, theirs: string) =>
    difference(mine, theirs).map((spans) => spans.filter(({ marked }) => marked).map(({ text }) => text));

  it('runs from the first word that differs to the last, and loses nothing of either text', () => {
    expect(marks('Call Anna before ten', 'Call Anna after ten')).toEqual([['before'], ['after']]);
    expect(marks('One two', 'One two three')).toEqual([[], [' three']]);
    expect(marks('same', 'same')).toEqual([[], []]);
    const [mine, theirs] = ['a b  c\nd', 'a x  c\ne'];
    expect(difference(mine, theirs).map((spans) => spans.map(({ text }) => text).join(''))).toEqual([
      mine,
      theirs,
    ]);
  });
});

describe('results', () => {
  it('are looked for anew after a sync that brought something, a choice, or another account', () => {
    const of = (over: Parameters<typeof synced>[0]) => status({ sync: synced(over) });
    const busy = of({ phase: 'syncing' });
    expect(affectsResults(busy, of({ received: 2 })), 'an edit changes no count').toBe(true);
    expect(affectsResults(busy, of({ received: 0 })), 'nothing came').toBe(false);
    expect(affectsResults(of({ conflicts: 1 }), of({ conflicts: 0 }))).toBe(true);
    expect(affectsResults(of({}), of({ account: null }))).toBe(true);
    expect(affectsResults(of({}), of({ pending: 4 }))).toBe(false);
  });
});
