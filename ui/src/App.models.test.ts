/** The models view: the list, and installing what is in it. */
import { fireEvent, screen, within } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NOW, opening, status } from './testing/fixtures';
import { download, stopped } from './testing/models';
import {
  BGE,
  button,
  buttons,
  card,
  focused,
  INT8,
  openModels,
  pressFocused,
  tap,
} from './testing/modelsScreen';
import { field, press, settle } from './testing/screen';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
});
afterEach(() => void vi.useRealTimers());

describe('the list of models', () => {
  it('says of each what it is, what it takes and where it stands', async () => {
    await openModels();
    const text = card(BGE).textContent;
    for (const fact of [
      'Small, English',
      'about 134 MB',
      '260 MB of memory',
      'English',
      '384 dimensions',
      'MIT',
    ]) {
      expect(text, `${fact} decides whether one wants it`).toContain(fact);
    }
    expect(text).toContain('not installed');
    expect(text, 'where it comes from').toContain('huggingface.co/Xenova/bge-small-en-v1.5');
    expect(text, 'its hashes are only as good as the first install').toContain(
      'recorded at the first install',
    );
    expect(card('all-MiniLM-L6-v2').textContent).toContain('in use');
    expect(card(INT8).textContent).toContain('comes with the app');
    expect(card('multilingual-e5-small').textContent, 'not the tag').toContain('many languages');
  });

  it('offers what can be done, and never to remove the one in use', async () => {
    await openModels();
    expect(buttons(card('all-MiniLM-L6-v2'))).toEqual(['Verify']);
    expect(buttons(card(INT8)), 'what comes with the app stays').toEqual(['Use', 'Verify']);
    expect(buttons(card(BGE))).toEqual(['Install', 'Import']);
    const unusable = card('Qwen3-Embedding-4B');
    expect(buttons(unusable), 'shown, and not usable').toEqual([]);
    expect(unusable.textContent, 'the reason, as a sentence').toContain('Its weights have to be converted');
  });

  it('waits for the memories to be open, and says when it cannot be had', async () => {
    const fake = await openModels(opening);
    expect(screen.queryByRole('region', { name: 'All models' })).toBeNull();
    fake.failNext('models', { code: 'INTERNAL', message: 'The catalogue is damaged.' });
    fake.setStatus(status());
    await settle();
    expect(screen.getByRole('alert').textContent).toContain('The catalogue is damaged.');
    await tap('Try again');
    expect(card(BGE), 'the way on leads somewhere').toBeTruthy();
  });

  it('is not asked for anew by mere progress', async () => {
    const fake = await openModels({ downloads: [download()] });
    const before = fake.called('models').length;
    fake.setStatus({ downloads: [download({ kilobytesDone: 60_000 })] });
    await settle();
    expect(fake.called('models'), 'ten times a second would be too much').toHaveLength(before);
    fake.finishDownload(BGE);
    await settle();
    expect(fake.called('models')).toHaveLength(before + 1);
    expect(buttons(card(BGE))).toEqual(['Use', 'Verify', 'Remove']);
  });

  it('shows why files that are there cannot be used', async () => {
    const problem = {
      code: 'CHECKSUM',
      message: 'a file is damaged',
      hint: 'Install it again.',
      retryable: false,
    } as const;
    await openModels({}, (fake) => fake.shelve(BGE, { problem }));
    expect(card(BGE).textContent).toContain('A file is damaged. Install it again.');
    expect(buttons(card(BGE)), 'installing again mends it').toEqual(['Install', 'Import', 'Remove']);
  });
});

