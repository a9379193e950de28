/** Every error in the window’s language. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ErrorCode } from '../backend';
import { setLanguage } from '../strings';
import { noModel, status } from '../testing/fixtures';
import { problem } from '../testing/papr';
import { degradedText } from './degraded';
import { explain, explainRepair } from './explain';
import { trouble } from './remedy';

/** A code that is added is missing here, which the type check says. */
const all: Record<ErrorCode, true> = {
  MODEL_MISSING: true,
  CHECKSUM: true,
  DISK_FULL: true,
  OFFLINE: true,
  CANCELLED: true,
  SIGNED_OUT: true,
  UNAUTHORISED: true,
  RATE_LIMITED: true,
  QUOTA: true,
  LOCAL_ONLY: true,
  KEYCHAIN_MISSING: true,
  KEYCHAIN_LOCKED: true,
  KEYCHAIN_DENIED: true,
  STORE_LOCKED: true,
  STORE_DAMAGED: true,
  INVALID_INPUT: true,
  NOT_FOUND: true,
  CONFLICT: true,
  INTERNAL: true,
  REFUSED: true,
};
const codes = Object.keys(all) as ErrorCode[];
const engines = codes.filter((code) => code !== 'REFUSED');
const said = { message: 'the file is cut short', hint: 'Fetch it again.' };

afterEach(() => setLanguage('en'));

describe('an error', () => {
  it.each(codes)('is told in the engine’s words in its language: %s', (code) => {
    expect(explain(problem(code, said))).toEqual({
      text: 'The file is cut short.',
      hint: 'Fetch it again.',
      detail: null,
    });
    expect(explain(problem(code)), 'nothing is added to them').toMatchObject({ hint: null, detail: null });
  });

  it.each(engines)('is told in German with what the engine said behind it: %s', async (code) => {
    const silent = { message: '', hint: null };
    const english = explain(problem(code, silent));
    expect(english.detail, 'where the engine said nothing there is nothing to add').toBeNull();
    await setLanguage('de');
    const german = explain(problem(code, said));
    for (const part of ['text', 'hint'] as const) {
      expect(german[part], 'a whole sentence').toMatch(/^„?\p{Lu}.*\.$/u);
      expect(german[part], 'of its own').not.toBe(english[part]);
    }
    expect(german.detail).toBe('The file is cut short. Fetch it again.');
    expect(explain(problem(code)).detail, 'without a hint').toBe('It failed.');
    expect(explain(problem(code, silent)).detail, 'without a word').toBeNull();
  });

  it('has a text of its own for each code, so that two are told apart', async () => {
    await setLanguage('de');
    const texts = engines.map((code) => explain(problem(code)).text);
    expect(new Set(texts).size).toBe(engines.length);
  });

  it('of the shell comes in the window’s language and is told as it is', async () => {
    await setLanguage('de');
    const refused = problem('REFUSED', { message: 'Nur Links werden geöffnet.', hint: 'Kopiere ihn.' });
    expect(explain(refused)).toEqual({
      text: 'Nur Links werden geöffnet.',
      hint: 'Kopiere ihn.',
      detail: null,
    });
  });
});

describe('trouble with Papr', () => {
  const told = (code: ErrorCode, nextAt: string | null = null) =>
    trouble(problem(code, said), nextAt, 0, 'de-DE');

  it('is told in words of its own, which need none of the engine’s', async () => {
    await setLanguage('de');
    expect(told('OFFLINE').text).toMatch(/^Papr war nicht zu erreichen/);
    expect(told('UNAUTHORISED')).toMatchObject({ hint: null, detail: null });
    expect(told('QUOTA', new Date(60_000).toISOString()).hint).toMatch(/^Es geht weiter: /);
  });

  it('with a keychain says in German what to do, and behind it what the engine knows of the system', async () => {
    expect(told('KEYCHAIN_LOCKED').hint, 'it knows best where it can be read').toBe('Fetch it again.');
    await setLanguage('de');
    expect(told('KEYCHAIN_LOCKED').hint).toMatch(/^Entsperre ihn/);
    expect(told('KEYCHAIN_LOCKED').detail).toContain('Fetch it again.');
  });

  it('that Papr has no words for is told as any other error', async () => {
    await setLanguage('de');
    expect(told('INTERNAL')).toEqual(explain(problem('INTERNAL', said)));
  });
});

describe('what else the engine says', () => {
  it('of a repair is told as it is in English, and named in German', async () => {
    const repair = 'The store was damaged (cut short) and was made anew. Nothing was lost.';
    expect(explainRepair(repair)).toEqual({ text: repair, hint: null, detail: null });
    await setLanguage('de');
    expect(explainRepair(repair)).toMatchObject({ detail: repair });
    expect(explainRepair(repair).text).toContain('beschädigt');
  });

  it('of results that are not whole is said by what the window knows', async () => {
    await setLanguage('de');
    const reply = (mode: 'hybrid' | 'words') =>
      ({ mode, degraded: 'The engine says why.' }) as Parameters<typeof degradedText>[0];
    const why = (mode: 'hybrid' | 'words', over: Parameters<typeof status>[0]) =>
      degradedText(reply(mode), status(over));
    const told = [
      why('hybrid', { index: 'building' }),
      why('hybrid', { index: 'failed' }),
      why('hybrid', { pending: 1 }),
      why('hybrid', { pending: 3 }),
      why('words', {}),
      why('words', { model: noModel }),
    ];
    expect(new Set(told).size, 'each has words of its own').toBe(told.length);
    expect(told.join(' ')).not.toMatch(/engine|The/);
    expect(told[3]).toBe('3 Erinnerungen sind noch nicht nach Bedeutung zu finden.');
  });
});
