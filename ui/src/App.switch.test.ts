/** The models view: the model in use, going over to another one, and the check-up. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeBackend } from './testing/fake';
import { memories, NOW, status } from './testing/fixtures';
import { change } from './testing/models';
import { button, card, focused, INT8, openModels, pressFocused, tap } from './testing/modelsScreen';
import { field, openApp, settle } from './testing/screen';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
});
afterEach(() => void vi.useRealTimers());

describe('a change of model', () => {
  it('is explained first: what is read again, and what serves meanwhile', async () => {
    const fake = await openModels();
    await pressFocused(`Use ${INT8}`);
    const dialog = screen.getByRole('dialog', { name: `Search with ${INT8}?` });
    expect(dialog.textContent).toContain('Your 12 memories are read again by it.');
    expect(dialog.textContent).toContain('searches go on with all-MiniLM-L6-v2');
    await tap('Use it');
    expect(fake.called('useModel')).toEqual([['all-minilm-l6-v2-int8']]);
    expect(screen.getByRole('progressbar', { name: `Changing to ${INT8}` })).toBeTruthy();
    expect(card(INT8).textContent).toContain('taking over');
    expect(focused(), 'the focus stays in the row').toBe(`Verify ${INT8}`);
  });

  it('shows how far it is, here and in the status line, and can be held', async () => {
    const fake = await openModels({ switch: change() });
    const panel = screen.getByRole('region', { name: `Changing to ${INT8}` });
    expect(panel.textContent).toContain('1,480 of 4,812 memories · 30% · 2 min left');
    expect(button('Changing model: 30%')).toBeTruthy();
    await pressFocused('Pause');
    expect(fake.called('pauseSwitch')).toEqual([[true]]);
    expect(panel.textContent).toContain('Paused · 1,480 of 4,812');
    expect(panel.textContent, 'no time is told while nothing moves').not.toContain('left');
    expect(focused()?.trim()).toBe('Resume');
    await pressFocused('Resume');
    expect(fake.called('pauseSwitch').at(-1)).toEqual([false]);
  });

  it('can be taken back', async () => {
    const fake = await openModels({ switch: change() });
    await pressFocused('Go back to all-MiniLM-L6-v2');
    expect(fake.called('useModel'), 'choosing the one that serves ends the change').toEqual([
      ['all-minilm-l6-v2'],
    ]);
    expect(screen.queryByRole('progressbar')).toBeNull();
    expect(screen.queryByText(/Searches use/), 'nothing took over').toBeNull();
  });

  it('that stopped says why, and can be tried again', async () => {
    const error = {
      code: 'CHECKSUM',
      message: 'a file is damaged',
      hint: 'Install it again.',
      retryable: false,
    } as const;
    const fake = await openModels({ switch: change({ error }) });
    expect(screen.getByRole('alert').textContent).toContain('A file is damaged. Install it again.');
    expect(button('Change of model stopped')).toBeTruthy();
    await tap('Try again');
    expect(fake.called('useModel')).toEqual([['all-minilm-l6-v2-int8']]);
  });

  it('that is done asks the question of the search again', async () => {
    const fake = await openModels({ switch: change() });
    const before = fake.called('list').length;
    const model = { ...status().model, id: 'all-minilm-l6-v2-int8', name: INT8 };
    fake.setStatus({ switch: null, model });
    await settle();
    expect(screen.getByText(`Searches use ${INT8} now`)).toBeTruthy();
    expect(fake.called('list').length, 'other vectors, perhaps other results').toBe(before + 1);
    expect(card(INT8).textContent).toContain('in use');
  });
});

describe('the model in use', () => {
  it('says what runs it, why not something else, and that it is at rest', async () => {
    const fallback = 'Core ML took longer than the CPU';
    await openModels({
      model: { ...status().model, hardware: 'Core ML (Neural Engine allowed)', fallback, unloaded: true },
    });
    const panel = screen.getByRole('region', { name: 'all-MiniLM-L6-v2' }).textContent;
    expect(panel).toContain('Core ML (Neural Engine allowed)');
    expect(panel).toContain(fallback);
    expect(panel).toContain('the next search brings it back');
  });
});

describe('the check-up', () => {
  it('lists each finding with its verdict in a word, details on demand, and copies the report', async () => {
    const written = vi.fn().mockResolvedValue(undefined);
    vi.stubGlobal('navigator', Object.assign(navigator, { clipboard: { writeText: written } }));
    const fake = await openModels();
    fake.delay = 1000;
    await pressFocused('Check everything');
    const busy = button('Checking…');
    expect(busy.getAttribute('aria-disabled')).toBe('true');
    await fireEvent.click(busy);
    await settle(1000);
    expect(fake.called('doctor'), 'one visit at a time').toHaveLength(1);
    const panel = screen.getByRole('region', { name: 'Check-up' });
    const verdicts = [...panel.querySelectorAll('.verdict')].map((verdict) => verdict.textContent.trim());
    expect(verdicts, 'not by colour alone').toEqual([
      'fine',
      'fine',
      'fine',
      'worth knowing',
      'not checked',
      'broken',
    ]);
    expect(screen.getByText('1 thing is broken').getAttribute('role'), 'heard too').toBe('status');
    expect(panel.querySelectorAll('details'), 'only where there is more than a line').toHaveLength(2);
    expect(focused()?.trim(), 'the focus stays').toBe('Check everything');
    fake.delay = 0;
    await tap('Copy report');
    expect(written).toHaveBeenCalledWith(fake.found.text);
    expect(screen.getByText('Copied')).toBeTruthy();
  });

  it('that cannot be made says so', async () => {
    const fake = await openModels();
    fake.failNext('doctor', { code: 'INTERNAL', message: 'the engine stopped' });
    await tap('Check everything');
    expect(screen.getByRole('alert').textContent).toContain('The engine stopped.');
  });
});

describe('a repair of the data folder', () => {
  it('is told above everything, until it was read', async () => {
    const recovered = '12 memories were repaired.';
    const fake = new FakeBackend(memories(), { recovered });
    await openApp(fake);
    expect(screen.getByText(recovered)).toBeTruthy();
    await tap('Dismiss');
    expect(screen.queryByText(recovered)).toBeNull();
    expect(document.activeElement, 'ready to type').toBe(field());
    fake.setStatus({});
    await settle();
    expect(screen.queryByText(recovered), 'once is enough').toBeNull();
  });
});