describe('installing', () => {
  it('first says size, licence and whom it contacts, and does nothing when called off', async () => {
    const fake = await openModels();
    await pressFocused(`Install ${BGE}`);
    const dialog = screen.getByRole('dialog', { name: `Install ${BGE}?` });
    expect(dialog.textContent).toContain('about 134 MB');
    expect(dialog.textContent).toContain('MIT');
    expect(dialog.textContent).toContain('huggingface.co, *.huggingface.co, *.hf.co');
    await press('Escape', {}, dialog);
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(fake.called('installModel'), 'nothing is fetched unasked').toEqual([]);
    expect(focused(), 'the focus is back where it was').toBe(`Install ${BGE}`);
  });

  it('shows phase, bytes, speed and time left, and keeps the focus in the row', async () => {
    const fake = await openModels();
    await pressFocused(`Install ${BGE}`);
    await tap('Install now');
    expect(fake.called('installModel')).toEqual([[BGE]]);
    expect(focused(), 'the button pressed is gone, the next one has the focus').toBe(`Pause ${BGE}`);
    const bar = () => screen.getByRole('progressbar', { name: `Installation of ${BGE}` });
    expect(bar().getAttribute('aria-valuetext'), 'no number before there is one').toBe('Checking space');
    fake.setStatus({ downloads: [download({ ...stopped })] });
    await settle();
    expect(card(BGE).textContent).toContain('34% · 46 MB of 134 MB · calculating…');
    fake.setStatus({ downloads: [download()] });
    await settle();
    expect(bar().getAttribute('aria-valuetext')).toBe(
      'Downloading, 34% · 46 MB of 134 MB · 2.1 MB/s · 41 s left',
    );
    expect(card(BGE).querySelector('[aria-current=step]')!.textContent.trim()).toBe('Downloading');
    fake.setStatus({ downloads: [download({ phase: 'verifying', kilobytesDone: 10 })] });
    await settle();
    expect(card(BGE).querySelector('[aria-current=step]')!.textContent.trim()).toBe('Verifying');
  });

  it('goes on while one looks elsewhere, and its end is told there', async () => {
    const fake = await openModels({ downloads: [download()] });
    await tap('Search');
    expect(button('Downloading: 34%'), 'a way back').toBeTruthy();
    fake.finishDownload(BGE);
    await settle();
    expect(screen.getByText(`${BGE} is installed`)).toBeTruthy();
  });

  it('can be paused and resumed', async () => {
    const fake = await openModels({ downloads: [download()] });
    await pressFocused(`Pause ${BGE}`);
    expect(card(BGE).textContent).toContain('Paused · 34% · 46 MB of 134 MB');
    expect(card(BGE).textContent, 'nothing is lost').toContain('It goes on where it stopped');
    expect(focused()).toBe(`Resume ${BGE}`);
    await pressFocused(`Resume ${BGE}`);
    expect(fake.called('installModel'), 'resuming is installing again').toEqual([[BGE]]);
    expect(focused()).toBe(`Pause ${BGE}`);
  });

  it('asks before what was fetched is deleted, and does not call that installed', async () => {
    const fake = await openModels({ downloads: [download()] });
    await pressFocused(`Cancel ${BGE}`);
    expect(document.activeElement!.textContent, 'Enter does no harm').toBe('Cancel');
    await tap('Delete what was fetched');
    expect(fake.called('cancelDownload')).toEqual([[BGE]]);
    expect(screen.getByText(`Download of ${BGE} deleted`)).toBeTruthy();
    expect(screen.queryByText(`${BGE} is installed`)).toBeNull();
    expect(focused()).toBe(`Install ${BGE}`);
  });

  it('that failed says why and what to do, and can be tried again or left', async () => {
    const error = {
      code: 'OFFLINE',
      message: 'the host cannot be reached',
      hint: 'Check the connection.',
      retryable: true,
    } as const;
    const fake = await openModels({ downloads: [download({ ...stopped, state: 'failed', error })] });
    expect(within(card(BGE)).getByRole('alert').textContent).toContain(
      'The host cannot be reached. Check the connection.',
    );
    expect(buttons(card(BGE)), 'also without a network').toEqual(['Try again', 'Import', 'Cancel']);
    await pressFocused(`Try again ${BGE}`);
    expect(fake.called('installModel')).toEqual([[BGE]]);
    expect(within(card(BGE)).queryByRole('alert')).toBeNull();
    await tap('Search');
    expect(field(), 'a download holds nobody').toBeTruthy();
  });

  it('that stopped before it counted claims no bytes', async () => {
    await openModels({
      downloads: [download({ ...stopped, state: 'failed', phase: 'checking', kilobytesDone: 0 })],
    });
    expect(card(BGE).textContent).toContain('Stopped');
    expect(card(BGE).textContent, 'what was fetched before is kept').not.toContain('0%');
  });

  it('that is refused says so in its row', async () => {
    const fake = await openModels();
    fake.failNext('installModel', { code: 'DISK_FULL', message: 'there is no room', hint: 'Make room.' });
    await tap(`Install ${BGE}`);
    await tap('Install now');
    expect(within(card(BGE)).getByRole('alert').textContent).toContain('There is no room. Make room.');
  });

  it('tells a screen reader each phase once, when it lasts', async () => {
    const fake = await openModels({ downloads: [download({ phase: 'checking' })] });
    fake.setStatus({ downloads: [download()] });
    await settle(400);
    fake.setStatus({ downloads: [download({ kilobytesDone: 50_000 })] });
    await settle(750);
    const said = screen.getByText(`${BGE}: downloading.`);
    expect(said.getAttribute('role'), 'politely').toBe('status');
    expect(screen.queryByText(`${BGE}: checking space.`), 'too short to be heard').toBeNull();
  });

  it('from a folder: the path is asked for, and a failure stays in the form', async () => {
    const fake = await openModels();
    await tap(`Install ${BGE}`);
    await tap('Import from a folder instead');
    const path = screen.getByRole('textbox', { name: 'Folder' });
    expect(document.activeElement, 'ready to write').toBe(path);
    await tap('Import');
    expect(screen.getByText('Write the path of the folder first.')).toBeTruthy();
    await fireEvent.input(path, { target: { value: ' /media/usb/bge ' } });
    fake.failNext('importModel', { code: 'INVALID_INPUT', message: 'there is no model' });
    await tap('Import');
    expect(screen.getByRole('alert').textContent).toContain('There is no model.');
    await tap('Import');
    expect(fake.called('importModel').at(-1), 'for this model, without the spaces').toEqual([
      '/media/usb/bge',
      BGE,
    ]);
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(screen.getByText(`${BGE} is installed`)).toBeTruthy();
  });
});

