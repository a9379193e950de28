/** The main window: lists that go on, rows that stand for several, and rows that are only listed. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeBackend } from './testing/fake';
import { memories, notes, NOW } from './testing/fixtures';
import { active, field, openApp as open, openQuick, press, rows, settle, type } from './testing/screen';
import { button, tap } from './testing/modelsScreen';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
});
afterEach(() => void vi.useRealTimers());

/** Long enough that all rows are drawn. */
async function openApp(fake: FakeBackend): Promise<void> {
  await open(fake);
  await settle(300);
}

const end = () => document.querySelector('ul[role=listbox] + div')!;

describe('a list that goes on', () => {
  it('says how much of it is shown and shows more, without moving what is there', async () => {
    const fake = new FakeBackend(notes(134));
    await openApp(fake);
    expect(rows()).toHaveLength(50);
    expect(end().textContent).toContain('Showing 50 of 134');
    const scroll = document.querySelector('.scroll')!;
    scroll.scrollTop = 900;
    await press('ArrowDown');
    const chosen = active();
    const [first] = rows();
    button('Show more').focus();
    await tap('Show more');
    expect(rows()).toHaveLength(100);
    expect(rows()[0], 'the same rows, not new ones').toBe(first);
    expect(active()).toBe(chosen);
    expect(scroll.scrollTop).toBe(900);
    expect(document.activeElement).toBe(button('Show more'));
    await settle(700);
    expect(screen.getByText('50 more, 100 of 134 shown').getAttribute('aria-live')).toBe('polite');
    await tap('Show more');
    expect(rows()).toHaveLength(134);
    expect(end().textContent.trim()).toBe('');
    expect(document.activeElement, 'the button is gone').toBe(field());
  });

  it('goes on when the keyboard moves past the last row', async () => {
    const fake = new FakeBackend(notes(60));
    await openApp(fake);
    await type('note');
    await settle(300);
    expect(screen.getByText('60 results · 9 ms (embed 6, search 1) · CPU')).toBeTruthy();
    await press('End', { ctrlKey: true });
    expect(active()).toBe(rows()[49]);
    await press('ArrowDown');
    expect(rows()).toHaveLength(60);
    expect(active()).toBe(rows()[50]);
  });

  it('says that the next page is on its way, or that it didn’t come', async () => {
    const fake = new FakeBackend(notes(60));
    await openApp(fake);
    fake.failNext('list', { code: 'INTERNAL', message: 'it broke' });
    await tap('Show more');
    expect(end().textContent).toMatch(/The rest couldn’t be loaded\.\s+It broke\./);
    expect(screen.queryByRole('alert')).toBeNull();
    fake.hold('list');
    await tap('Show more');
    expect(button('Loading…').getAttribute('aria-disabled')).toBe('true');
    expect(end().textContent).not.toContain('couldn’t');
    await tap('Loading…');
    fake.letGo('list');
    await settle();
    expect(rows()).toHaveLength(60);
  });

  it('begins at its top for another question', async () => {
    await openApp(new FakeBackend(notes(60)));
    const scroll = document.querySelector('.scroll')!;
    scroll.scrollTop = 900;
    await fireEvent.change(screen.getByRole('combobox', { name: 'Order' }), { target: { value: 'oldest' } });
    await settle();
    expect(scroll.scrollTop).toBe(0);
  });

  it('keeps its place when the same question is answered again', async () => {
    const fake = new FakeBackend(notes(134));
    await openApp(fake);
    await tap('Show more');
    const scroll = document.querySelector('.scroll')!;
    scroll.scrollTop = 900;
    fake.setStatus({ pending: 2 });
    await settle();
    expect([rows().length, scroll.scrollTop]).toEqual([100, 900]);
  });
});

describe('a row that stands for several', () => {
  let fake: FakeBackend;
  beforeEach(() => {
    fake = new FakeBackend(memories());
    fake.marks[fake.kept[0]!.id] = { alike: 2 };
    fake.marks[fake.kept[1]!.id] = { alike: 1 };
  });

  it.each([
    ['the main window', openApp],
    ['the quick window', openQuick],
  ])('says so in %s, also to a screen reader', async (_name, openWindow) => {
    await openWindow(fake);
    await type('api');
    expect(rows()[0]!.textContent).toContain('+2 alike');
    expect(rows()[0]!.textContent).toContain('2 more memories say the same');
    expect(rows()[1]!.querySelector('[title]')!.getAttribute('title')).toBe('1 more memory says the same');
    expect(rows()[2]!.textContent).not.toContain('alike');
  });
});

describe('a row that is only listed', () => {
  it('has no strength, and says that it passes the filters', async () => {
    await openApp(new FakeBackend(memories()));
    await type('topic:api');
    expect(rows()).toHaveLength(3);
    expect(document.querySelector('[role=option] [role=img]')).toBeNull();
    expect(screen.getByRole('article').textContent).toContain('It passes your filters');
  });
});

describe('the status line', () => {
  it('says that search is being made faster, and tells it once', async () => {
    const fake = new FakeBackend(memories(), { graphs: 0.431 });
    await openApp(fake);
    const said = screen.getByText('Making search faster.');
    expect(said.getAttribute('role')).toBe('status');
    fake.setStatus({ graphs: 0.9 });
    await settle();
    expect(screen.getByText('Making search faster.'), 'percents are not read out').toBe(said);
    await tap('Making search faster… 90%');
    expect(document.querySelector('main')!.textContent).toContain('Making search faster… 90%');
    fake.setStatus({ graphs: null });
    await settle();
    expect(screen.queryByText(/Making search faster/)).toBeNull();
  });
});
