/** How tests hold the library, the palette and what comes from outside. */
import { fireEvent } from '@testing-library/svelte';
import { FakeBackend } from './fake';
import { tap } from './modelsScreen';
import { openApp, settle } from './screen';

/** Opens the library over a backend in this state. */
export async function openLibrary(fake: FakeBackend): Promise<FakeBackend> {
  await openApp(fake);
  await tap('Library');
  return fake;
}

export const list = () => document.querySelector<HTMLElement>('#library')!;
export const options = () => [...list().querySelectorAll<HTMLElement>('[role=option]')];
export const option = (text: string) => {
  const found = options().find((one) => one.textContent.includes(text));
  if (!found) throw new Error(`no row says ${text}`);
  return found;
};
export const chosen = () => options().filter((one) => one.getAttribute('aria-selected') === 'true');
/** The row a screen reader is told the keyboard is on. */
export const current = () => {
  const id = list().getAttribute('aria-activedescendant');
  return id === null ? null : document.getElementById(id);
};
export const bar = () => document.querySelector<HTMLElement>('main [role=status].count')!.textContent.trim();

export async function key(
  name: string,
  over: KeyboardEventInit = {},
  target: Element = list(),
): Promise<void> {
  await fireEvent.keyDown(target, { key: name, ...over });
  await settle();
}

export async function press(text: string, over: MouseEventInit = {}): Promise<void> {
  await fireEvent.click(option(text), over);
  await settle();
}

/** Scrolls the list so that this row is at its upper edge. */
export async function scrollTo(row: number): Promise<void> {
  list().scrollTop = row * 52;
  await fireEvent.scroll(list());
  await settle();
}

/** A file as the window gets it from outside. */
export function file(name: string, text: string | Uint8Array<ArrayBuffer>): File {
  const made = new File([text], name);
  // jsdom has files and cannot read them.
  made.text ??= async () => (typeof text === 'string' ? text : new TextDecoder().decode(text));
  return made;
}

function transfer(type: string, data: object): Event {
  const event = new Event(type, { bubbles: true, cancelable: true });
  return Object.assign(event, data);
}

export async function drag(
  type: 'dragenter' | 'dragover' | 'dragleave' | 'drop',
  files: File[],
): Promise<Event> {
  const event = transfer(type, { dataTransfer: { types: ['Files'], files, dropEffect: 'none' } });
  document.body.dispatchEvent(event);
  await settle();
  return event;
}

export async function paste(text: string, target: Element = document.body): Promise<Event> {
  const event = transfer('paste', { clipboardData: { files: [], getData: () => text } });
  target.dispatchEvent(event);
  await settle();
  return event;
}
