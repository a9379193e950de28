/** What is on disk: where, how much, in and out, back, and gone. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { setLanguage } from './strings';
import { importPreview } from './testing/desk';
import type { FakeBackend } from './testing/fake';
import { NOW } from './testing/fixtures';
import { button, tap } from './testing/modelsScreen';
import { fact, has, region, tapIn } from './testing/paprScreen';
import { settle } from './testing/screen';
import { openSettings } from './testing/settingsScreen';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
});
afterEach(() => {
  localStorage.clear();
  vi.useRealTimers();
});

const opened = (prepare: (fake: FakeBackend) => void = () => {}) => openSettings({}, {}, prepare);
const data = () => region('Your data');
const backups = () => region('Backups');
const dialog = () => screen.getByRole('dialog');
const full = { code: 'DISK_FULL', message: 'the disk is full' } as const;

describe('the folder', () => {
  it('is told with what takes the room in it', async () => {
    const fake = await opened();
    expect(fact(data(), 'Folder')).toBe('/home/anna/.local/share/ai.papr.desktop');
    expect(fact(data(), 'Models')).toBe('91 MB');
    expect(fact(data(), 'In all')).toBe('98 MB');
    expect(fact(data(), 'Free on this disk')).toBe('48.2 GB');
    expect(data().textContent, 'what is empty is no news').not.toContain('Set aside');
    await tapIn(data(), 'Show folder');
    expect(fake.called('reveal')).toEqual([['data']]);
  });

  it('that cannot be counted or shown says so there', async () => {
    const fake = await opened((made) => made.failNext('sizes', full));
    expect(data().textContent).toContain('The disk is full.');
    await tapIn(data(), 'Try again');
    expect(fact(data(), 'Models')).toBe('91 MB');
    fake.failNext('reveal', { code: 'INTERNAL', message: 'there is no file manager' });
    await tapIn(data(), 'Show folder');
    expect(data().textContent).toContain('There is no file manager.');
  });

  it('is moved after a question, and a failure stands in it', async () => {
    const fake = await opened((made) => (made.paths = [null, '/mnt/big', '/mnt/big']));
    await tapIn(data(), 'Move…');
    expect(screen.queryByRole('dialog'), 'no folder was chosen').toBeNull();
    await tapIn(data(), 'Move…');
    expect([fact(dialog(), 'From'), fact(dialog(), 'To')]).toEqual([
      '/home/anna/.local/share/ai.papr.desktop',
      '/mnt/big',
    ]);
    fake.failNext('moveData', full);
    await tapIn(dialog(), 'Move');
    expect(dialog().textContent).toContain('The disk is full.');
    await tapIn(dialog(), 'Move');
    expect(fake.called('moveData')).toEqual([['/mnt/big'], ['/mnt/big']]);
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(fact(data(), 'Folder')).toBe('/mnt/big');
  });
});

describe('export', () => {
  it('writes every memory in the chosen format', async () => {
    const fake = await opened((made) => (made.paths = ['/home/anna/papr.md']));
    await tapIn(data(), 'Export…');
    expect(dialog().textContent).toContain('not encrypted');
    await fireEvent.click(screen.getByRole('radio', { name: /Markdown/ }));
    await tapIn(dialog(), 'Choose a file…');
    expect(fake.called('choose')).toEqual([['export', 'papr-memories.md']]);
    expect(fake.called('exportMemories')).toEqual([['/home/anna/papr.md', 'markdown', null]]);
    expect(screen.getByText('12 memories written to /home/anna/papr.md')).toBeTruthy();
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('stays open where no file was chosen or none could be written', async () => {
    const fake = await opened((made) => (made.paths = [null, '/full/papr.jsonl']));
    await tapIn(data(), 'Export…');
    await tapIn(dialog(), 'Choose a file…');
    expect(fake.called('exportMemories')).toEqual([]);
    fake.failNext('exportMemories', full);
    await tapIn(dialog(), 'Choose a file…');
    expect(dialog().textContent).toContain('The disk is full.');
  });
});

describe('import', () => {
  it('shows what would come, and nothing comes before yes', async () => {
    const fake = await opened((made) => (made.paths = ['/home/anna/notes.jsonl']));
    await tapIn(data(), 'Import…');
    expect(fake.called('previewImport')).toEqual([['/home/anna/notes.jsonl']]);
    expect([fact(dialog(), 'New'), fact(dialog(), 'Here already')]).toEqual(['12', '3']);
    expect(fact(dialog(), 'Can’t be read')).toContain('Line 4: it has no content');
    expect(dialog().textContent).toContain('The boiler is serviced in October');
    expect(fake.called('importMemories')).toEqual([]);
    await tapIn(dialog(), 'Import 12 memories');
    expect(fake.called('importMemories')).toEqual([['/home/anna/notes.jsonl']]);
    expect(screen.getByText('12 memories imported')).toBeTruthy();
  });

  it('of a file with nothing new has nothing to say yes to', async () => {
    const fake = await opened((made) => {
      made.paths = ['/a.jsonl'];
      made.file = importPreview({ fresh: 0, bad: 40, examples: [] });
    });
    await tapIn(data(), 'Import…');
    expect(dialog().textContent).toContain('There is nothing new in it.');
    expect(dialog().textContent).toContain('and 38 more');
    await tapIn(dialog(), 'Close');
    expect([screen.queryByRole('dialog'), fake.called('importMemories')]).toEqual([null, []]);
  });

  it('of a file that cannot be read says so, and opens nothing', async () => {
    const fake = await opened((made) => (made.paths = ['/a.zip']));
    fake.failNext('previewImport', { code: 'INVALID_INPUT', message: 'this is no file of memories' });
    await tapIn(data(), 'Import…');
    expect(data().textContent).toContain('This is no file of memories.');
    expect(screen.queryByRole('dialog')).toBeNull();
  });
});

describe('backups', () => {
  it('are listed, the newest first, and made at a press', async () => {
    const fake = await opened();
    const dates = () => [...backups().querySelectorAll('.when')].map((one) => one.textContent);
    expect(dates()).toHaveLength(2);
    expect(dates()[0]).toMatch(/Jun 14|14 Jun/);
    await tapIn(backups(), 'Back up now');
    expect(fake.called('backUp')).toHaveLength(1);
    expect(dates()).toHaveLength(3);
    expect(screen.getByText('Backup made: 921 kB')).toBeTruthy();
  });

  it('take the place of all memories only after a question', async () => {
    const fake = await opened();
    const restore = backups().querySelector<HTMLElement>('li button')!;
    restore.focus();
    await fireEvent.click(restore);
    expect(dialog().textContent).toContain('What is here now is set aside, not deleted.');
    expect(document.activeElement?.textContent, 'Enter does no harm').toBe('Cancel');
    await tapIn(dialog(), 'Restore');
    expect(fake.called('restoreBackup')).toEqual([[fake.saved[0]!.name]]);
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('there are none of, or that cannot be made, say so', async () => {
    const fake = await opened((made) => (made.saved = []));
    expect(backups().textContent).toContain('There is none yet.');
    fake.failNext('backUp', full);
    await tapIn(backups(), 'Back up now');
    expect(backups().textContent).toContain('The disk is full.');
    expect(has(backups(), 'Back up now'), 'it can be tried again').toBe(true);
  });
});

describe('help', () => {
  it('shows each line before it is copied, and copies just that', async () => {
    const writeText = vi.fn().mockResolvedValue(undefined);
    Object.defineProperty(navigator, 'clipboard', { value: { writeText }, configurable: true });
    const fake = await opened();
    await tapIn(region('Help'), 'Show logs');
    expect(fake.called('reveal')).toEqual([['logs']]);
    await tapIn(region('Help'), 'Copy diagnostics…');
    expect(writeText).not.toHaveBeenCalled();
    const shown = dialog().querySelector('pre')!.textContent;
    await tapIn(dialog(), 'Copy');
    expect(writeText).toHaveBeenCalledWith(shown);
    expect(shown).toBe(fake.report);
  });
});

describe('deleting everything', () => {
  const word = () => dialog().querySelector<HTMLInputElement>('#wipe-word')!;

  it('lists what goes, and goes nowhere without the words', async () => {
    const fake = await opened();
    await tap('Delete everything…');
    const goes = [...dialog().querySelectorAll('li')].map((one) => one.textContent);
    expect(goes[0]).toBe('12 memories');
    expect(goes.at(-1)).toContain('keychain');
    expect(document.activeElement?.textContent).toBe('Cancel');
    await fireEvent.input(word(), { target: { value: 'delete' } });
    await tapIn(dialog(), 'Delete everything and quit');
    expect(dialog().textContent).toContain('That is not quite it.');
    expect(document.activeElement).toBe(word());
    expect(fake.called('deleteEverything')).toEqual([]);
    await fireEvent.input(word(), { target: { value: ' Delete  everything ' } });
    await tapIn(dialog(), 'Delete everything and quit');
    expect(fake.wiped).toBe(true);
    expect(dialog().textContent).toContain('Papr quits now.');
    await fireEvent.keyDown(dialog(), { key: 'Escape' });
    expect(screen.queryByRole('dialog'), 'there is nothing to go back to').toBeTruthy();
  });

  it('is asked for in the language that is spoken, and told to the shell in its own', async () => {
    const fake = await opened();
    await setLanguage('de');
    await settle();
    await tap('Alles löschen …');
    await fireEvent.input(word(), { target: { value: 'alles löschen' } });
    await tapIn(dialog(), 'Alles löschen und beenden');
    expect(fake.called('deleteEverything')).toEqual([['delete everything']]);
    await setLanguage('en');
  });

  it('that fails says so and can be tried again', async () => {
    const fake = await opened();
    fake.failNext('deleteEverything', { code: 'INTERNAL', message: 'a file is in use' });
    await tap('Delete everything…');
    await fireEvent.input(word(), { target: { value: 'delete everything' } });
    await tapIn(dialog(), 'Delete everything and quit');
    expect(dialog().textContent).toContain('A file is in use.');
    button('Cancel').focus();
    await tap('Cancel');
    expect(screen.queryByRole('dialog')).toBeNull();
  });
});