describe('an import that was left alone', () => {
  it('goes on, and its failure stands in the list until it was read', async () => {
    const fake = await openModels();
    await pressFocused('Import from a folder');
    await fireEvent.input(screen.getByRole('textbox', { name: 'Folder' }), {
      target: { value: '/media/usb' },
    });
    fake.delay = 1000;
    fake.failNext('importModel', { code: 'INVALID_INPUT', message: 'there is no model' });
    const dialog = screen.getByRole('dialog');
    await fireEvent.submit(dialog.querySelector('form')!);
    await press('Escape', {}, dialog);
    expect(screen.queryByRole('dialog'), 'nobody has to wait').toBeNull();
    await settle(1000);
    expect(screen.getByRole('alert').textContent).toContain('There is no model.');
    await tap('Dismiss');
    expect(screen.queryByRole('alert')).toBeNull();
    expect(focused()).toBe('Import from a folder');
  });
});

describe('an installed model', () => {
  it('is verified with a word that it is whole, or where it is not', async () => {
    const fake = await openModels();
    await pressFocused(`Verify ${INT8}`);
    expect(screen.getByText(`Every byte of ${INT8} is as it should be`)).toBeTruthy();
    expect(focused()).toBe(`Verify ${INT8}`);
    fake.failNext('verifyModel', { code: 'CHECKSUM', message: 'model.onnx is damaged', hint: null });
    await tap(`Verify ${INT8}`);
    expect(within(card(INT8)).getByRole('alert').textContent).toContain('Model.onnx is damaged.');
  });

  it('is removed after a question that says what it frees', async () => {
    const fake = await openModels({}, (fake) => fake.shelve(BGE, { installed: true, approximate: false }));
    await pressFocused(`Remove ${BGE}`);
    expect(screen.getByRole('dialog').textContent).toContain('This frees 134 MB.');
    await tap('Remove it');
    expect(fake.called('removeModel')).toEqual([[BGE]]);
    expect(screen.getByText(`${BGE} removed, 134 MB free again`)).toBeTruthy();
    expect(focused()).toBe(`Install ${BGE}`);
  });
});
