/** Every word of the interface, from one file a language, with that language's plural rules. */
import en from './en.json';

type Entry = string | { one: string; other: string };
export type Key = keyof typeof en;
export type Params = Record<string, string | number>;

const LANGUAGE = 'en';
const entries: Record<Key, Entry> = en;
const plural = new Intl.PluralRules(LANGUAGE);

/** For dates and numbers: the person's own kind of English, else one that puts the day first. */
export const locale =
  globalThis.navigator?.languages?.find((tag) => tag.startsWith(`${LANGUAGE}-`)) ?? 'en-GB';

const numbers = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });

export function number(value: number): string {
  return numbers.format(value);
}

/** The text of a key, with `{name}` filled in. An entry with plural forms is chosen by `n`. */
export function t(key: Key, params: Params = {}): string {
  const entry = entries[key];
  const form = typeof entry === 'string' ? entry : entry[plural.select(Number(params.n)) as 'one' | 'other'];
  return form.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? number(value) : value;
  });
}
