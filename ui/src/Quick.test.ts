/** The quick window over a made-up backend. */
import { createEvent, fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Filters } from './backend';
import { NO_FILTERS } from './lib/filters';
import { FakeBackend } from './testing/fake';
import { memories, noModel, NOW, opening, status } from './testing/fixtures';
import { active, click, field, openQuick, press, rows, settle, type } from './testing/screen';

let fake: FakeBackend;
const writeText = vi.fn();

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
  writeText.mockReset().mockResolvedValue(undefined);
  Object.defineProperty(navigator, 'clipboard', { value: { writeText }, configurable: true });
  fake = new FakeBackend(memories());
  fake.setSettings({ quick: { onEnter: 'open', stayOpen: false, compact: false, preview: false } });
});
afterEach(() => void vi.useRealTimers());

describe('the quick window', () => {
  it('opens on eight recent memories, ready to type', async () => {
    await openQuick(fake);
    expect(rows()).toHaveLength(8);
    expect(document.activeElement).toBe(field());
    expect(fake.called('list')).toEqual([[NO_FILTERS, 'newest', null, 8]]);
  });

  it('opens the selected memory in the main window and goes away', async () => {
    await openQuick(fake);
    await type('api');
    await press('ArrowDown');
    await press('Enter');
    expect(fake.called('showMain')).toEqual([[memories()[1]!.id]]);
    expect(fake.called('hideQuick')).toHaveLength(1);
  });

  it('leaves every key to an input method that composes', async () => {
    await openQuick(fake);
    const before = active();
    await type('api');
    await type('');
    const asked = fake.called('list').length;
    const keys: [string, KeyboardEventInit?][] = [
      ['Enter'],
      ['Enter', { ctrlKey: true }],
      ['ArrowDown'],
      ['ArrowUp', { altKey: true }],
      ['Tab'],
      ['Escape'],
      ['k', { ctrlKey: true }],
      ['n', { ctrlKey: true }],
      ['i', { ctrlKey: true }],
      ['c', { ctrlKey: true }],
      ['Backspace', { ctrlKey: true, shiftKey: true }],
    ];
    for (const [key, held] of keys) {
      for (const sign of [{ isComposing: true }, { keyCode: 229 }]) {
        const event = createEvent.keyDown(field(), { key, ...held, ...sign });
        await fireEvent(field(), event);
        expect(event.defaultPrevented, key).toBe(false);
      }
    }
    await settle();
    for (const method of ['showMain', 'hideQuick', 'remove', 'changeSettings'] as const) {
      expect(fake.called(method), method).toEqual([]);
    }
    expect(fake.called('list')).toHaveLength(asked);
    expect(active()).toBe(before);
    expect(field().value).toBe('');
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(writeText).not.toHaveBeenCalled();
  });

  it('clears with Escape, then hides', async () => {
    await openQuick(fake);
    await type('api');
    await press('Escape');
    expect(field().value).toBe('');
    expect(fake.called('hideQuick')).toEqual([]);
    await press('Escape');
    expect(fake.called('hideQuick')).toHaveLength(1);
  });

  it('goes through the tiers with Tab, and back with Shift', async () => {
    await openQuick(fake);
    const asked = async (shiftKey: boolean) => {
      await press('Tab', { shiftKey });
      return (fake.called('list').at(-1)![0] as Filters).tier;
    };
    expect([await asked(false), await asked(false), await asked(false)]).toEqual(['goals', 'memories', null]);
    expect(await asked(true)).toBe('memories');
    expect(screen.getByRole('button', { name: 'Memories' })).toBeTruthy();
    expect(document.activeElement).toBe(field());
  });

  it('goes on past its eighth row, and says when that fails', async () => {
    await openQuick(fake);
    await press('End', { ctrlKey: true });
    fake.failNext('list', { code: 'INTERNAL', message: 'it broke' });
    await press('ArrowDown');
    expect(screen.getByRole('alert').textContent).toContain('The rest couldn’t be loaded. It broke.');
    await click('Try again');
    expect(rows()).toHaveLength(12);
    expect(active()).toBe(rows()[8]);
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('copies the selected memory, whole', async () => {
    await openQuick(fake);
    await press('ArrowDown');
    await press('c', { ctrlKey: true });
    expect(writeText).toHaveBeenCalledWith(memories()[1]!.content);
    expect(screen.getByText('Copied')).toBeTruthy();
  });

  it('leaves copying to the field where text is marked in it', async () => {
    await openQuick(fake);
    await type('api');
    field().setSelectionRange(0, 3);
    await press('c', { ctrlKey: true });
    expect(writeText).not.toHaveBeenCalled();
  });

  it('says so when the system refuses to copy', async () => {
    writeText.mockRejectedValue(new Error('no'));
    await openQuick(fake);
    await press('c', { ctrlKey: true });
    expect(screen.getByText('Couldn’t copy')).toBeTruthy();
  });

  it('keeps the last question, selected, when shown again, and looks anew', async () => {
    await openQuick(fake);
    await type('api');
    field().blur();
    fake.emitQuickShown();
    await settle();
    expect(document.activeElement).toBe(field());
    expect([field().selectionStart, field().selectionEnd]).toEqual([0, 3]);
    expect(fake.called('search')).toHaveLength(2);
  });

  it('forgets a question from long ago', async () => {
    await openQuick(fake);
    await type('api');
    await settle(11 * 60_000);
    fake.emitQuickShown();
    await settle();
    expect(field().value).toBe('');
    expect(rows()).toHaveLength(8);
  });

  it('opens with a click on the row that is selected already', async () => {
    await openQuick(fake);
    await fireEvent.click(rows()[2]!);
    await settle();
    expect(active()).toBe(rows()[2]);
    await fireEvent.click(rows()[2]!);
    expect(fake.called('showMain')).toEqual([[memories()[2]!.id]]);
  });

  it('says quietly that only words were searched', async () => {
    fake = Object.assign(new FakeBackend(memories(), { model: noModel }), { degraded: 'no model' });
    await openQuick(fake);
    await type('api');
    expect(screen.getByText('By word only: no model is installed.')).toBeTruthy();
  });

  it('names its keys, and only those that do something now', async () => {
    fake = new FakeBackend();
    await openQuick(fake);
    expect(screen.getByText('Nothing here yet. Type + and then what to remember.')).toBeTruthy();
    expect(screen.queryByText('copy')).toBeNull();
    expect(screen.getByText('close')).toBeTruthy();
    await type('zebra');
    expect(screen.getByText('Nothing found')).toBeTruthy();
    expect(screen.getByText('clear')).toBeTruthy();
  });

  it('says that the memories are being opened, and answers once they are', async () => {
    fake = new FakeBackend(memories(), opening);
    await openQuick(fake);
    expect(screen.getByRole('heading', { name: 'Opening your memories' })).toBeTruthy();
    await type('api');
    expect(screen.queryByText('Nothing found')).toBeNull();
    fake.setStatus(status());
    await settle();
    expect(rows()).toHaveLength(3);
    expect(screen.queryByText('Opening your memories')).toBeNull();
  });

  it('leads to the main window when the app cannot work', async () => {
    fake = new FakeBackend([], {
      state: 'failed',
      fatal: { code: 'STORE_LOCKED', message: 'It is open elsewhere.', hint: null, retryable: true },
    });
    await openQuick(fake);
    await click('Open Papr');
    expect(fake.called('showMain')).toEqual([[null]]);
  });
});
