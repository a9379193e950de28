/** How tests hold the quick window: its settings, its panel, its sizes. */
import { fireEvent, screen } from '@testing-library/svelte';
import { vi } from 'vitest';
import type { Memory, QuickSettings, Settings } from '../backend';
import { FakeBackend } from './fake';
import { memories } from './fixtures';
import { settle } from './screen';

const OPENS: QuickSettings = { onEnter: 'open', stayOpen: false, compact: false, preview: false };

/** A backend where Enter opens, unless `quick` says otherwise. */
export function quickFake(
  quick: Partial<QuickSettings> = {},
  over: Partial<Settings> = {},
  kept: Memory[] = memories(),
): FakeBackend {
  const fake = new FakeBackend(kept);
  fake.setSettings({ ...over, quick: { ...OPENS, ...quick } });
  return fake;
}

/** Stands in for the system's clipboard. */
export function fakeClipboard() {
  const writeText = vi.fn().mockResolvedValue(undefined);
  Object.defineProperty(navigator, 'clipboard', { value: { writeText }, configurable: true });
  return writeText;
}

export const panel = () => screen.queryByRole<HTMLDialogElement>('dialog');
export const panelField = () => screen.getByRole<HTMLInputElement>('combobox', { name: 'Find an action' });
export const actionRows = () => [...document.querySelectorAll<HTMLElement>('#quick-actions > li')];
export const actionNames = () => actionRows().map((row) => row.querySelector('span')?.textContent);

/** The action a screen reader is told is active. */
export function activeAction(): string | null | undefined {
  const id = panelField().getAttribute('aria-activedescendant');
  return id === null ? null : document.getElementById(id)?.querySelector('span')?.textContent;
}

/** Chooses an action in the panel with the pointer. */
export async function choose(name: string): Promise<void> {
  const row = actionRows().find((one) => one.querySelector('span')?.textContent === name);
  if (!row) throw new Error(`no action ${name}`);
  await fireEvent.click(row);
  await settle();
}

/** What the footer says. */
export const said = () => document.querySelector('footer [role=status]')?.textContent ?? '';

/** The keys the footer names. */
export const keys = () =>
  [...document.querySelectorAll('footer .key')].map((key) => key.textContent.trim()).join(' ');
