/** The main window: filters, their panel and chips, and the order. */
import { fireEvent, screen, within } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Filters, Query } from './backend';
import { FakeBackend } from './testing/fake';
import { memories, notes, NOW } from './testing/fixtures';
import { active, field, openApp, press, rows, settle, type } from './testing/screen';
import { button, tap } from './testing/modelsScreen';
import { setNarrow } from './testing/setup';

let fake: FakeBackend;

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
  fake = new FakeBackend(memories());
});
afterEach(() => {
  setNarrow(false);
  vi.useRealTimers();
});

const menu = () => button(document.querySelector('[aria-expanded][class~=button]')!.textContent.trim());
const panel = () => document.getElementById('filter-panel');
const group = (name: string) => {
  const heading = [...panel()!.querySelectorAll('h2')].find((one) => one.textContent === name);
  return heading?.closest<HTMLElement>('[role=group]') ?? null;
};
const values = (name: string) =>
  [...(group(name)?.querySelectorAll('button') ?? [])].map((one) =>
    one.textContent.replace(/\s+/g, ' ').trim(),
  );
const chips = () =>
  [...document.querySelectorAll('[aria-label="Filters in use"] button')].map(
    (one) => one.getAttribute('aria-label') ?? one.textContent,
  );
async function open(): Promise<void> {
  await fireEvent.click(menu());
  await settle();
}
async function choose(name: string, value: string): Promise<void> {
  const pill = [...group(name)!.querySelectorAll('button')].find((one) => one.textContent.includes(value))!;
  pill.focus();
  await fireEvent.click(pill);
  await settle();
}

