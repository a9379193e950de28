/** Which key does what. Pure: it looks at an event and says what is meant. */
import { t, type Key as Word } from '../strings';
import type { Step } from './move';
import {
  CHOOSE,
  FORM,
  LIST,
  QUICK,
  WINDOW,
  type Binding,
  type FormDoes,
  type ListDoes,
  type QuickDoes,
  type Shortcut,
} from './shortcuts';

type Key = Pick<
  KeyboardEvent,
  'key' | 'keyCode' | 'isComposing' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'
> & { readonly code?: string };

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

/** An event's own properties are not copied by spreading it. */
function plain({ key, keyCode, code, isComposing, ctrlKey, metaKey, altKey, shiftKey }: Key, alt = altKey) {
  return { key, keyCode, code, isComposing, ctrlKey, metaKey, altKey: alt, shiftKey };
}

/** Whether the event is these keys, written as in the table: "Mod+Shift+P", "ArrowUp", "?". */
export function pressed(event: Key, keys: string, mac = isMac): boolean {
  const parts = keys.split('+');
  const name = parts.pop() ?? '';
  if (!isNamed(event, name.toLowerCase())) return false;
  const held = parts.includes('Mod') ? mod(plain(event, false), mac) : !event.ctrlKey && !event.metaKey;
  if (!held || event.altKey !== parts.includes('Alt')) return false;
  // A sign may itself need Shift, on one keyboard and not on another.
  return event.shiftKey === parts.includes('Shift') || isSign(name);
}

function isNamed(event: Key, name: string): boolean {
  const key = event.key === ' ' ? 'space' : event.key.toLowerCase();
  // Where digits need Shift, they are known by their place.
  return key === name || (/^\d$/.test(name) && event.code === `Digit${name}`);
}

function isSign(name: string): boolean {
  return name.length === 1 && /[^\p{L}\p{N}]/u.test(name);
}

function find<Does extends string>(
  table: readonly Binding<Does>[],
  event: Key,
  mac: boolean,
): { does: Does; keys: string; outside: boolean } | null {
  if (composing(event)) return null;
  for (const { does, keys, outside = false } of table) {
    const met = keys.find((one) => pressed(event, one, mac));
    if (met !== undefined) return { does, keys: met, outside };
  }
  return null;
}

export type ListKey = ListDoes;

/**
 * What a key in the search field means for the list under it. Home and End belong to the text until
 * the person has moved into the list (`browsing`); with Ctrl or ⌘ they always mean the list.
 */
export function listKey(event: Key, browsing: boolean, mac = isMac): ListKey | null {
  const found = find(LIST, event, mac);
  const inText = found?.keys === 'Home' || found?.keys === 'End';
  return found && (browsing || !inText) ? found.does : null;
}

export type LibraryKey = { does: ListDoes | 'toggle' | 'all' } | { does: 'extend'; step: Step };

/** What a key means in the library's list, where several can be selected. */
export function libraryKey(event: Key, mac = isMac): LibraryKey | null {
  const does = find(CHOOSE, event, mac)?.does ?? find(LIST, event, mac)?.does;
  if (does !== 'extend') return does ? { does } : null;
  const step = listKey({ ...plain(event), shiftKey: false }, true, mac);
  return step && step !== 'open' && step !== 'clear' ? { does, step } : null;
}

export type { Shortcut };

/**
 * The main window's shortcuts. `typing`: the focus is in a text field, where a letter is a letter
 * and deleting keys delete text.
 */
export function shortcut(event: Key, typing: boolean, mac = isMac): Shortcut | null {
  const found = find(WINDOW, event, mac);
  if (!found || (typing && (found.outside || found.keys.length === 1))) return null;
  return found.does;
}

/** What a key means in the quick window, beside those of its list. */
export function quickKey(event: Key, mac = isMac): QuickDoes | null {
  return find(QUICK, event, mac)?.does ?? null;
}

/** What a key means in a form. */
export function formKey(event: Key, mac = isMac): FormDoes | null {
  return find(FORM, event, mac)?.does ?? null;
}

const MODS: Record<string, 'mod' | 'ctrl' | 'alt' | 'shift' | 'super'> = {
  mod: 'mod',
  cmdorctrl: 'mod',
  commandorcontrol: 'mod',
  super: 'super',
  cmd: 'super',
  command: 'super',
  meta: 'super',
  ctrl: 'ctrl',
  control: 'ctrl',
  alt: 'alt',
  option: 'alt',
  shift: 'shift',
};
const MAC_SIGNS: Record<string, string> = {
  mod: '⌘',
  super: '⌘',
  ctrl: '⌃',
  alt: '⌥',
  shift: '⇧',
  backspace: '⌫',
  delete: '⌦',
  escape: '⎋',
  pageup: '⇞',
  pagedown: '⇟',
  home: '↖',
  end: '↘',
  tab: '⇥',
};
const SIGNS: Record<string, string> = {
  arrowup: '↑',
  arrowdown: '↓',
  arrowleft: '←',
  arrowright: '→',
  enter: '↵',
  backspace: '⌫',
};
const WORDS: Record<string, Word> = {
  mod: 'keyName.ctrl',
  ctrl: 'keyName.ctrl',
  shift: 'keyName.shift',
  alt: 'keyName.alt',
  delete: 'keyName.delete',
  escape: 'keyName.escape',
  pageup: 'keyName.pageUp',
  pagedown: 'keyName.pageDown',
  home: 'keyName.home',
  end: 'keyName.end',
  space: 'keyName.space',
};

/** "Mod+K" or "CmdOrCtrl+Shift+Space" as this system writes it: "⌘K", "Ctrl+Shift+Space", "Strg+Umschalt+Leertaste". */
export function keyLabel(keys: string, mac = isMac): string {
  const label = (part: string) => {
    const lower = part.trim().toLowerCase();
    const name = MODS[lower] ?? lower;
    const sign = (mac ? MAC_SIGNS[name] : undefined) ?? SIGNS[name];
    const word = WORDS[name];
    return sign ?? (word ? t(word) : part.trim());
  };
  return keys
    .split('+')
    .map(label)
    .join(mac ? '\u2009' : '+');
}
