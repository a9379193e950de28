/** The quick window: what can be done to the memory that is selected. */
import { fireEvent, screen, within } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { FakeBackend } from './testing/fake';
import { memories, memory, NOW } from './testing/fixtures';
import {
  actionNames,
  actionRows,
  activeAction,
  choose,
  fakeClipboard,
  keys,
  panel,
  panelField,
  quickFake,
  said,
} from './testing/quickScreen';
import { active, click, field, openQuick, press, rows, settle, type } from './testing/screen';

const [first, second] = memories() as [ReturnType<typeof memory>, ReturnType<typeof memory>];
let fake: FakeBackend;
let writeText: ReturnType<typeof fakeClipboard>;

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
  writeText = fakeClipboard();
  fake = quickFake();
});
afterEach(() => void vi.useRealTimers());

describe('Enter', () => {
  it('opens, and with Ctrl copies and goes away', async () => {
    await openQuick(fake);
    expect(keys()).toContain('↵open');
    expect(keys()).toContain('Ctrl+↵copy');
    await press('Enter', { ctrlKey: true });
    expect(writeText).toHaveBeenCalledWith(first.content);
    expect(fake.called('showMain')).toEqual([]);
    expect(fake.called('hideQuick')).toHaveLength(1);
    await press('Enter');
    expect(fake.called('showMain')).toEqual([[first.id]]);
  });

  it('does it the other way round where the person chose so', async () => {
    fake = quickFake({ onEnter: 'copy' });
    await openQuick(fake);
    expect(keys()).toContain('↵copy');
    await press('Enter');
    expect(writeText).toHaveBeenCalledWith(first.content);
    expect(fake.called('hideQuick')).toHaveLength(1);
    await press('Enter', { ctrlKey: true });
    expect(fake.called('showMain')).toEqual([[first.id]]);
  });

  it('hears of another choice while the window is there', async () => {
    await openQuick(fake);
    fake.setSettings({ quick: { ...fake.chosen.quick, onEnter: 'copy' } });
    await settle();
    await press('Enter');
    expect(writeText).toHaveBeenCalledOnce();
  });

  it('stays after copying where the window is to stay, or where that failed', async () => {
    fake = quickFake({ onEnter: 'copy', stayOpen: true });
    await openQuick(fake);
    await press('Enter');
    expect(said()).toBe('Copied');
    fake.setSettings({ quick: { ...fake.chosen.quick, stayOpen: false } });
    writeText.mockRejectedValue(new Error('no'));
    await press('Enter');
    expect(said()).toBe('Couldn’t copy');
    expect(fake.called('hideQuick')).toEqual([]);
  });
});

