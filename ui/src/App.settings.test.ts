/** Settings: each holds at once, is taken back with the reason, and says what it does. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NO_FILTERS } from './lib/filters';
import { language } from './strings';
import { NOW } from './testing/fixtures';
import { button, tap } from './testing/modelsScreen';
import { heard, region, tapIn } from './testing/paprScreen';
import { rows, settle } from './testing/screen';
import {
  changes,
  openSettings,
  pick,
  recorder,
  rowOf,
  select,
  strike,
  toggle,
  turn,
} from './testing/settingsScreen';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
});
afterEach(async () => {
  delete document.documentElement.dataset.theme;
  localStorage.clear();
  vi.useRealTimers();
});

const refused = { code: 'INVALID_INPUT', message: 'the system refused', hint: 'Ask it nicely.' } as const;

describe('a setting', () => {
  it('holds at once and is said to be kept', async () => {
    const fake = await openSettings();
    await turn('Start without a window');
    expect(changes(fake)).toEqual([{ startHidden: true }]);
    expect(toggle('Start without a window').getAttribute('aria-checked')).toBe('true');
    expect(heard()).toContain('Saved');
    await settle(3000);
    expect(heard(), 'so that the same can be heard again').not.toContain('Saved');
  });

  it('that is refused goes back, with the reason beside it', async () => {
    const fake = await openSettings();
    fake.failNext('changeSettings', refused);
    await turn('Open at login');
    const control = toggle('Open at login');
    expect(control.getAttribute('aria-checked')).toBe('false');
    expect(rowOf(control)).toContain('The system refused. Ask it nicely.');
    expect(heard()).not.toContain('Saved');
    await turn('Open at login');
    expect(rowOf(control)).not.toContain('refused');
  });

  it('follows what another window chose', async () => {
    const fake = await openSettings();
    fake.setSettings({ results: 100, notifications: false });
    await settle();
    expect(select('Results a page').value).toBe('100');
    expect(toggle('Notifications').getAttribute('aria-checked')).toBe('false');
  });

  it('says what it does, and that what changes the order is bounded', async () => {
    await openSettings();
    const note = (name: string) =>
      document.getElementById(toggle(name).getAttribute('aria-describedby')!)?.textContent;
    expect(note('Goals first')).toContain('A better match still stays above them.');
    expect(note('What changed lately first')).toContain('never brings up what doesn’t fit');
  });

  it('that the system cannot tell is no switch', async () => {
    await openSettings({ launchAtLogin: null });
    expect(() => toggle('Open at login')).toThrow();
    expect(region('General').textContent).toContain('This system doesn’t let Papr find out');
  });

  it.each([
    ['Runs on', 'cpu', { device: 'cpu' }],
    ['Leaves the memory after', '0', { unloadMinutes: 0 }],
    ['Look for changes at Papr', '60', { syncMinutes: 60 }],
    ['Keep the list of requests for', '30', { ledgerDays: 30 }],
    ['Results a page', '25', { results: 25 }],
    ['Appearance', 'dark', { theme: 'dark' }],
  ])('%s is chosen from a list', async (name, value, change) => {
    const fake = await openSettings();
    await pick(name, value);
    expect(changes(fake)).toEqual([change]);
  });

  it('chosen elsewhere stands in its list though it is none of the usual', async () => {
    await openSettings({ unloadMinutes: 17 });
    expect(select('Leaves the memory after').selectedOptions[0]?.textContent).toBe('17 min');
  });

  it('for the rows of a page counts from the next list on', async () => {
    const fake = await openSettings();
    await pick('Results a page', '10');
    expect(fake.called('list').at(-1)).toEqual([NO_FILTERS, 'newest', null, 10]);
    await tap('Search');
    expect(rows()).toHaveLength(10);
  });

  it('of the quick window changes with the others as they are', async () => {
    const fake = await openSettings();
    await pick('Enter', 'open');
    await turn('Compact');
    const quick = { onEnter: 'open', stayOpen: false, compact: false, preview: false };
    expect(changes(fake)).toEqual([{ quick }, { quick: { ...quick, compact: true } }]);
  });

  it('that is a number is taken when it is one', async () => {
    const fake = await openSettings();
    const field = document.querySelector<HTMLInputElement>('input[inputmode=numeric]')!;
    await fireEvent.input(field, { target: { value: 'many' } });
    await fireEvent.change(field);
    expect(rowOf(field)).toContain('Write a whole number');
    expect(field.getAttribute('aria-invalid')).toBe('true');
    await fireEvent.input(field, { target: { value: '25,000' } });
    await fireEvent.change(field);
    await settle();
    expect(changes(fake)).toEqual([{ operationsPerMonth: 25_000 }]);
    expect(field.value).toBe('25000');
  });

  it('cannot be shown where settings cannot be read, and can be tried again', async () => {
    await openSettings({}, {}, (fake) => fake.failNext('settings', refused));
    expect(screen.getByRole('alert').textContent).toContain('The system refused.');
    await tap('Try again');
    expect(region('General')).toBeTruthy();
  });
});

describe('looks', () => {
  it('change with the setting, at once', async () => {
    await openSettings();
    await pick('Appearance', 'dark');
    expect(document.documentElement.dataset.theme).toBe('dark');
    await pick('Appearance', 'system');
    expect('theme' in document.documentElement.dataset).toBe(false);
  });

  it('and so does the language', async () => {
    await openSettings();
    await pick('Language', 'de');
    await vi.waitFor(() => expect(language()).toBe('de'));
    await settle();
    expect(document.querySelector('main h1')?.textContent).toBe('Einstellungen');
    await pick('Sprache', 'en');
    await vi.waitFor(() => expect(language()).toBe('en'));
  });
});

describe('the shortcut', () => {
  it('is recorded: what is held shows, and what is pressed is asked of the system', async () => {
    const fake = await openSettings();
    expect(recorder().textContent.trim()).toBe('Ctrl+Shift+Space');
    await fireEvent.click(recorder());
    expect(recorder().textContent.trim()).toBe('Press the keys');
    await fireEvent.keyDown(recorder(), { code: 'ControlLeft', key: 'Control', ctrlKey: true });
    await fireEvent.keyDown(recorder(), { code: 'AltLeft', key: 'Alt', ctrlKey: true, altKey: true });
    expect(recorder().textContent.trim()).toBe('Ctrl+Alt and…');
    await strike('KeyP', 'p', { ctrlKey: true, altKey: true });
    expect(changes(fake)).toEqual([{ shortcut: 'CmdOrCtrl+Alt+P' }]);
    expect(recorder().textContent.trim()).toBe('Ctrl+Alt+P');
    await tapIn(region('General'), 'Back to Ctrl+Shift+Space');
    expect(changes(fake).at(-1)).toEqual({ shortcut: 'CmdOrCtrl+Shift+Space' });
  });

  it('stays as it is with Escape, and with anything else done', async () => {
    const fake = await openSettings();
    await fireEvent.click(recorder());
    await strike('Escape', 'Escape');
    expect(recorder().textContent.trim()).toBe('Ctrl+Shift+Space');
    await fireEvent.click(recorder());
    const tab = new KeyboardEvent('keydown', { code: 'Tab', key: 'Tab', bubbles: true, cancelable: true });
    recorder().dispatchEvent(tab);
    expect(tab.defaultPrevented, 'the focus can leave').toBe(false);
    await fireEvent.click(recorder());
    await fireEvent.blur(recorder());
    expect(recorder().textContent.trim()).toBe('Ctrl+Shift+Space');
    expect(changes(fake)).toEqual([]);
  });

  it('is switched off with Backspace, and can be had again', async () => {
    const fake = await openSettings();
    await fireEvent.click(recorder());
    await strike('Backspace', 'Backspace');
    expect(changes(fake)).toEqual([{ shortcut: '' }]);
    expect(recorder().textContent.trim()).toBe('off');
    expect(document.querySelector('nav .foot'), 'the side bar promises none').toBeNull();
    await tap('Back to Ctrl+Shift+Space');
    expect(recorder().textContent.trim()).toBe('Ctrl+Shift+Space');
  });

  it.each([
    ['KeyA', 'a', {}, 'A key by itself is needed for writing.'],
    ['KeyA', 'A', { shiftKey: true }, 'Shift with a key only writes another sign.'],
    ['ContextMenu', 'ContextMenu', { ctrlKey: true }, 'The system has no name for this key.'],
  ])('that could not work is told before the system is asked: %s', async (code, key, held, told) => {
    const fake = await openSettings();
    await fireEvent.click(recorder());
    await strike(code, key, held);
    expect(heard()).toContain(told);
    expect(changes(fake)).toEqual([]);
    await strike('KeyA', 'a', { ctrlKey: true, altKey: true });
    expect(changes(fake), 'it still listens').toHaveLength(1);
  });

  it('that another program has stays the old one, and who has it is said', async () => {
    const fake = await openSettings();
    fake.failNext('changeSettings', { ...refused, message: 'another program has Ctrl+Alt+P' });
    await fireEvent.click(recorder());
    await strike('KeyP', 'p', { ctrlKey: true, altKey: true });
    expect(recorder().textContent.trim()).toBe('Ctrl+Shift+Space');
    expect(rowOf(recorder())).toContain('Another program has Ctrl+Alt+P.');
    expect(document.activeElement).toBe(recorder());
  });

  it('does not press its own button when the space bar is let go', async () => {
    await openSettings();
    await fireEvent.click(recorder());
    await fireEvent.keyDown(recorder(), { code: 'Space', key: ' ', ctrlKey: true, altKey: true });
    await settle();
    const up = new KeyboardEvent('keyup', { code: 'Space', key: ' ', bubbles: true, cancelable: true });
    recorder().dispatchEvent(up);
    expect(up.defaultPrevented).toBe(true);
  });

  it('means nothing to the window while it is recorded', async () => {
    await openSettings();
    await fireEvent.click(recorder());
    await strike('KeyN', 'n', { ctrlKey: true });
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(recorder().textContent.trim()).toBe('Ctrl+N');
  });

  it('that the system cannot give at all is told with the reason', async () => {
    const problem = 'Wayland lets no app take a shortcut by itself.';
    await openSettings({}, { shortcut: { keys: 'Ctrl+Shift+Space', registered: false, problem } });
    expect(region('General').textContent).toContain(`Ctrl+Shift+Space doesn’t work now. ${problem}`);
  });
});

describe('links', () => {
  it.each([
    ['Open Models', 'Models'],
    ['Open Sync', 'Sync'],
    ['Open Privacy', 'Privacy'],
  ])('%s', async (link, title) => {
    await openSettings();
    await tap(link);
    expect(document.querySelector('main h1')?.textContent).toBe(title);
  });

  it('local only is the same switch as elsewhere', async () => {
    const fake = await openSettings();
    await turn('Local only');
    expect(fake.called('setLocalOnly')).toEqual([[true]]);
    expect(toggle('Local only').getAttribute('aria-checked')).toBe('true');
  });
});

describe('damaged settings', () => {
  it('are told with the name of the file, until it was read', async () => {
    await openSettings({ damaged: '/home/anna/desktop.json.damaged-1' });
    expect(document.body.textContent).toContain('put aside as /home/anna/desktop.json.damaged-1');
    button('Dismiss').focus();
    await tap('Dismiss');
    expect(document.body.textContent).not.toContain('damaged-1');
    expect(document.activeElement).toBe(document.querySelector('main'));
  });
});