describe('the filter panel', () => {
  it('shows what there is to choose from, counted, and only what parts something', async () => {
    await openApp(fake);
    expect(fake.called('facets'), 'not before it is opened').toEqual([]);
    await open();
    expect(menu().getAttribute('aria-expanded')).toBe('true');
    expect(menu().getAttribute('aria-controls')).toBe(panel()!.id);
    expect(values('Topics').slice(0, 2)).toEqual(['api 3', 'people 2']);
    expect(values('Sources')).toEqual(['written here 9', 'imported 2', 'from Papr 1']);
    expect(group('Types'), 'all are of one type').toBeNull();
    expect(group('Roles')).toBeNull();
  });

  it('has types, categories and roles where there are several', async () => {
    fake.kept[9]!.kind = 'code_snippet';
    fake.kept.forEach(
      ({ id }, i) => (fake.marks[id] = { role: i < 8 ? 'user' : 'assistant', category: `c${i % 2}` }),
    );
    await openApp(fake);
    await open();
    expect([values('Types'), values('Categories'), values('Roles')]).toEqual([
      ['text 11', 'code snippet 1'],
      ['c0 6', 'c1 6'],
      ['user 8', 'assistant 4'],
    ]);
    await choose('Roles', 'assistant');
    await choose('Types', 'code snippet');
    expect(rows()).toHaveLength(1);
    expect(chips().slice(0, 2)).toEqual([
      'Remove filter type: code snippet',
      'Remove filter role: assistant',
    ]);
    expect(values('Roles'), 'chosen, so it can be given up').toEqual(['assistant 1']);
    expect(group('Categories'), 'the one that is left has but one').toBeNull();
  });

  it('narrows the list at once, is counted anew, and keeps the focus', async () => {
    await openApp(fake);
    await open();
    await choose('Topics', 'api');
    expect(rows()).toHaveLength(3);
    expect(fake.called('facets').map(([filters]) => (filters as Filters).topics)).toEqual([[], ['api']]);
    expect(values('Topics')[0]).toBe('api 3');
    const pill = group('Topics')!.querySelector('button')!;
    expect(pill.getAttribute('aria-pressed')).toBe('true');
    expect(pill.querySelector('svg'), 'a mark beside the colour').not.toBeNull();
    expect(document.activeElement).toBe(pill);
    expect(menu().textContent.trim()).toBe('Filter (1)');
    await choose('Topics', 'api');
    expect(rows()).toHaveLength(12);
  });

  it('is not counted on a keystroke', async () => {
    await openApp(fake);
    await open();
    await type('api');
    await type('api l');
    expect(fake.called('facets')).toHaveLength(1);
    expect(fake.called('search')).toHaveLength(2);
  });

  it('closes with Escape and gives the focus back', async () => {
    await openApp(fake);
    await open();
    const pill = group('Topics')!.querySelector('button')!;
    pill.focus();
    await press('Escape', { isComposing: true }, pill);
    expect(panel()).not.toBeNull();
    await press('Escape', {}, pill);
    expect(panel()).toBeNull();
    expect(document.activeElement).toBe(menu());
    expect(menu().getAttribute('aria-expanded')).toBe('false');
    expect(field().value).toBe('');
  });

  it('closes when somebody presses or goes elsewhere', async () => {
    await openApp(fake);
    await open();
    await fireEvent.pointerDown(panel()!);
    expect(panel()).not.toBeNull();
    await fireEvent.pointerDown(rows()[3]!);
    expect(panel()).toBeNull();
    await open();
    group('Topics')!.querySelector('button')!.focus();
    field().focus();
    await settle();
    expect(panel()).toBeNull();
  });

  it('finds a topic among many by typing', async () => {
    fake = new FakeBackend(notes(14).map((note, i) => ({ ...note, topics: [`Thème ${i}`] })));
    await openApp(fake);
    await open();
    const find = within(panel()!).getByRole<HTMLInputElement>('textbox', { name: 'Find a topic' });
    expect(values('Topics')).toHaveLength(14);
    await fireEvent.input(find, { target: { value: 'theme 1' } });
    expect(values('Topics')).toHaveLength(5);
    await fireEvent.input(find, { target: { value: 'zebra' } });
    expect(within(panel()!).getByText(/None of these topics is like “zebra”/)).toBeTruthy();
    expect(fake.called('facets')).toHaveLength(1);
  });

  it('says when it couldn’t be counted, while searching goes on', async () => {
    fake.failNext('facets', { code: 'INTERNAL', message: 'it broke', hint: 'Wait.' });
    await openApp(fake);
    await open();
    expect(panel()!.textContent).toMatch(/couldn’t be counted\. Searching goes on\.\s+It broke\.\s+Wait\./);
    expect(screen.queryByRole('alert'), 'the list is well').toBeNull();
    await type('api');
    expect(rows()).toHaveLength(3);
    button('Try again').focus();
    await tap('Try again');
    expect(values('Topics')[0]).toBe('api 3');
    expect(document.activeElement, 'the button that was pressed is gone').toBe(
      group('Topics')!.querySelector('button'),
    );
  });

  it('shows no numbers of a failed count, and drops a late one', async () => {
    await openApp(fake);
    await open();
    fake.hold('facets');
    await choose('Topics', 'api');
    await choose('Sources', 'imported');
    fake.letGo('facets', 1);
    await settle();
    expect(values('Topics')).toEqual(['api 1', 'code 1']);
    fake.letGo('facets');
    await settle();
    expect(values('Topics'), 'the count for the topic alone came too late').toEqual(['api 1', 'code 1']);
    fake.hold('facets');
    fake.failNext('facets', { code: 'INTERNAL' });
    await choose('Sources', 'imported');
    expect(group('Topics')).toBeNull();
    expect(panel()!.textContent).toContain('couldn’t be counted');
  });

  it('says so where there is nothing to choose', async () => {
    fake = new FakeBackend(notes(3));
    await openApp(fake);
    await open();
    expect(panel()!.textContent).toContain('There is nothing to filter by here.');
  });
});