describe('the panel of actions', () => {
  it('opens by key and by button, and names what it is for', async () => {
    await openQuick(fake);
    await press('k', { ctrlKey: true });
    expect(panel()?.getAttribute('aria-label')).toBe(`Actions for “${first.content}”`);
    expect(document.activeElement).toBe(panelField());
    expect(actionNames()).toEqual([
      'Open in the main window',
      'Copy',
      'Copy as a quote',
      'Pin',
      'Move to memories',
      'Edit',
      'Why it is here',
      'Delete',
      'Show the preview',
      'Add a memory',
    ]);
    expect(actionRows().every((row) => within(row).getByText(/Ctrl|↵/))).toBe(true);
    await press('Escape', {}, panelField());
    await click(/actions/);
    expect(panel()).toBeTruthy();
  });

  it('closes alone with Escape, and gives the focus back', async () => {
    await openQuick(fake);
    await type('api');
    await press('k', { ctrlKey: true });
    await press('Escape', {}, panelField());
    expect(panel()).toBeNull();
    expect(field().value).toBe('api');
    expect(fake.called('hideQuick')).toEqual([]);
    expect(document.activeElement).toBe(field());
    await press('k', { ctrlKey: true });
    await press('k', { ctrlKey: true }, panelField());
    expect(panel(), 'its own key closes it too').toBeNull();
  });

  it('closes with a click beside it', async () => {
    await openQuick(fake);
    await press('k', { ctrlKey: true });
    await fireEvent.click(panel()!);
    expect(panel()).toBeNull();
  });

  it('is gone through with arrows and narrowed by typing', async () => {
    await openQuick(fake);
    await press('k', { ctrlKey: true });
    expect(activeAction()).toBe('Open in the main window');
    await press('ArrowDown', {}, panelField());
    expect(activeAction()).toBe('Copy');
    await press('ArrowUp', {}, panelField());
    await press('ArrowUp', {}, panelField());
    expect(activeAction(), 'it stops at the end').toBe('Open in the main window');
    await fireEvent.input(panelField(), { target: { value: 'quote COPY' } });
    expect(actionNames()).toEqual(['Copy as a quote']);
    await fireEvent.input(panelField(), { target: { value: 'zebra' } });
    expect(actionRows()).toEqual([]);
    expect(screen.getByText('No such action')).toBeTruthy();
    await press('Enter', {}, panelField());
    expect(panel()).toBeTruthy();
    await fireEvent.input(panelField(), { target: { value: 'edit' } });
    await press('Enter', {}, panelField());
    expect(fake.called('showMain')).toEqual([[first.id, true]]);
    expect(panel()).toBeNull();
  });

  it('leaves its keys to an input method that composes', async () => {
    await openQuick(fake);
    await press('k', { ctrlKey: true });
    for (const key of ['Enter', 'ArrowDown', 'Escape', 'Tab']) {
      await press(key, { isComposing: true }, panelField());
      await press(key, { keyCode: 229 }, panelField());
    }
    expect(activeAction()).toBe('Open in the main window');
    expect(fake.called('showMain')).toEqual([]);
    expect(panel()).toBeTruthy();
  });

  it('takes the keys of its actions', async () => {
    await openQuick(fake);
    await press('k', { ctrlKey: true });
    await press('c', { ctrlKey: true }, panelField());
    expect(writeText).toHaveBeenCalledWith(first.content);
    expect(panel()).toBeNull();
    await press('k', { ctrlKey: true });
    await press('Enter', { ctrlKey: true }, panelField());
    expect(writeText, 'Ctrl+Enter does the second').toHaveBeenCalledTimes(2);
  });

  it('stays with its memory while the list changes under it', async () => {
    await openQuick(fake);
    await press('ArrowDown');
    await press('k', { ctrlKey: true });
    fake.kept = fake.kept.filter(({ id }) => id !== second.id);
    fake.setStatus({ pending: 1 });
    await settle();
    await choose('Copy');
    expect(writeText).toHaveBeenCalledWith(second.content);
  });

  it('opens with the other button of the pointer', async () => {
    await openQuick(fake);
    await fireEvent.contextMenu(rows()[1]!);
    await settle();
    expect(panel()?.getAttribute('aria-label')).toContain('Customer complained');
  });

  it('offers what needs no memory where there is none', async () => {
    fake = quickFake({}, {}, []);
    await openQuick(fake);
    await press('k', { ctrlKey: true });
    expect(actionNames()).toEqual(['Show the preview', 'Add a memory', 'Open Papr']);
    await choose('Open Papr');
    expect(fake.called('showMain')).toEqual([[null]]);
  });
});

