/** How tests hold the models view. */
import { fireEvent } from '@testing-library/svelte';
import type { Status } from '../backend';
import { FakeBackend } from './fake';
import { memories } from './fixtures';
import { openApp, settle } from './screen';

export const BGE = 'bge-small-en-v1.5';
export const INT8 = 'all-MiniLM-L6-v2 (int8)';

/** Opens the models view over a backend in this state. */
export async function openModels(
  info: Partial<Status> = {},
  prepare: (fake: FakeBackend) => void = () => {},
): Promise<FakeBackend> {
  const fake = new FakeBackend(memories(), info);
  prepare(fake);
  await openApp(fake);
  await tap('Models');
  return fake;
}

// By attribute and text: working out the role and name of everything on this page takes seconds.
export function card(name: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(`main li[aria-label="${name}"]`);
  if (!found) throw new Error(`no model ${name}`);
  return found;
}

export function button(name: string): HTMLElement {
  const named = (one: Element) => (one.getAttribute('aria-label') ?? one.textContent.trim()) === name;
  const found = [...document.querySelectorAll('button')].find(named);
  if (!found) throw new Error(`no button ${name}`);
  return found;
}

export async function tap(name: string): Promise<void> {
  await fireEvent.click(button(name));
  await settle();
}

export const buttons = (place: HTMLElement) =>
  [...place.querySelectorAll('.buttons button')].map((one) => one.textContent.trim());
export const focused = () =>
  document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent;

export async function pressFocused(name: string): Promise<void> {
  button(name).focus();
  await tap(name);
}
