/** Text from outside: files that are dragged onto the window, and what is pasted beside a field. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeBackend } from './testing/fake';
import { memories, NOW } from './testing/fixtures';
import { drag, file, paste } from './testing/libraryScreen';
import { tap } from './testing/modelsScreen';
import { field, openApp, press, settle } from './testing/screen';

let fake: FakeBackend;
const area = () => screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'What to remember' });
const dialog = (name: RegExp | string) => screen.getByRole('dialog', { name });
const drop = (...files: File[]) => drag('drop', files);

beforeEach(async () => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
  fake = new FakeBackend(memories());
  await openApp(fake);
});
afterEach(() => void vi.useRealTimers());

describe('dragging', () => {
  it('says what can be dropped while files are over the window', async () => {
    await drag('dragenter', []);
    expect(screen.getByText('Drop text files to add them')).toBeTruthy();
    const over = await drag('dragover', []);
    expect(over.defaultPrevented, 'the window does not go to the file').toBe(true);
    await drag('dragenter', []);
    await drag('dragleave', []);
    expect(screen.getByText('Drop text files to add them'), 'from one part to another').toBeTruthy();
    await drag('dragleave', []);
    expect(screen.queryByText('Drop text files to add them')).toBeNull();
  });

  it('opens the form with the text of a file', async () => {
    await drop(file('ferns.md', '\uFEFF# Ferns\n\nWater them.\n'));
    expect(area().value).toBe('# Ferns\n\nWater them.');
    await tap('Add');
    expect(fake.called('add')).toMatchObject([[{ content: '# Ferns\n\nWater them.', tier: 'memories' }]]);
  });

  it('adds several at a press, seen before', async () => {
    await drop(file('b.txt', 'Second'), file('a10.txt', 'Third?'), file('a2.txt', 'First'));
    const shown = dialog('Add 3 files');
    expect(shown.textContent).toMatch(/a2\.txt\s*First.*a10\.txt\s*Third\?.*b\.txt\s*Second/);
    expect(fake.called('add')).toEqual([]);
    await tap('Add all 3');
    expect(fake.called('add').map(([draft]) => (draft as { content: string }).content)).toEqual([
      'First',
      'Third?',
      'Second',
    ]);
    expect(screen.getByText('3 memories added')).toBeTruthy();
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('or goes through them one after another', async () => {
    await drop(file('a.txt', 'First'), file('b.txt', 'Second'));
    await tap('One after another');
    expect(dialog('Add a memory (1 of 2)')).toBeTruthy();
    expect(area().value).toBe('First');
    await tap('Add');
    expect(dialog('Add a memory (2 of 2)')).toBeTruthy();
    expect(area().value).toBe('Second');
    await press('Escape', {}, area());
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(fake.called('add')).toHaveLength(1);
  });

  it('goes on where adding several stopped', async () => {
    await drop(file('a.txt', 'First'), file('b.txt', 'Second'));
    const add = fake.add.bind(fake);
    let n = 0;
    fake.add = (draft) => {
      if (++n === 2) fake.failNext('add', { code: 'DISK_FULL', message: 'The disk is full.' });
      return add(draft);
    };
    await tap('Add all 2');
    expect(screen.getByRole('alert').textContent).toContain(
      '1 was added, then it stopped: The disk is full.',
    );
    await tap('Add');
    expect(fake.kept.filter(({ content }) => content === 'First')).toHaveLength(1);
    expect(fake.kept.filter(({ content }) => content === 'Second')).toHaveLength(1);
  });

  it('says why a file cannot be added, and adds the others', async () => {
    await drop(
      file('photo.png', 'x'),
      file('long.txt', 'x'.repeat(15_001)),
      file('empty.txt', ' \n'),
      file('utf16.txt', new Uint8Array([255, 254, 65, 0])),
      file('just.txt', 'y'.repeat(15_000)),
    );
    const said = dialog('Add 1 file').textContent;
    expect(said).toContain('photo.png: Only .txt and .md files can be added.');
    expect(said).toContain('long.txt: It has 15 kB, and a memory holds 15 kB at most.');
    expect(said).toContain('empty.txt: There is no text in it.');
    expect(said).toContain('utf16.txt: It holds no text that can be read.');
    await tap('Add');
    expect(fake.called('add')).toHaveLength(1);
  });

  it('says it alone where nothing can be added', async () => {
    await drop(file('photo.png', 'x'));
    expect(dialog('Not added').textContent).toContain('photo.png');
    await tap('Close');
    expect(document.activeElement).toBe(field());
  });

  it('changes nothing while something is asked, and keeps the window', async () => {
    await press('n', { ctrlKey: true });
    await drag('dragenter', []);
    expect(screen.queryByText('Drop text files to add them')).toBeNull();
    const event = await drop(file('a.txt', 'First'));
    expect(event.defaultPrevented).toBe(true);
    expect(area().value).toBe('');
  });
});

describe('pasting', () => {
  it('opens the form where no field has the focus', async () => {
    await paste('Passport is in the drawer');
    expect(area().value).toBe('Passport is in the drawer');
  });

  it('belongs to a field that has it, and to nothing without text', async () => {
    expect((await paste('api', field())).defaultPrevented).toBe(false);
    await paste('  \n');
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('says when it is too much for a memory', async () => {
    await paste('x'.repeat(20_000));
    expect(dialog('Not added').textContent).toContain('20 kB');
  });

  it('leaves an open form alone', async () => {
    await press('n', { ctrlKey: true });
    await fireEvent.input(area(), { target: { value: 'Mine' } });
    await paste('Other');
    await settle();
    expect(area().value).toBe('Mine');
  });
});
