/** Which key does what. Pure: it looks at an event and says what is meant. */
import type { Step } from './move';

type Key = Pick<
  KeyboardEvent,
  'key' | 'keyCode' | 'isComposing' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'
>;

/** 229 is what WebKit sends for the Enter that ends a composition, after `isComposing` is false again. */
const COMPOSING = 229;

export function composing(event: Pick<Key, 'isComposing' | 'keyCode'>): boolean {
  return event.isComposing || event.keyCode === COMPOSING;
}

export const isMac = /^mac/i.test(globalThis.navigator?.platform ?? '');

/** ⌘ on a Mac, Ctrl elsewhere, and not the other one. */
export function mod(event: Key, mac = isMac): boolean {
  return (mac ? event.metaKey && !event.ctrlKey : event.ctrlKey && !event.metaKey) && !event.altKey;
}

function bare(event: Key): boolean {
  return !event.ctrlKey && !event.metaKey && !event.altKey;
}

export type ListKey = Step | 'open' | 'clear';

const STEPS: Record<string, Step> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  PageUp: 'pageUp',
  PageDown: 'pageDown',
};

/**
 * What a key in the search field means for the list under it. Home and End belong to the text until
 * the person has moved into the list (`browsing`); with Ctrl or ⌘ they always mean the list.
 */
export function listKey(event: Key, browsing: boolean, mac = isMac): ListKey | null {
  if (composing(event) || event.shiftKey) return null;
  const ends = bare(event) ? browsing : mod(event, mac);
  if (ends && event.key === 'Home') return 'first';
  if (ends && event.key === 'End') return 'last';
  if (!bare(event)) return null;
  if (event.key === 'Enter') return 'open';
  if (event.key === 'Escape') return 'clear';
  return STEPS[event.key] ?? null;
}

export type Shortcut = 'focus' | 'add' | 'edit' | 'delete' | 'undo';

/**
 * The main window's shortcuts. `typing`: the focus is in a text field, where a letter is a letter
 * and deleting keys delete text.
 */
export function shortcut(event: Key, typing: boolean, mac = isMac): Shortcut | null {
  if (composing(event)) return null;
  const key = event.key.toLowerCase();
  if (mod(event, mac) && !event.shiftKey) {
    if (key === 'k' || key === 'f') return 'focus';
    if (key === 'n') return 'add';
    if (key === 'e') return 'edit';
    if (key === 'backspace' && !typing) return 'delete';
    if (key === 'z' && !typing) return 'undo';
    return null;
  }
  if (typing || !bare(event)) return null;
  if (key === '/') return 'focus';
  if (key === 'delete') return 'delete';
  return null;
}

const MAC_SIGNS: Record<string, string> = {
  mod: '⌘',
  cmdorctrl: '⌘',
  commandorcontrol: '⌘',
  super: '⌘',
  cmd: '⌘',
  command: '⌘',
  ctrl: '⌃',
  control: '⌃',
  alt: '⌥',
  option: '⌥',
  shift: '⇧',
};
const NAMES: Record<string, string> = {
  mod: 'Ctrl',
  cmdorctrl: 'Ctrl',
  commandorcontrol: 'Ctrl',
  control: 'Ctrl',
};

/** "Mod+K" or "CmdOrCtrl+Shift+Space" as this system writes it: "⌘K", "Ctrl+Shift+Space". */
export function keyLabel(keys: string, mac = isMac): string {
  const names = mac ? MAC_SIGNS : NAMES;
  const parts = keys.split('+').map((part) => names[part.trim().toLowerCase()] ?? part.trim());
  return parts.join(mac ? '\u2009' : '+');
}
