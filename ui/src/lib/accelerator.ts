/** From keys that are pressed to an accelerator as the shell takes it ("CmdOrCtrl+Shift+Space"), and to its label. */
import { isMac, keyLabel } from './keys';

export type Pressed = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'altKey' | 'shiftKey' | 'metaKey'>;

/** Why keys cannot be a shortcut: nothing is held, only Shift with what writes text, or no name for the key. */
export type Unfit = 'bare' | 'writes' | 'unknown';

export type Recorded =
  | { is: 'held'; keys: string }
  | { is: 'keys'; keys: string }
  | { is: 'unfit'; why: Unfit }
  | { is: 'cancel' }
  | { is: 'clear' }
  /** Tab leaves the recorder as it leaves anything else. */
  | { is: 'leave' };

export const DEFAULT_SHORTCUT = 'CmdOrCtrl+Shift+Space';

/** Codes that the shell knows under the same name. */
const NAMED = new Set(
  'Space Enter Tab Escape Backspace Insert Delete Home End PageUp PageDown ArrowUp ArrowDown ArrowLeft ArrowRight'.split(
    ' ',
  ),
);

/** Punctuation: what it writes on a US keyboard by itself and with Shift. */
const PUNCTUATION: Record<string, [plain: string, shifted: string]> = {
  Backquote: ['`', '~'],
  Minus: ['-', '_'],
  Equal: ['=', '+'],
  BracketLeft: ['[', '{'],
  BracketRight: [']', '}'],
  Backslash: ['\\', '|'],
  Semicolon: [';', ':'],
  Quote: ["'", '"'],
  Comma: [',', '<'],
  Period: ['.', '>'],
  Slash: ['/', '?'],
};

const NUMPAD: Record<string, string> = { Add: '＋', Subtract: '-', Multiply: '*', Divide: '/', Decimal: '.' };

const FUNCTION = /^F([1-9]|1\d|2[0-4])$/;
const MODIFIER = /^(Control|Alt|AltGraph|Shift|Meta|OS|Super|Hyper|Fn|CapsLock)$/;

/** What keys mean while a shortcut is recorded. */
export function record(event: Pressed, mac = isMac): Recorded {
  const held = modifiers(event, mac);
  if (MODIFIER.test(event.key)) return { is: 'held', keys: held.join('+') };
  const bare = held.length === 0;
  const shifted = held.join('+') === 'Shift';
  if (event.code === 'Tab' && (bare || shifted)) return { is: 'leave' };
  if (bare && event.code === 'Escape') return { is: 'cancel' };
  if (bare && (event.code === 'Backspace' || event.code === 'Delete')) return { is: 'clear' };
  const key = keyOf(event, mac);
  if (key === null) return { is: 'unfit', why: 'unknown' };
  // A function key writes nothing, so it may stand alone.
  if (!FUNCTION.test(key)) {
    if (bare) return { is: 'unfit', why: 'bare' };
    if (shifted) return { is: 'unfit', why: 'writes' };
  }
  return { is: 'keys', keys: [...held, key].join('+') };
}

/** The modifiers that are held, in the order they are written. */
export function modifiers(event: Pressed, mac = isMac): string[] {
  const { ctrlKey, altKey, shiftKey, metaKey } = event;
  const first = mac
    ? [metaKey && 'CmdOrCtrl', ctrlKey && 'Ctrl', altKey && 'Alt', shiftKey && 'Shift']
    : [ctrlKey && 'CmdOrCtrl', altKey && 'Alt', shiftKey && 'Shift', metaKey && 'Super'];
  return first.filter((name) => name !== false);
}

/** An accelerator as people read it on this system: "⌘ ⇧ Space", "Ctrl+Shift+Space". */
export function acceleratorLabel(keys: string, mac = isMac): string {
  const parts = keys.split('+').map((part) => sign(part.trim()));
  return keyLabel(parts.join('+'), mac);
}

function sign(part: string): string {
  const written = PUNCTUATION[part]?.[0];
  if (written !== undefined) return written;
  const numpad = /^Numpad(.+)$/.exec(part)?.[1];
  // A plus would be taken for what stands between the keys.
  return numpad === undefined ? part : `Num ${NUMPAD[numpad] ?? numpad}`;
}

/**
 * The shell's name of a key. On a Mac it goes by where the key is, elsewhere by what is written on it: a letter or a
 * sign is taken from the layout there, or the shortcut would be another key than the one that was pressed.
 */
function keyOf({ key, code }: Pressed, mac: boolean): string | null {
  const letter = mac ? /^Key([A-Z])$/.exec(code)?.[1] : /^[a-z]$/i.exec(key)?.[0].toUpperCase();
  if (letter) return letter;
  const digit = /^Digit(\d)$/.exec(code)?.[1];
  if (digit) return digit;
  if (FUNCTION.test(code) || NAMED.has(code)) return code;
  const numpad = /^Numpad(.+)$/.exec(code)?.[1];
  if (numpad !== undefined) return /^\d$/.test(numpad) || numpad in NUMPAD ? code : null;
  if (mac) return code in PUNCTUATION ? code : null;
  const signs = Object.entries(PUNCTUATION);
  const plain = signs.find(([, [one]]) => one === key)?.[0];
  // With Shift the layout writes something else; then only the place on the keyboard is left to go by.
  return plain ?? signs.find(([name, [, two]]) => name === code && two === key)?.[0] ?? null;
}
