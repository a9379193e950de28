/** From keys that are pressed to a shortcut. */
import { describe, expect, it } from 'vitest';
import { acceleratorLabel, modifiers, record, type Pressed } from './accelerator';

const none = { ctrlKey: false, altKey: false, shiftKey: false, metaKey: false };
const hold = { ctrl: 'ctrlKey', alt: 'altKey', shift: 'shiftKey', meta: 'metaKey' } as const;

/** `ctrl+shift` with a key and where it is. */
function pressed(mods: string, code: string, key = code): Pressed {
  const held = mods ? mods.split('+').map((name) => [hold[name as keyof typeof hold], true]) : [];
  return { ...none, ...Object.fromEntries(held), code, key };
}
const on = (mac: boolean) => (mods: string, code: string, key?: string) => {
  const found = record(pressed(mods, code, key), mac);
  return found.is === 'keys' ? found.keys : found.is === 'unfit' ? found.why : found.is;
};
const pc = on(false);
const mac = on(true);

describe('a shortcut', () => {
  it('is the modifiers in their order and one key', () => {
    expect(pc('shift+ctrl', 'Space', ' ')).toBe('CmdOrCtrl+Shift+Space');
    expect(pc('meta+shift+alt+ctrl', 'KeyP', 'P')).toBe('CmdOrCtrl+Alt+Shift+Super+P');
    expect(mac('meta+shift', 'Space', ' ')).toBe('CmdOrCtrl+Shift+Space');
    expect(mac('ctrl+alt', 'KeyP', 'π')).toBe('Ctrl+Alt+P');
  });

  it.each([
    ['Digit1', '!', '1'],
    ['Digit0', '0', '0'],
    ['F5', 'F5', 'F5'],
    ['F24', 'F24', 'F24'],
    ['ArrowUp', 'ArrowUp', 'ArrowUp'],
    ['PageDown', 'PageDown', 'PageDown'],
    ['Enter', 'Enter', 'Enter'],
    ['Minus', '-', 'Minus'],
    ['Equal', '+', 'Equal'],
    ['BracketLeft', '{', 'BracketLeft'],
    ['Quote', "'", 'Quote'],
    ['Backslash', '\\', 'Backslash'],
    ['Numpad7', '7', 'Numpad7'],
    ['NumpadAdd', '+', 'NumpadAdd'],
  ])('can have the key %s that writes %s', (code, key, name) => {
    expect(pc('ctrl+shift', code, key)).toBe(`CmdOrCtrl+Shift+${name}`);
    expect(mac('meta+shift', code, key)).toBe(`CmdOrCtrl+Shift+${name}`);
  });

  it('goes by what is written on a key, or on a Mac by where it is, as the systems do', () => {
    expect(pc('ctrl+alt', 'KeyY', 'z'), 'a German keyboard').toBe('CmdOrCtrl+Alt+Z');
    expect(mac('meta+alt', 'KeyY', 'z')).toBe('CmdOrCtrl+Alt+Y');
    expect(pc('ctrl', 'Slash', '-'), 'the minus of a German keyboard').toBe('CmdOrCtrl+Minus');
    expect(pc('ctrl', 'BracketLeft', 'ü'), 'a key the system has no name for').toBe('unknown');
    expect(pc('ctrl', 'KeyA', 'ф')).toBe('unknown');
  });

  it('needs something held that writes no text', () => {
    expect(pc('', 'KeyA', 'a')).toBe('bare');
    expect(pc('', 'Space', ' ')).toBe('bare');
    expect(pc('shift', 'KeyA', 'A')).toBe('writes');
    expect(pc('shift', 'Digit1', '!')).toBe('writes');
    expect(mac('alt', 'Space', ' ')).toBe('Alt+Space');
    expect(pc('', 'F9', 'F9'), 'a function key writes nothing').toBe('F9');
    expect(pc('shift', 'F9', 'F9')).toBe('Shift+F9');
  });

  it('has no key that the shell could not name', () => {
    for (const code of ['IntlBackslash', 'ContextMenu', 'NumpadComma', 'F25', 'MediaPlayPause', '']) {
      expect(pc('ctrl', code, 'Unidentified')).toBe('unknown');
    }
  });
});

describe('while it is recorded', () => {
  it('the modifiers show as they are held', () => {
    expect(record(pressed('ctrl', 'ControlLeft', 'Control'), false)).toEqual({
      is: 'held',
      keys: 'CmdOrCtrl',
    });
    expect(record(pressed('ctrl+shift', 'ShiftLeft', 'Shift'), false)).toEqual({
      is: 'held',
      keys: 'CmdOrCtrl+Shift',
    });
    expect(modifiers(pressed('', 'ControlLeft', 'Control'), false), 'and let go').toEqual([]);
  });

  it('Escape cancels, Backspace clears, Tab goes on; with something held they are keys', () => {
    expect(pc('', 'Escape')).toBe('cancel');
    expect(pc('', 'Backspace')).toBe('clear');
    expect(pc('', 'Delete')).toBe('clear');
    expect(pc('', 'Tab')).toBe('leave');
    expect(pc('shift', 'Tab')).toBe('leave');
    expect(pc('ctrl+alt', 'Escape')).toBe('CmdOrCtrl+Alt+Escape');
    expect(pc('ctrl', 'Backspace')).toBe('CmdOrCtrl+Backspace');
  });
});

describe('its label', () => {
  it('is written as the system does', () => {
    expect(acceleratorLabel('CmdOrCtrl+Shift+Space', false)).toBe('Ctrl+Shift+Space');
    expect(acceleratorLabel('CmdOrCtrl+Shift+Space', true)).toBe('⌘\u2009⇧\u2009Space');
    expect(acceleratorLabel('Alt+ArrowUp', false)).toBe('Alt+↑');
    expect(acceleratorLabel('CmdOrCtrl+Minus', false)).toBe('Ctrl+-');
    expect(acceleratorLabel('CmdOrCtrl+Numpad7', false)).toBe('Ctrl+Num 7');
    expect(acceleratorLabel('Alt+NumpadAdd', false)).toBe('Alt+Num ＋');
  });
});
