/** How tests hold the Settings view. */
import { fireEvent } from '@testing-library/svelte';
import type { Settings, SettingsChange, Status } from '../backend';
import { FakeBackend } from './fake';
import { memories } from './fixtures';
import { tap } from './modelsScreen';
import { openApp, settle } from './screen';

/** Opens the settings over a backend with these. */
export async function openSettings(
  chosen: Partial<Settings> = {},
  info: Partial<Status> = {},
  prepare: (fake: FakeBackend) => void = () => {},
): Promise<FakeBackend> {
  const fake = new FakeBackend(memories(), info);
  fake.chosen = { ...fake.chosen, ...chosen };
  prepare(fake);
  await openApp(fake);
  await tap('Settings');
  return fake;
}

export const changes = (fake: FakeBackend) =>
  fake.called('changeSettings').map(([change]) => change as SettingsChange);

export function toggle(name: string): HTMLElement {
  const named = (one: Element) =>
    document.getElementById(one.getAttribute('aria-labelledby') ?? '')?.textContent.trim() === name;
  const found = [...document.querySelectorAll<HTMLElement>('[role=switch]')].find(named);
  if (!found) throw new Error(`no switch ${name}`);
  return found;
}

export async function turn(name: string): Promise<void> {
  await fireEvent.click(toggle(name));
  await settle();
}

export function select(name: string): HTMLSelectElement {
  const found = document.querySelector<HTMLSelectElement>(`main select[aria-label="${name}"]`);
  if (!found) throw new Error(`no choice ${name}`);
  return found;
}

export async function pick(name: string, value: string): Promise<void> {
  await fireEvent.change(select(name), { target: { value } });
  await settle();
}

/** What stands with a setting, the error too. */
export const rowOf = (control: Element) => control.closest('.row')?.textContent.replace(/\s+/g, ' ') ?? '';

export const recorder = () => document.querySelector<HTMLElement>('.button.keys')!;

/** Presses keys where they are recorded, and lets them go. */
export async function strike(code: string, key: string, held: KeyboardEventInit = {}): Promise<void> {
  await fireEvent.keyDown(recorder(), { code, key, ...held });
  await fireEvent.keyUp(recorder(), { code, key });
  await settle();
}
