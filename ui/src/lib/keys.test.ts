import { describe, expect, it } from 'vitest';
import { composing, keyLabel, libraryKey, listKey, mod, shortcut } from './keys';
import { WINDOW } from './shortcuts';

function key(name: string, over: Partial<KeyboardEvent> = {}) {
  return {
    key: name,
    keyCode: 0,
    isComposing: false,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    shiftKey: false,
    ...over,
  };
}

describe('input methods', () => {
  it('knows a composition by its flag and by WebKit’s key code', () => {
    expect(composing(key('Enter', { isComposing: true }))).toBe(true);
    expect(composing(key('Enter', { keyCode: 229 }))).toBe(true);
    expect(composing(key('Enter', { keyCode: 13 }))).toBe(false);
  });

  it('leaves every key of a composition alone', () => {
    for (const name of ['Enter', 'Escape', 'ArrowDown', 'ArrowUp']) {
      expect(listKey(key(name, { isComposing: true }), true, false)).toBeNull();
    }
    expect(shortcut(key('n', { ctrlKey: true, isComposing: true }), false, false)).toBeNull();
  });
});

describe('listKey', () => {
  it('moves by arrows and pages, opens and clears', () => {
    const keys = ['ArrowUp', 'ArrowDown', 'PageUp', 'PageDown', 'Enter', 'Escape', 'a'];
    expect(keys.map((name) => listKey(key(name), false, false))).toEqual([
      'up',
      'down',
      'pageUp',
      'pageDown',
      'open',
      'clear',
      null,
    ]);
  });

  it('leaves Home and End to the text until the person is in the list', () => {
    expect(listKey(key('Home'), false, false)).toBeNull();
    expect(listKey(key('Home'), true, false)).toBe('first');
    expect(listKey(key('End'), true, false)).toBe('last');
    expect(listKey(key('End', { ctrlKey: true }), false, false)).toBe('last');
    expect(listKey(key('End', { shiftKey: true }), true, false), 'selects text').toBeNull();
  });
});

describe('shortcut', () => {
  it('takes Ctrl, or ⌘ on a Mac, and never the other', () => {
    expect(mod(key('k', { ctrlKey: true }), false)).toBe(true);
    expect(mod(key('k', { ctrlKey: true }), true)).toBe(false);
    expect(mod(key('k', { metaKey: true }), true)).toBe(true);
    expect(mod(key('k', { ctrlKey: true, altKey: true }), false), 'AltGr is both').toBe(false);
  });

  it('knows its keys', () => {
    const ctrl = (name: string) => shortcut(key(name, { ctrlKey: true }), false, false);
    expect(['k', 'n', 'e', 'Backspace', 'z', 'x'].map(ctrl)).toEqual([
      'focus',
      'add',
      'edit',
      'delete',
      'undo',
      null,
    ]);
    expect(shortcut(key('/'), false, false)).toBe('focus');
    expect(shortcut(key('Delete'), false, false)).toBe('delete');
  });

  it('never takes a letter or a deletion from somebody typing', () => {
    for (const typed of [
      key('/'),
      key('Delete'),
      key('Backspace', { ctrlKey: true }),
      key('z', { ctrlKey: true }),
    ]) {
      expect(shortcut(typed, true, false)).toBeNull();
    }
    expect(shortcut(key('n', { ctrlKey: true }), true, false)).toBe('add');
  });
});

describe('keyLabel', () => {
  it('writes keys as the system does', () => {
    expect(keyLabel('CmdOrCtrl+Shift+Space', false)).toBe('Ctrl+Shift+Space');
    expect(keyLabel('CmdOrCtrl+Shift+Space', true)).toBe('⌘\u2009⇧\u2009Space');
    expect(keyLabel('Mod+N', false)).toBe('Ctrl+N');
  });
});

describe('libraryKey', () => {
  it('moves, selects and extends', () => {
    expect(libraryKey(key('ArrowDown'), false)).toEqual({ does: 'down' });
    expect(libraryKey(key('End'), false)).toEqual({ does: 'last' });
    expect(libraryKey(key(' '), false)).toEqual({ does: 'toggle' });
    expect(libraryKey(key('a', { metaKey: true }), true)).toEqual({ does: 'all' });
    expect(libraryKey(key('PageUp', { shiftKey: true }), false)).toEqual({ does: 'extend', step: 'pageUp' });
    expect(libraryKey(key('a'), false)).toBeNull();
    expect(libraryKey(key('ArrowDown', { altKey: true }), false)).toBeNull();
  });
});

describe('the table', () => {
  it('is what decides: every key in it does what its line says', () => {
    for (const { does, keys } of WINDOW) {
      for (const one of keys) {
        const parts = one.split('+');
        const name = parts.pop()!;
        const held = { ctrlKey: parts.includes('Mod'), shiftKey: parts.includes('Shift') };
        expect(shortcut(key(name, held), false, false), one).toBe(does);
      }
    }
  });

  it('takes a sign with Shift or without, and a digit by its place', () => {
    expect(shortcut(key('?', { shiftKey: true }), false, false)).toBe('help');
    expect(shortcut(key('?'), true, false), 'a letter to somebody typing').toBeNull();
    expect(shortcut(key('F1'), true, false)).toBe('help');
    expect(shortcut({ ...key('é', { ctrlKey: true }), code: 'Digit2' }, false, false)).toBe('library');
    expect(shortcut(key('P', { ctrlKey: true, shiftKey: true }), true, false)).toBe('palette');
    expect(shortcut(key('z', { ctrlKey: true, shiftKey: true }), false, false)).toBeNull();
  });
});