describe('the chips', () => {
  it('each take their filter away, and all of them together', async () => {
    await openApp(fake);
    await open();
    await choose('Topics', 'api');
    await choose('Sources', 'imported');
    expect(chips()).toEqual(['Remove filter topic: api', 'Remove filter source: imported', 'Clear all']);
    expect(rows()).toHaveLength(1);
    button('Remove filter topic: api').focus();
    await tap('Remove filter topic: api');
    expect(chips()).toEqual(['Remove filter source: imported', 'Clear all']);
    expect(document.activeElement, 'the focus stays among them').toBe(
      button('Remove filter source: imported'),
    );
    expect(rows()).toHaveLength(2);
    button('Clear all').focus();
    await tap('Clear all');
    expect(chips()).toEqual([]);
    expect(document.activeElement).toBe(field());
    expect(rows()).toHaveLength(12);
  });

  it('are told of where nothing was asked: how many pass, in the status line and to a screen reader', async () => {
    await openApp(fake);
    await tap('Filter by topic api');
    expect(screen.getByText('3 of 12 shown by the filters')).toBeTruthy();
    await settle(700);
    expect(screen.getByText(/^3 results, first: Improve API/).getAttribute('aria-live')).toBe('polite');
    await tap('Clear all');
    expect(screen.getByText('3 goals, 9 memories')).toBeTruthy();
  });

  it('leave the tier as it is', async () => {
    await openApp(fake);
    await tap('Goals');
    await open();
    await choose('Topics', 'api');
    await tap('Clear all');
    expect((fake.called('list').at(-1)![0] as Filters).tier).toBe('goals');
  });
});

describe('a topic in the detail', () => {
  it('becomes a filter, and the memory stays the one that is read', async () => {
    await openApp(fake);
    await press('ArrowDown');
    const id = active()!.id;
    await tap('Filter by topic api');
    expect(chips()[0]).toBe('Remove filter topic: api');
    expect(rows()).toHaveLength(3);
    expect(active()!.id).toBe(id);
    expect(document.activeElement).toBe(field());
    await tap('Filter by topic api');
    expect(chips()).toHaveLength(2);
  });

  it('closes the sheet that covers the list', async () => {
    setNarrow(true);
    await openApp(fake);
    await press('Enter');
    await tap('Filter by topic performance');
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(rows()).toHaveLength(1);
    expect(document.activeElement).toBe(field());
  });
});

describe('the order', () => {
  const order = () => screen.getByRole<HTMLSelectElement>('combobox', { name: 'Order' });

  it('is chosen for recent memories and for results', async () => {
    await openApp(fake);
    expect(order().value, 'nothing matches best without a question').toBe('newest');
    await type('api');
    expect(order().value).toBe('relevance');
    await fireEvent.change(order(), { target: { value: 'oldest' } });
    await settle();
    expect((fake.called('search').at(-1)![0] as Query).sort).toBe('oldest');
    expect(rows()[0]!.textContent).toContain('MAX_PAGE');
    await press('Escape');
    expect(fake.called('list').at(-1)![1]).toBe('oldest');
    expect(rows()[0]!.textContent).toContain('Lena');
  });
});

describe('nothing found with filters on', () => {
  it('says so and offers to search without them', async () => {
    await openApp(fake);
    await open();
    await choose('Topics', 'people');
    await tap('Goals');
    await type('passport');
    expect(screen.getByRole('heading', { name: 'Nothing found for “passport”' })).toBeTruthy();
    expect(screen.getByText('Only what passes your filters was looked through: topic: people.')).toBeTruthy();
    expect(screen.getByText('Only goals were searched.')).toBeTruthy();
    await tap('Search without filters');
    expect(rows()).toHaveLength(1);
    expect(chips()).toEqual([]);
    expect(document.activeElement).toBe(field());
  });

  it('and nothing typed leads back to what there is', async () => {
    await openApp(fake);
    await open();
    await choose('Topics', 'people');
    await tap('Goals');
    expect(screen.getByRole('heading', { name: 'Nothing passes these filters' })).toBeTruthy();
    expect(values('Topics'), 'what is chosen can still be given up').toEqual(['people 0']);
    await tap('Clear the filters');
    expect(rows()).toHaveLength(3);
  });

  it('teaches what can be typed', async () => {
    await openApp(fake);
    await type('zebra');
    for (const typed of [
      'topic:travel',
      'tier:goals',
      'before:2026-03',
      'after:2025',
      '-word',
      '"exact phrase"',
    ]) {
      expect(screen.getByText(typed)).toBeTruthy();
    }
  });
});
