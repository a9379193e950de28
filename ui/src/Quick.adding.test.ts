/** The quick window: keeping something without leaving the field. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { adding } from './lib/quick/adding';
import { setLanguage } from './strings';
import type { FakeBackend } from './testing/fake';
import { NOW } from './testing/fixtures';
import { keys, quickFake, said } from './testing/quickScreen';
import { active, click, field, openQuick, press, rows, settle, type } from './testing/screen';

let fake: FakeBackend;

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
  fake = quickFake();
});
afterEach(() => void vi.useRealTimers());

describe('a text with a plus before it', () => {
  const kept = (text: string, word = 'goal') => {
    const draft = adding(text, word);
    return draft && [draft.tier, draft.content];
  };

  it('is something to keep, and any other a question', () => {
    expect(kept('+ Call Anna')).toEqual(['memories', 'Call Anna']);
    expect(kept('+Call Anna')).toEqual(['memories', 'Call Anna']);
    expect(kept('Call Anna +1')).toBeNull();
    expect(kept(' +49 30')).toBeNull();
    expect(kept('+ ')).toEqual(['memories', '']);
  });

  it('is a goal with a sign or a word, in the person’s language too', () => {
    expect(kept('+! Run a mile')).toEqual(['goals', 'Run a mile']);
    expect(kept('+goal Run a mile')).toEqual(['goals', 'Run a mile']);
    expect(kept('+Ziel Laufen', 'ziel')).toEqual(['goals', 'Laufen']);
    expect(kept('+goal Laufen', 'ziel')).toEqual(['goals', 'Laufen']);
    expect(kept('+goalkeeper training')).toEqual(['memories', 'goalkeeper training']);
    expect(kept('+ goal of the month')).toEqual(['memories', 'goal of the month']);
  });

  it('may be written with the wide signs of an input method', () => {
    expect(kept('＋！走る')).toEqual(['goals', '走る']);
  });
});

describe('adding', () => {
  it('keeps a memory, clears the field and says so', async () => {
    await openQuick(fake);
    await type('+ Anna prefers tea');
    expect(fake.called('search')).toEqual([]);
    expect(rows().map((row) => row.textContent)).toEqual([
      expect.stringMatching(/Add as a memory.*Anna prefers tea.*starts with \+$/),
      expect.stringMatching(/Add as a goal.*starts with \+!$/),
    ]);
    expect(active()).toBe(rows()[0]);
    expect(screen.getByRole('img', { name: 'Adding' })).toBeTruthy();
    expect(keys()).toContain('↵keep');
    await press('Enter');
    expect(fake.called('add')).toEqual([[{ content: 'Anna prefers tea', tier: 'memories', topics: [] }]]);
    expect(field().value).toBe('');
    expect(said()).toBe('Memory saved');
    expect(rows()[0]?.textContent).toContain('Anna prefers tea');
    expect(fake.called('hideQuick')).toEqual([]);
  });

  it('keeps a goal, by prefix, arrow or Tab', async () => {
    await openQuick(fake);
    await type('+! Run a mile');
    expect(active()).toBe(rows()[1]);
    await press('ArrowUp');
    expect(active()).toBe(rows()[0]);
    await press('Tab');
    expect(active()).toBe(rows()[1]);
    await press('Enter');
    expect(fake.called('add')).toEqual([[{ content: 'Run a mile', tier: 'goals', topics: [] }]]);
    expect(said()).toBe('Goal saved');
    await type('+ Walk');
    await press('ArrowDown');
    await type('+ Walk a mile');
    expect(active(), 'writing on changes nothing that was chosen').toBe(rows()[1]);
    await type('+! Walk a mile');
    await type('+ Walk a mile');
    expect(active(), 'another prefix does').toBe(rows()[0]);
  });

  it('keeps with a click on what it is to be', async () => {
    await openQuick(fake);
    await type('+ Run a mile');
    await fireEvent.click(rows()[1]!);
    await settle();
    expect(fake.called('add')).toEqual([[{ content: 'Run a mile', tier: 'goals', topics: [] }]]);
  });

  it('begins with a key, from what is in the field', async () => {
    await openQuick(fake);
    await type('Run a mile');
    await press('n', { ctrlKey: true });
    expect(field().value).toBe('+ Run a mile');
    expect(field().selectionStart).toBe(12);
    await press('n', { ctrlKey: true });
    expect(field().value).toBe('+ Run a mile');
    await press('Escape');
    expect(field().value).toBe('');
    await press('n', { ctrlKey: true });
    expect(field().value).toBe('+ ');
    expect(document.activeElement).toBe(field());
  });

  it('sends nothing that is empty, and nothing twice', async () => {
    await openQuick(fake);
    await type('+  ');
    expect(rows()[0]?.textContent).toContain('Write what to remember');
    await press('Enter');
    expect(fake.called('add')).toEqual([]);
    expect(field().value).toBe('+  ');
    await type('+ once');
    void fireEvent.keyDown(field(), { key: 'Enter' });
    await press('Enter');
    expect(fake.called('add')).toHaveLength(1);
  });

  it('keeps the text where that failed, and says why', async () => {
    await openQuick(fake);
    fake.failNext('add', { code: 'DISK_FULL', message: 'the disk is full' });
    await type('+ Anna prefers tea');
    await press('Enter');
    expect(screen.getByRole('alert').textContent).toContain('The disk is full.');
    expect(field().value).toBe('+ Anna prefers tea');
    await click('Try again');
    expect(field().value).toBe('');
    expect(said()).toBe('Memory saved');
  });

  it('leaves what was typed meanwhile', async () => {
    await openQuick(fake);
    fake.delay = 500;
    await type('+ one');
    await press('Enter');
    await type('anna');
    await settle(2000);
    expect(field().value).toBe('anna');
    expect(said()).toBe('Memory saved');
  });

  it('is taken back with the text, by key and by button', async () => {
    await openQuick(fake);
    await type('+ Anna prefers tea');
    await press('Enter');
    await press('z', { ctrlKey: true });
    expect(fake.called('remove')).toEqual([[['new-1']]]);
    expect(field().value).toBe('+ Anna prefers tea');
    expect(said()).toBe('Taken back');
    await press('Enter');
    await click('Undo');
    expect(fake.called('remove').at(-1)).toEqual([['new-2']]);
  });

  it('goes back to searching when the plus goes', async () => {
    await openQuick(fake);
    await type('+ api');
    await type('api');
    expect(rows()).toHaveLength(3);
    await type('+ api');
    expect(rows()).toHaveLength(2);
    await type('');
    expect(rows()).toHaveLength(8);
  });

  it('speaks German', async () => {
    await setLanguage('de');
    fake.setSettings({ language: 'de' });
    try {
      await openQuick(fake);
      const input = screen.getByRole<HTMLInputElement>('combobox');
      await fireEvent.input(input, { target: { value: '+ziel Laufen' } });
      await settle();
      expect(rows()[1]?.textContent).toContain('Als Ziel hinzufügen');
      await press('Enter', {}, input);
      expect(fake.called('add')).toEqual([[{ content: 'Laufen', tier: 'goals', topics: [] }]]);
    } finally {
      await setLanguage('en');
    }
  });
});

describe('where nothing is found', () => {
  it('offers to keep it, as a row that is gone to', async () => {
    await openQuick(fake);
    await type('zebra crossing');
    expect(rows()).toHaveLength(1);
    expect(rows()[0]?.textContent).toContain('Add “zebra crossing” as a memory');
    expect(active(), 'Enter alone adds nothing').toBeNull();
    await press('Enter');
    expect(fake.called('add')).toEqual([]);
    await press('ArrowDown');
    expect(active()).toBe(rows()[0]);
    await press('Enter');
    expect(fake.called('add')).toEqual([[{ content: 'zebra crossing', tier: 'memories', topics: [] }]]);
    expect(field().value).toBe('');
  });

  it('goes back from it, and offers a goal among goals', async () => {
    await openQuick(fake);
    await press('Tab');
    await type('zebra');
    expect(rows()[0]?.textContent).toContain('Add “zebra” as a goal');
    await press('ArrowDown');
    await press('ArrowUp');
    expect(active()).toBeNull();
    await fireEvent.click(rows()[0]!);
    await settle();
    expect(fake.called('add')).toEqual([[{ content: 'zebra', tier: 'goals', topics: [] }]]);
  });

  it('offers nothing while it is not known, or could not be looked up', async () => {
    await openQuick(fake);
    fake.holding = true;
    await type('zebra');
    expect(rows()).toHaveLength(8);
    fake.release('zebra');
    fake.holding = false;
    await settle();
    expect(rows()).toHaveLength(1);
    fake.failNext('search', { code: 'INTERNAL', message: 'it broke' });
    await type('zebras');
    expect(rows()).toEqual([]);
  });
});
