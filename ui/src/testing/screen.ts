/** How tests hold a window: what to press, what to wait for, what is on screen. */
import { fireEvent, render, screen } from '@testing-library/svelte';
import { vi } from 'vitest';
import App from '../App.svelte';
import Quick from '../Quick.svelte';
import type { FakeBackend } from './fake';

/** Lets debounced and pending work finish, in fake time. */
export const settle = (ms = 100) => vi.advanceTimersByTimeAsync(ms);

export async function openApp(backend: FakeBackend): Promise<void> {
  render(App, { props: { backend } });
  await settle();
}

export async function openQuick(backend: FakeBackend): Promise<void> {
  render(Quick, { props: { backend } });
  await settle();
}

export const field = () => screen.getByRole<HTMLInputElement>('combobox', { name: 'Search memories' });

export async function type(text: string): Promise<void> {
  await fireEvent.input(field(), { target: { value: text } });
  await settle();
}

export async function press(
  key: string,
  over: KeyboardEventInit = {},
  target: Element = field(),
): Promise<void> {
  await fireEvent.keyDown(target, { key, ...over });
  await settle();
}

export async function click(name: string | RegExp): Promise<void> {
  await fireEvent.click(screen.getByRole('button', { name }));
  await settle();
}

/** The rows of the list, not the options of the select beside it. */
export const rows = () => [...document.querySelectorAll<HTMLElement>('[role=listbox] > [role=option]')];

/** The row a screen reader is told is active. */
export function active(): HTMLElement | null {
  const id = field().getAttribute('aria-activedescendant');
  return id === null ? null : document.getElementById(id);
}
