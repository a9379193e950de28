import { afterEach, describe, expect, it, vi } from 'vitest';
import { languages, size } from '../lib/amounts';
import { longDate, moment, shortDate } from '../lib/dates';
import { language, locale, number, setLanguage, t } from '.';
import { systemLanguage } from './language.svelte';

const speaks = (...tags: string[]) => vi.spyOn(navigator, 'languages', 'get').mockReturnValue(tags);

afterEach(() => setLanguage('en'));

describe('words', () => {
  it('choose the plural form by the number and write it for people', async () => {
    expect(t('count.results', { n: 1 })).toBe('1 result');
    expect(t('count.results', { n: 0 })).toBe('0 results');
    expect(t('count.results', { n: 1200 })).toBe('1,200 results');
    await setLanguage('de');
    expect([0, 1, 2, 1200].map((n) => t('count.goals', { n }))).toEqual([
      '0 Ziele',
      '1 Ziel',
      '2 Ziele',
      '1.200 Ziele',
    ]);
    expect(t('signOut.question', { n: 1 })).toMatch(/^1 Erinnerung .* ist auf/);
  });

  it('fill in a memory’s text as it is, braces and all', () => {
    expect(t('none.title', { text: '{n} $& <b>' })).toBe('Nothing found for “{n} $& <b>”');
  });
});

describe('the language', () => {
  it('tells the page, which reads it aloud and hyphenates by it', async () => {
    await setLanguage('de');
    expect(document.documentElement.lang).toBe('de');
    expect(document.documentElement.dir).toBe('ltr');
    expect(language()).toBe('de');
    await setLanguage('en');
    expect(document.documentElement.lang).toBe('en');
  });

  it('goes through numbers, sizes and dates', async () => {
    speaks('de-DE');
    await setLanguage('de');
    const now = Date.parse('2026-06-15T12:00:00Z');
    expect(number(1234.5)).toBe('1.234,5');
    expect(size(1_260_000)).toBe('1,26 GB');
    expect(languages(['en', 'mul'])).toBe('Englisch, viele Sprachen');
    expect(shortDate('2026-06-14T12:00:00Z', now, locale())).toBe('gestern');
    expect(shortDate('2026-03-05T12:00:00Z', now, locale())).toBe('5. März');
    expect(longDate('2026-03-05T12:00:00Z', locale())).toContain('05.03.2026');
    expect(moment('2026-06-15T12:12:00Z', now, locale())).toMatch(/^in 12 /);
  });

  it('is the first of the system’s that is spoken here, and English where none is', () => {
    expect(systemLanguage(['de-AT', 'en'])).toBe('de');
    expect(systemLanguage(['fr-CA', 'de'])).toBe('de');
    expect(systemLanguage(['en-US', 'de'])).toBe('en');
    expect(systemLanguage(['fr', 'ja'])).toBe('en');
    expect(systemLanguage(['den', ''])).toBe('en');
    expect(systemLanguage([])).toBe('en');
  });

  it('goes by the system if that is chosen, also when the system changes', async () => {
    speaks('de-AT', 'de');
    await setLanguage('system');
    expect([language(), locale()]).toEqual(['de', 'de-AT']);
    speaks('fr', 'en-US');
    window.dispatchEvent(new Event('languagechange'));
    await vi.waitFor(() => expect([language(), locale()]).toEqual(['en', 'en-US']));
    await setLanguage('de');
    expect(locale(), 'the system names no country where it is spoken').toBe('de-DE');
  });

  it('is the one that was chosen last, whichever comes first', async () => {
    await Promise.all([setLanguage('de'), setLanguage('en')]);
    expect([language(), t('nav.search')]).toEqual(['en', 'Search']);
    await Promise.all([setLanguage('en'), setLanguage('de')]);
    expect([language(), t('nav.search')]).toEqual(['de', 'Suche']);
  });
});
