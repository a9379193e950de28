/** The main window in every state it can be found in. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeBackend } from './testing/fake';
import { memories, noModel, NOW, opening, status } from './testing/fixtures';
import { click, field, openApp, press, rows, settle, type } from './testing/screen';
import { setNarrow } from './testing/setup';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
});
afterEach(() => {
  setNarrow(false);
  vi.useRealTimers();
});

const failure = { message: 'It is open elsewhere.', hint: null, retryable: true };

describe('opening', () => {
  const OPENING = 'Opening your memories';

  it('is said calmly, and what was typed meanwhile is answered once they are open', async () => {
    const fake = new FakeBackend(memories(), opening);
    await openApp(fake);
    expect(screen.getByRole('heading', { name: OPENING })).toBeTruthy();
    expect(screen.queryByRole('alert')).toBeNull();
    expect(document.activeElement).toBe(field());
    await type('api');
    expect(screen.getByText('Searching')).toBeTruthy();
    expect(rows()).toEqual([]);
    fake.setStatus(status());
    await settle();
    expect(rows()).toHaveLength(3);
    expect(screen.queryByText(OPENING)).toBeNull();
  });

  it('claims nothing of model and memories', async () => {
    await openApp(new FakeBackend(memories(), opening));
    await click('Models');
    expect(screen.getByRole('heading', { name: OPENING })).toBeTruthy();
    expect(screen.queryByText('Kept here')).toBeNull();
    expect(screen.queryByText('Getting search ready')).toBeNull();
  });

  it('goes on until the memories were read: an empty list means nothing before', async () => {
    const fake = new FakeBackend([], { index: 'building' });
    await openApp(fake);
    expect(screen.getByRole('heading', { name: OPENING })).toBeTruthy();
    expect(screen.queryByText('Keep something worth remembering')).toBeNull();
    fake.setStatus({ index: 'ready' });
    await settle();
    expect(screen.queryByText(OPENING)).toBeNull();
    expect(screen.getByText('Keep something worth remembering')).toBeTruthy();
  });

  it('that fails fills the window, and the button stays where it is while it is tried again', async () => {
    const failed = { state: 'failed', fatal: { code: 'STORE_LOCKED', ...failure } } as const;
    const fake = new FakeBackend(memories(), opening);
    await openApp(fake);
    fake.setStatus(failed);
    await settle();
    fake.info = { ...fake.info, ...opening, fatal: null };
    await click('Try again');
    fake.setStatus({});
    expect(screen.getByRole('button', { name: 'Opening' }).getAttribute('aria-disabled')).toBe('true');
    expect(screen.getByText('It is open elsewhere.')).toBeTruthy();
    fake.setStatus(status());
    await settle();
    expect(rows()).toHaveLength(12);
  });
});

describe('the status', () => {
  it('that an event tells is newer than an answer that it overtook', async () => {
    const fake = new FakeBackend([], { state: 'failed', fatal: { code: 'STORE_LOCKED', ...failure } });
    await openApp(fake);
    const late = status({ index: 'building' });
    fake.retry = () => new Promise((answer) => setTimeout(() => answer(late), 500));
    await click('Try again');
    fake.setStatus(status());
    await settle(1000);
    expect(screen.getByText('Keep something worth remembering')).toBeTruthy();
  });
});

describe('first run', () => {
  it('offers samples, which one click takes out again', async () => {
    const fake = new FakeBackend();
    await openApp(fake);
    expect(screen.getByRole('heading', { name: 'Keep something worth remembering' })).toBeTruthy();
    await click('Try it with samples');
    expect(rows()).toHaveLength(2);
    expect(screen.getByText('2 samples are here to try.')).toBeTruthy();
    await click('Remove samples');
    expect(fake.kept).toEqual([]);
    expect(screen.getByText('2 sample memories removed')).toBeTruthy();
    await click('Undo');
    expect(rows()).toHaveLength(2);
  });

  it('does not flash up while the first answer is on its way', async () => {
    const fake = Object.assign(new FakeBackend(memories()), { delay: 1000 });
    await openApp(fake);
    expect(screen.queryByText('Keep something worth remembering')).toBeNull();
    await settle(1000);
    expect(rows()).toHaveLength(12);
  });

  it('is not what an empty tier looks like', async () => {
    await openApp(new FakeBackend(memories().filter((kept) => kept.tier === 'memories')));
    await click('Goals');
    expect(screen.getByText('No goals yet')).toBeTruthy();
  });
});

describe('nothing found', () => {
  it('says what was searched and leads on', async () => {
    await openApp(new FakeBackend(memories()));
    await type('anna');
    await click('Goals');
    expect(screen.getByRole('heading', { name: 'Nothing found for “anna”' })).toBeTruthy();
    expect(screen.getByText('Only goals were searched.')).toBeTruthy();
    await click('Search everything');
    expect(rows()).toHaveLength(1);
  });

  it('offers the other way of searching where one was left out', async () => {
    await openApp(new FakeBackend(memories()));
    await type('zebra');
    expect(screen.queryByRole('button', { name: 'Search by meaning and word' })).toBeNull();
    await fireEvent.change(screen.getByRole('combobox', { name: 'How to search' }), {
      target: { value: 'words' },
    });
    await settle();
    await click('Search by meaning and word');
    expect(screen.getByRole<HTMLSelectElement>('combobox', { name: 'How to search' }).value).toBe('hybrid');
  });
});

describe('the model', () => {
  it('missing: words are searched, the reason stands above them and leads to Models', async () => {
    const fake = Object.assign(new FakeBackend(memories(), { model: noModel }), { degraded: 'no model' });
    await openApp(fake);
    await type('api');
    expect(rows()).toHaveLength(3);
    expect(screen.getByText('By word only: no model is installed.')).toBeTruthy();
    await click('Open Models');
    expect(screen.getByRole('region', { name: 'Search model' }).textContent).toContain('not installed');
    await click('Try again');
    expect(fake.called('retry')).toHaveLength(1);
  });

  it('becoming ready: the same question is asked again and the reason goes', async () => {
    const fake = new FakeBackend(memories(), { model: { ...noModel, state: 'loading', error: null } });
    fake.degraded = 'loading';
    await openApp(fake);
    await type('api');
    expect(screen.getByText('By word until the model is loaded.')).toBeTruthy();
    fake.degraded = null;
    fake.setStatus({ model: status().model });
    await settle();
    expect(screen.queryByText('By word until the model is loaded.')).toBeNull();
  });

  it('in use: its panel says name, size, precision, device and times', async () => {
    await openApp(new FakeBackend(memories(), { pending: 4 }));
    await click('Models');
    const panel = screen.getByRole('region', { name: 'all-MiniLM-L6-v2' }).textContent;
    for (const fact of ['in use · CPU · 5.8 ms', '384', 'int8', '212 ms', '8f3c21d07ab4']) {
      expect(panel).toContain(fact);
    }
    expect(screen.getByText('8 of 12')).toBeTruthy();
    expect(screen.getByRole('button', { name: 'Models' }).getAttribute('aria-current')).toBe('page');
  });

  it('failed: the engine’s own words and hint', async () => {
    const error = {
      code: 'INTERNAL',
      message: 'Damaged file.',
      hint: 'Install it again.',
      retryable: true,
    } as const;
    await openApp(new FakeBackend([], { model: { ...status().model, state: 'failed', error } }));
    await click('Models');
    expect(screen.getByRole('alert').textContent).toContain('Damaged file. Install it again.');
  });
});

describe('the status line', () => {
  it('says how much is not yet found by meaning, as a way to Models', async () => {
    const fake = new FakeBackend(memories(), { pending: 1234 });
    await openApp(fake);
    await click('1,234 not yet found by meaning');
    expect(screen.getByRole('heading', { name: 'Models' })).toBeTruthy();
    fake.setStatus({ pending: 0, index: 'building' });
    await settle();
    expect(screen.getByRole('button', { name: 'Getting search ready' })).toBeTruthy();
  });
});

describe('errors', () => {
  it('stand where the list is, with one way on', async () => {
    const fake = new FakeBackend(memories());
    fake.failNext('list', { code: 'INTERNAL', message: 'It couldn’t be read.' });
    await openApp(fake);
    expect(screen.getByRole('alert').textContent).toContain('It couldn’t be read.');
    await click('Try again');
    expect(rows()).toHaveLength(12);
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('that stop the app fill the window, and trying again brings it back', async () => {
    const fake = new FakeBackend(memories(), {
      state: 'failed',
      fatal: { code: 'STORE_LOCKED', message: 'It is open elsewhere.', hint: 'Close it.', retryable: true },
    });
    await openApp(fake);
    expect(screen.getByRole('heading', { name: 'Papr is already using these memories' })).toBeTruthy();
    expect(screen.getByText('It is open elsewhere.')).toBeTruthy();
    expect(screen.getByText('Close it.')).toBeTruthy();
    expect(screen.queryByRole('combobox')).toBeNull();
    fake.info = { ...fake.info, state: 'open', fatal: null };
    await click('Try again');
    expect(field()).toBeTruthy();
    expect(rows(), 'the list was asked for again').toHaveLength(12);
  });

  it('of an engine that does not answer at all fill it too', async () => {
    const fake = new FakeBackend(memories());
    fake.failNext('status', { code: 'INTERNAL', message: 'No answer.' });
    await openApp(fake);
    expect(screen.getByText('No answer.')).toBeTruthy();
  });

  it('of a memory that is gone when it is asked for are said', async () => {
    const fake = new FakeBackend(memories());
    await openApp(fake);
    fake.emitOpen('nowhere');
    await settle();
    expect(screen.getByRole('alert').textContent).toContain('This memory was deleted.');
  });
});

describe('the quick search shortcut', () => {
  it('is shown, or why it does not work', async () => {
    const fake = new FakeBackend(memories());
    await openApp(fake);
    expect(screen.getByText('Ctrl+Shift+Space')).toBeTruthy();
    fake.setStatus({ shortcut: { keys: 'Ctrl+Shift+Space', registered: false, problem: 'It is taken.' } });
    await settle();
    expect(screen.getByText('Ctrl+Shift+Space doesn’t work here. It is taken.')).toBeTruthy();
  });
});

describe('a narrow window', () => {
  it('opens the detail as a sheet over the list', async () => {
    setNarrow(true);
    await openApp(new FakeBackend(memories()));
    expect(screen.queryByRole('article')).toBeNull();
    await press('Enter');
    expect(screen.getByRole('dialog', { name: 'Memory' }).textContent).toContain('Improve API');
    await click('Close');
    expect(screen.queryByRole('dialog')).toBeNull();
    await fireEvent.click(rows()[2]!);
    await settle();
    expect(screen.getByRole('dialog').textContent).toContain('Anna prefers');
    await click('Delete');
    expect(screen.queryByRole('dialog'), 'the sheet goes with its memory').toBeNull();
    expect(rows()).toHaveLength(11);
  });
});
