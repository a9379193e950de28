/** How tests hold the Sync and Privacy views. */
import { fireEvent } from '@testing-library/svelte';
import type { Sync } from '../backend';
import { FakeBackend } from './fake';
import { memories } from './fixtures';
import { tap } from './modelsScreen';
import { account, nobody, synced } from './papr';
import { openApp, settle } from './screen';

/** Opens a view over a backend where nobody ever signed in. */
export async function openSignedOut(prepare: (fake: FakeBackend) => void = () => {}): Promise<FakeBackend> {
  const fake = new FakeBackend(memories(), { sync: nobody() });
  prepare(fake);
  await openApp(fake);
  await tap('Sync');
  return fake;
}

/** Opens a view over a backend where somebody is signed in. */
export async function openSync(
  over: Partial<Sync> = {},
  prepare: (fake: FakeBackend) => void = () => {},
  view = 'Sync',
): Promise<FakeBackend> {
  const fake = new FakeBackend(memories(), { sync: synced(over) });
  fake.who = account({ pending: over.pending ?? 0 });
  prepare(fake);
  await openApp(fake);
  await tap(view);
  return fake;
}

export function region(name: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(`main section[aria-label="${name}"]`);
  if (!found) throw new Error(`no region ${name}`);
  return found;
}

export const isThere = (name: string) =>
  document.querySelector(`main section[aria-label="${name}"]`) !== null;

export function buttonIn(place: Element, name: string): HTMLElement {
  const named = (one: Element) => (one.getAttribute('aria-label') ?? one.textContent.trim()) === name;
  const found = [...place.querySelectorAll('button')].find(named);
  if (!found) throw new Error(`no button ${name} in there`);
  return found;
}

export async function tapIn(place: Element, name: string): Promise<void> {
  const found = buttonIn(place, name);
  found.focus();
  await fireEvent.click(found);
  await settle();
}

export const has = (place: Element, name: string) =>
  [...place.querySelectorAll('button')].some(
    (one) => (one.getAttribute('aria-label') ?? one.textContent.trim()) === name,
  );

export const keyField = () => document.querySelector<HTMLInputElement>('#papr-key');

export async function writeKey(key: string): Promise<void> {
  const field = keyField();
  if (!field) throw new Error('no key field');
  await fireEvent.input(field, { target: { value: key } });
}

/** What a fact of a list of facts says. */
export function fact(place: Element, name: string): string {
  const term = [...place.querySelectorAll('dt')].find((one) => one.textContent.trim() === name);
  return term?.nextElementSibling?.textContent.replace(/\s+/g, ' ').trim() ?? '';
}

/** The link in the status line. */
export const syncLine = () => document.querySelector<HTMLElement>('footer.numbers button:last-of-type')!;

/** What screen readers were told of in passing. */
export const heard = () =>
  [...document.querySelectorAll('[role=status]')].map((one) => one.textContent.trim()).join(' ');
