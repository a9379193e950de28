/** The main window over a made-up backend: searching and the keyboard. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeBackend } from './testing/fake';
import { memories, memory, NOW } from './testing/fixtures';
import { active, click, field, openApp, press, rows, settle, type } from './testing/screen';

let fake: FakeBackend;

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
  fake = new FakeBackend(memories());
});
afterEach(() => void vi.useRealTimers());

describe('searching', () => {
  it('opens ready to type, on recent memories and a line of help', async () => {
    await openApp(fake);
    expect(document.activeElement).toBe(field());
    expect(rows()).toHaveLength(12);
    expect(screen.getByText(/to move/)).toBeTruthy();
    expect(screen.getByText('3 goals, 9 memories')).toBeTruthy();
  });

  it('shows results as the person types: tier, marked words, why and how strongly', async () => {
    await openApp(fake);
    await type('api latency');
    const [first] = rows();
    expect(first!.textContent).toContain('Improve API p95 latency');
    expect(first!.textContent, 'the tier is written, not only coloured').toContain('Goal');
    expect([...first!.querySelectorAll('mark')].map((mark) => mark.textContent)).toEqual(['API', 'latency']);
    expect(first!.querySelector('[role=img]')!.getAttribute('aria-label')).toBe('Match 5 of 5');
    expect(first!.textContent).toContain('both');
    expect(screen.getByText('3 results (1 goal, 2 memories) · 9 ms (embed 6, search 1) · CPU')).toBeTruthy();
  });

  it('drops a slow old reply', async () => {
    await openApp(fake);
    fake.holding = true;
    await type('hire');
    await type('passport');
    fake.release('passport');
    await settle();
    fake.release('hire');
    await settle();
    expect(rows().map((row) => row.textContent)).toEqual([expect.stringContaining('Passport')]);
  });

  it('says it is busy only when it takes long', async () => {
    await openApp(fake);
    fake.holding = true;
    await fireEvent.input(field(), { target: { value: 'api' } });
    await settle(140);
    expect(screen.queryByText('Searching')).toBeNull();
    await settle(20);
    expect(screen.getByText('Searching')).toBeTruthy();
  });

  it('filters by tier and by the way of searching', async () => {
    await openApp(fake);
    await type('api');
    await click('Goals');
    expect(rows()).toHaveLength(1);
    expect(screen.getByRole('button', { name: 'Goals' }).getAttribute('aria-pressed')).toBe('true');
    await fireEvent.change(screen.getByRole('combobox', { name: 'How to search' }), {
      target: { value: 'words' },
    });
    await settle();
    expect(fake.called('search').at(-1)).toMatchObject([{ filters: { tier: 'goals' }, mode: 'words' }]);
  });

  it('renders a memory’s markup as text', async () => {
    const nasty = '<img src=x onerror=alert(1)> api <b>bold</b>';
    fake = new FakeBackend([memory({ content: nasty })]);
    await openApp(fake);
    await type('api');
    expect(rows()[0]!.textContent).toContain(nasty);
    expect(document.querySelector('li img, article img, li b')).toBeNull();
  });

  it('tells a screen reader the outcome once typing has paused', async () => {
    await openApp(fake);
    await type('api');
    await settle(400);
    expect(screen.queryByText(/results, first:/)).toBeNull();
    await settle(300);
    const said = screen.getByText(/3 results, first: Improve API/);
    expect(said.getAttribute('aria-live')).toBe('polite');
    await type('zebra');
    await settle(700);
    expect(screen.getByText('No results')).toBeTruthy();
  });
});

describe('the keyboard', () => {
  it('is a combobox whose active row is named, selected and in the list it controls', async () => {
    await openApp(fake);
    await type('api');
    const list = screen.getByRole('listbox', { name: 'Memories found' });
    expect(field().getAttribute('aria-controls')).toBe(list.id);
    expect(field().getAttribute('aria-expanded')).toBe('true');
    expect(active()).toBe(rows()[0]);
    await press('ArrowDown');
    expect(active()).toBe(rows()[1]);
    expect(rows().map((row) => row.getAttribute('aria-selected'))).toEqual(['false', 'true', 'false']);
    expect(document.activeElement, 'the focus stays where one types').toBe(field());
  });

  it('moves by page and to the ends', async () => {
    await openApp(fake);
    await press('PageDown');
    expect(active()).toBe(rows()[8]);
    await press('End');
    expect(active()).toBe(rows()[11]);
    await press('Home');
    expect(active()).toBe(rows()[0]);
    await press('ArrowUp');
    expect(active(), 'it stops at the top').toBe(rows()[0]);
  });

  it('opens the detail with Enter, and Escape there goes back to the field', async () => {
    await openApp(fake);
    await press('Enter');
    const detail = screen.getByRole('complementary', { name: 'Memory' });
    expect(document.activeElement).toBe(detail);
    await press('Escape', {}, detail);
    expect(document.activeElement).toBe(field());
  });

  it('clears with Escape', async () => {
    await openApp(fake);
    await type('api');
    await press('Escape');
    expect(field().value).toBe('');
    expect(rows()).toHaveLength(12);
  });

  it.each([
    ['/', {}],
    ['k', { ctrlKey: true }],
  ])('comes back to the field with %s', async (key, over) => {
    await openApp(fake);
    const models = screen.getByRole('button', { name: 'Models' });
    await fireEvent.click(models);
    await press(key, over, models);
    expect(document.activeElement).toBe(field());
  });

  it('types a slash into the field like any letter', async () => {
    await openApp(fake);
    const event = new KeyboardEvent('keydown', { key: '/', bubbles: true, cancelable: true });
    field().dispatchEvent(event);
    expect(event.defaultPrevented).toBe(false);
  });

  it('leaves the keys of an input method alone', async () => {
    await openApp(fake);
    await type('api');
    for (const key of ['Enter', 'ArrowDown', 'Escape']) {
      await press(key, { isComposing: true });
      await press(key, { keyCode: 229 });
    }
    expect(active()).toBe(rows()[0]);
    expect(field().value).toBe('api');
    expect(document.activeElement, 'Enter ended the composition and opened nothing').toBe(field());
  });

  it('keeps the selection when the same question is answered again', async () => {
    await openApp(fake);
    await type('api');
    await press('ArrowDown');
    const chosen = active()!.id;
    fake.setStatus({ pending: 3 });
    await settle();
    expect(fake.called('search'), 'memories became findable: asked again').toHaveLength(2);
    expect(active()!.id).toBe(chosen);
  });

  it('shows what another window asked for, in the list or not', async () => {
    await openApp(fake);
    await type('passport');
    fake.emitOpen(memories()[5]!.id);
    await settle();
    expect(screen.getByRole('article').textContent).toContain('sled over SQLite');
  });
});
