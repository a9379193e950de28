/** The command palette, the list of shortcuts, and the keys of the main window. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { SHOWN, WINDOW } from './lib/shortcuts';
import { setLanguage } from './strings';
import { FakeBackend } from './testing/fake';
import { memories, NOW } from './testing/fixtures';
import { list, press as pick } from './testing/libraryScreen';
import { tap } from './testing/modelsScreen';
import { synced } from './testing/papr';
import { field, openApp, press, rows, settle } from './testing/screen';

let fake: FakeBackend;

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
  fake = new FakeBackend(memories());
});
afterEach(async () => {
  await setLanguage('en');
  vi.useRealTimers();
});

const palette = () => screen.queryByRole('dialog', { name: 'Commands' });
const box = () => palette()!.querySelector<HTMLInputElement>('input')!;
const found = () => [...palette()!.querySelectorAll<HTMLElement>('[role=option]')];
const names = () => found().map((one) => one.querySelector('span')!.textContent);
const view = () => document.querySelector('nav [aria-current]')!.textContent.trim();

async function ask(text: string): Promise<void> {
  await press('P', { ctrlKey: true, shiftKey: true });
  await fireEvent.input(box(), { target: { value: text } });
  await settle();
}

describe('the palette', () => {
  it.each([
    ['P', { ctrlKey: true, shiftKey: true }],
    ['p', { ctrlKey: true }],
  ])('opens with %s and gives the focus back', async (key, over) => {
    await openApp(fake);
    await press(key, over);
    expect(document.activeElement).toBe(box());
    await press('Escape', {}, box());
    expect(palette()).toBeNull();
    expect(document.activeElement).toBe(field());
  });

  it('is a combobox that narrows as one types, with the keys beside', async () => {
    await openApp(fake);
    await ask('go to set');
    expect(names()).toEqual(['Go to Settings']);
    expect(found()[0]!.querySelector('kbd')!.textContent).toBe('Ctrl+6');
    expect(box().getAttribute('aria-controls')).toBe(palette()!.querySelector('ul')!.id);
    expect(box().getAttribute('aria-activedescendant')).toBe(found()[0]!.id);
    await fireEvent.input(box(), { target: { value: 'zebra' } });
    await settle();
    expect(found()).toHaveLength(0);
    expect(box().getAttribute('aria-expanded')).toBe('false');
    expect(palette()!.textContent).toContain('No command is called “zebra”.');
  });

  it('does it at Enter, in the window behind', async () => {
    await openApp(fake);
    await ask('delete the memory');
    await press('Enter', {}, box());
    expect(palette()).toBeNull();
    expect(fake.called('remove')).toEqual([[[memories()[0]!.id]]]);
    await ask('take back');
    await press('Enter', {}, box());
    expect(rows()).toHaveLength(12);
    await ask('take back');
    expect(names(), 'once').toEqual([]);
  });

  it('moves by keys and by pointer', async () => {
    await openApp(fake);
    await ask('go to');
    await press('ArrowDown', {}, box());
    expect(found()[1]!.getAttribute('aria-selected')).toBe('true');
    await fireEvent.click(found()[0]!);
    await settle();
    expect(view()).toBe('Library');
    expect(document.activeElement).toBe(list());
  });

  it('offers what can be done here and now', async () => {
    await openApp(fake);
    await ask('sync');
    expect(names()).toEqual(['Go to Sync']);
    await press('Escape', {}, box());
    fake.setStatus({ sync: synced() });
    await settle();
    await ask('sync');
    expect(names()).toEqual(['Sync now', 'Pause sync', 'Go to Sync']);
    await press('Enter', {}, box());
    expect(fake.called('syncNow')).toEqual([[false]]);
    expect(view(), 'where one sees how it goes').toBe('Sync');
  });

  it('knows what is selected in the library', async () => {
    await openApp(fake);
    await ask('select all');
    await press('Enter', {}, box());
    expect(view()).toBe('Library');
    expect(screen.getByText('12 selected')).toBeTruthy();
    await press('p', { ctrlKey: true }, list());
    await fireEvent.input(box(), { target: { value: 'export' } });
    await settle();
    expect(names()).toEqual(['Export…']);
    await press('Enter', {}, box());
    expect(screen.getByRole('dialog', { name: 'Export 12 memories' })).toBeTruthy();
  });

  it('speaks German, and its keys too', async () => {
    await setLanguage('de');
    fake.chosen.language = 'de';
    await openApp(fake);
    await press('p', { ctrlKey: true }, document.body);
    const dialog = screen.getByRole('dialog', { name: 'Befehle' });
    expect(dialog.textContent).toContain('Zu Einstellungen wechseln');
    expect(dialog.textContent).toContain('Strg+6');
    expect(dialog.textContent).toContain('Entf');
  });
});

describe('the keys of the window', () => {
  it.each([
    ['1', 'Search'],
    ['2', 'Library'],
    ['3', 'Models'],
    ['4', 'Sync'],
    ['5', 'Privacy'],
    ['6', 'Settings'],
    [',', 'Settings'],
  ])('Ctrl+%s goes to %s, also from a field', async (key, name) => {
    await openApp(fake);
    await press(key, { ctrlKey: true });
    expect(view()).toBe(name);
    expect(document.querySelectorAll('h1'), 'a view has one heading').toHaveLength(1);
    expect(document.activeElement).not.toBe(document.body);
  });

  it('are all listed, from the table that decides what they do', async () => {
    await openApp(fake);
    await press('F1');
    const dialog = screen.getByRole('dialog', { name: 'Keyboard shortcuts' });
    const lines = [...dialog.querySelectorAll('dl > div')].map((line) => line.textContent);
    const written = (name: string) => lines.find((line) => line.startsWith(name)) ?? '';
    expect(written('Show all commands')).toContain('Ctrl+Shift+P');
    expect(written('Settings')).toContain('Ctrl+,');
    expect(written('Show quick search')).toContain('Ctrl+Shift+Space');
    expect(written('Move up or down')).toMatch(/↑.*↓/);
    const keys = dialog.querySelectorAll('kbd').length;
    expect(keys).toBe(SHOWN.flatMap(({ table }) => table.flatMap((one) => one.keys)).length + 1);
    await press('Escape', {}, dialog);
    expect(document.activeElement).toBe(field());
  });

  it('show that list with a question mark beside a field, and from the side', async () => {
    await openApp(fake);
    await press('?', { shiftKey: true });
    expect(screen.queryByRole('dialog'), 'in the field it is a letter').toBeNull();
    await press('?', { shiftKey: true }, screen.getByRole('complementary'));
    expect(screen.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeTruthy();
    await tap('Close');
    await tap('Keyboard shortcuts');
    expect(screen.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeTruthy();
  });

  it('mean nothing while something is above the window', async () => {
    await openApp(fake);
    await press('F1');
    await press('n', { ctrlKey: true }, document.body);
    await press('2', { ctrlKey: true }, document.body);
    expect(view()).toBe('Search');
    expect(screen.getAllByRole('dialog')).toHaveLength(1);
  });

  it('are each of one meaning', () => {
    const all = WINDOW.flatMap(({ keys }) => keys);
    expect(new Set(all).size).toBe(all.length);
  });

  it('edit and add where one is', async () => {
    await openApp(fake);
    await press('2', { ctrlKey: true });
    await pick('Anna prefers');
    await press('e', { ctrlKey: true }, list());
    const area = screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'What to remember' });
    expect(area.value).toContain('Anna prefers');
    await fireEvent.input(area, { target: { value: 'Anna prefers letters' } });
    await press('Enter', { ctrlKey: true }, area);
    expect(screen.getByRole('article').textContent).toContain('Anna prefers letters');
    expect(document.querySelector('#library')!.textContent).toContain('Anna prefers letters');
    await press('n', { ctrlKey: true }, list());
    const again = screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'What to remember' });
    await fireEvent.input(again, { target: { value: 'Fern' } });
    await press('Enter', { ctrlKey: true }, again);
    expect(view()).toBe('Library');
    expect(screen.getByRole('article').textContent).toContain('Fern');
  });
});
