/** Every word of the interface, from a folder a language, with that language's plural rules and numbers. */
import type { Key } from './en';
import { voice } from './language.svelte';

export type { Key };
export { language, locale, setLanguage, type Choice, type Language } from './language.svelte';
export type Params = Record<string, string | number>;

export function number(value: number): string {
  return voice().numbers.format(value);
}

/**
 * The text of a key, with `{name}` filled in. An entry with plural forms is chosen by `n`. To be called where it is
 * shown, in a template, a `$derived` or a function: what is kept from a call stays in the language of then.
 */
export function t(key: Key, params: Params = {}): string {
  const { entries, plural } = voice();
  const entry = entries[key];
  const form =
    typeof entry === 'string' ? entry : entry[plural.select(Number(params.n)) === 'one' ? 'one' : 'other'];
  return form.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = params[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? number(value) : value;
  });
}