describe('an action', () => {
  it('copies as a quote, line by line, with source and date', async () => {
    fake = quickFake({}, {}, [memory({ content: 'One\n\nthree\n', source: 'papr' })]);
    await openQuick(fake);
    await press('C', { ctrlKey: true, shiftKey: true });
    const quoted = String(writeText.mock.calls[0]?.[0]).split('\n');
    expect(quoted.slice(0, 3)).toEqual(['> One', '>', '> three']);
    expect(quoted[3]).toMatch(/^> From Papr, .*Jun.* 2026/);
  });

  it('pins and unpins, each with a way back', async () => {
    await openQuick(fake);
    await press('ArrowDown');
    await press('p', { ctrlKey: true });
    expect(fake.called('pin')).toEqual([[second.id, true]]);
    expect(rows()[0]?.textContent).toContain('Pinned');
    expect(active(), 'the selection goes with it').toBe(rows()[0]);
    await press('k', { ctrlKey: true });
    await choose('Unpin');
    expect(fake.called('pin').at(-1)).toEqual([second.id, false]);
    expect(said()).toBe('Not pinned any more');
    await click('Undo');
    expect(fake.chosen.pinned).toEqual([second.id]);
  });

  it('moves to the other tier and back', async () => {
    await openQuick(fake);
    await press('M', { ctrlKey: true, shiftKey: true });
    expect(fake.called('moveTo')).toEqual([[[first.id], 'memories']]);
    expect(said()).toBe('It is a memory now');
    await press('z', { ctrlKey: true });
    expect(fake.called('moveTo').at(-1)).toEqual([[first.id], 'goals']);
    expect(screen.queryByRole('button', { name: 'Undo' })).toBeNull();
  });

  it('says so when there was nothing to move', async () => {
    await openQuick(fake);
    vi.spyOn(fake, 'moveTo').mockResolvedValue(0);
    await press('M', { ctrlKey: true, shiftKey: true });
    expect(said()).toBe('Nothing was moved: it was changed elsewhere meanwhile');
  });

  it('edits in the main window', async () => {
    await openQuick(fake);
    await press('e', { ctrlKey: true });
    expect(fake.called('showMain')).toEqual([[first.id, true]]);
    expect(fake.called('hideQuick')).toHaveLength(1);
  });

  it('deletes, with undo by key', async () => {
    await openQuick(fake);
    await press('ArrowDown');
    await press('Backspace', { ctrlKey: true, shiftKey: true });
    expect(fake.called('remove')).toEqual([[[second.id]]]);
    expect(said()).toBe('Memory deleted');
    expect(rows().some((row) => row.textContent?.includes('Customer complained'))).toBe(false);
    await press('z', { ctrlKey: true });
    expect(fake.called('restore')).toEqual([[[second.id]]]);
    expect(active()?.textContent).toContain('Customer complained');
  });

  it('takes a deletion back by button, and lets it be after a while', async () => {
    await openQuick(fake);
    await press('Backspace', { ctrlKey: true, shiftKey: true });
    await click('Undo');
    expect(fake.called('restore')).toHaveLength(1);
    await press('Backspace', { ctrlKey: true, shiftKey: true });
    await settle(9000);
    expect(screen.queryByRole('button', { name: 'Undo' })).toBeNull();
    await press('z', { ctrlKey: true });
    expect(fake.called('restore')).toHaveLength(1);
  });

  it('leaves the undo key to the text once something was typed', async () => {
    await openQuick(fake);
    await press('Backspace', { ctrlKey: true, shiftKey: true });
    await type('anna');
    await press('z', { ctrlKey: true });
    expect(fake.called('restore')).toEqual([]);
    expect(screen.getByRole('button', { name: 'Undo' })).toBeTruthy();
  });

  it('never deletes by a key that edits text', async () => {
    await openQuick(fake);
    for (const held of [{}, { ctrlKey: true }, { shiftKey: true }]) {
      await press('Backspace', held);
      await press('Delete', held);
    }
    expect(fake.called('remove')).toEqual([]);
  });

  it('says where it stands why a change failed, and tries again', async () => {
    await openQuick(fake);
    fake.failNext('remove', { code: 'INTERNAL', message: 'the disk is full' });
    await press('Backspace', { ctrlKey: true, shiftKey: true });
    expect(screen.getByRole('alert').textContent).toContain('The disk is full.');
    await click('Try again');
    expect(screen.queryByRole('alert')).toBeNull();
    expect(said()).toBe('Memory deleted');
  });

  it('tells why a result is there', async () => {
    await openQuick(fake);
    await type('api latency');
    await press('j', { ctrlKey: true });
    const dialog = panel()!;
    expect(dialog.textContent).toContain('“api”, “latency”');
    expect(dialog.textContent).toContain('Likeness in meaning');
    expect(dialog.contains(document.activeElement)).toBe(true);
    await press('Escape', {}, dialog);
    expect(panel()).toBeNull();
    expect(field().value).toBe('api latency');
    expect(document.activeElement).toBe(field());
  });

  it('tells why a memory stands there without a question', async () => {
    fake = quickFake({}, { pinned: [second.id] });
    await openQuick(fake);
    await press('k', { ctrlKey: true });
    await choose('Why it is here');
    expect(panel()?.textContent).toContain('You pinned it');
    await click('Close');
    await press('ArrowDown');
    await press('j', { ctrlKey: true });
    expect(panel()?.textContent).toContain('It is among those that changed last');
  });
});
