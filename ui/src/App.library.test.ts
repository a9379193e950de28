/** The library: a list of any length, going through it, selecting and doing something with many. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeBackend } from './testing/fake';
import { memories, memory, notes, NOW } from './testing/fixtures';
import {
  bar,
  chosen,
  current,
  key,
  list,
  openLibrary,
  option,
  options,
  press,
  scrollTo,
} from './testing/libraryScreen';
import { button, tap } from './testing/modelsScreen';
import { openApp, press as pressKey, settle } from './testing/screen';
import { setNarrow } from './testing/setup';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
});
afterEach(() => {
  setNarrow(false);
  vi.useRealTimers();
});

const ids = (fake: FakeBackend, texts: string[]) =>
  texts.map((text) => fake.kept.find(({ content }) => content === text)!.id);

describe('a list of a hundred thousand', () => {
  it('draws what is in sight and asks for little', async () => {
    const fake = await openLibrary(new FakeBackend(notes(100_000)));
    expect(options().length).toBeGreaterThan(10);
    expect(options().length).toBeLessThan(60);
    expect(options()[0]!.getAttribute('aria-setsize')).toBe('100000');
    expect(list().querySelector<HTMLElement>('.sizer')!.style.height).toBe('5200000px');
    expect(fake.called('ids')).toHaveLength(1);
    expect(fake.called('some')).toHaveLength(1);
    expect(fake.called('some')[0]![0]).toHaveLength(200);

    await key('End');
    expect(current()!.textContent).toContain('Note 100000');
    expect(current()!.getAttribute('aria-posinset')).toBe('100000');
    expect(options().length).toBeLessThan(60);
    expect(fake.called('some'), 'one more chunk, for the other end').toHaveLength(2);
    await key('Home');
    expect(current()!.textContent).toContain('Note 1');
    expect(fake.called('some'), 'what was here is still known').toHaveLength(2);
  }, 20_000);

  it('asks for where the list is by then, not for what was scrolled past', async () => {
    const fake = await openLibrary(new FakeBackend(notes(20_000)));
    fake.hold('some');
    for (const row of [1000, 3000, 5000, 9000]) await scrollTo(row);
    expect(fake.called('some')).toHaveLength(2);
    expect(option('Loading…'), 'there is room for what is to come').toBeTruthy();
    fake.letGo('some');
    await settle();
    expect(fake.called('some')).toHaveLength(3);
    fake.letGo('some');
    await settle();
    expect(option('Note 9001')).toBeTruthy();
    expect(list().textContent).not.toContain('Loading…');
  });

  it('selects all of them at a key', async () => {
    await openLibrary(new FakeBackend(notes(100_000)));
    await key('a', { ctrlKey: true });
    expect(bar()).toBe('100,000 selected');
    await key(' ');
    expect(bar()).toBe('99,999 selected');
    await key('Escape');
    expect(bar()).toContain('100,000 memories');
  }, 20_000);
});

describe('going through it', () => {
  it('moves by keys, says where it is and shows what is there', async () => {
    await openLibrary(new FakeBackend(memories()));
    expect(list().getAttribute('aria-multiselectable')).toBe('true');
    expect(current()!.textContent).toContain('Improve API p95');
    await key('ArrowDown');
    expect(current()!.textContent).toContain('Customer complained');
    expect(screen.getByRole('article').textContent).toContain('asked whether we can promise');
    await key('Enter');
    const detail = screen.getByRole('complementary', { name: 'Memory' });
    expect(document.activeElement).toBe(detail);
    await key('Escape', {}, detail);
    expect(document.activeElement).toBe(list());
  });

  it('has one heading, and takes the keyboard when it is gone to', async () => {
    await openApp(new FakeBackend(memories()));
    expect(document.querySelectorAll('h1')).toHaveLength(1);
    await pressKey('2', { ctrlKey: true });
    expect(document.querySelectorAll('h1')).toHaveLength(1);
    expect(document.activeElement).toBe(list());
  });

  it('filters, orders and empties in words', async () => {
    const fake = await openLibrary(new FakeBackend(memories()));
    await tap('Goals');
    expect(options()).toHaveLength(3);
    expect(bar()).toContain('3 memories');
    await fireEvent.change(screen.getByRole('combobox', { name: 'Order' }), { target: { value: 'oldest' } });
    await settle();
    expect(options()[0]!.textContent).toContain('offline search');
    await fireEvent.click(document.querySelector('article .topic')!);
    await settle();
    fake.kept = fake.kept.filter(({ tier }) => tier === 'memories');
    fake.setStatus({ counts: { goals: 0, memories: 9 } });
    await settle();
    expect(screen.getByText('Nothing passes these filters')).toBeTruthy();
    await tap('Clear the filters');
    expect(options()).toHaveLength(9);
  });

  it('covers the list with the memory in a narrow window', async () => {
    setNarrow(true);
    await openLibrary(new FakeBackend(memories()));
    expect(screen.queryByRole('dialog')).toBeNull();
    await press('Anna prefers');
    expect(screen.getByRole('dialog', { name: 'Memory' }).textContent).toContain('Anna prefers calls');
  });
});

describe('selecting', () => {
  it('toggles with Space and with Ctrl, and extends with Shift, there and back', async () => {
    await openLibrary(new FakeBackend(notes(30)));
    await key(' ');
    await press('Note 3', { ctrlKey: true });
    expect(bar()).toBe('2 selected');
    await press('Note 5');
    await key('ArrowDown', { shiftKey: true });
    await key('ArrowDown', { shiftKey: true });
    expect(bar()).toBe('5 selected');
    await key('ArrowUp', { shiftKey: true });
    expect(bar()).toBe('4 selected');
    await press('Note 10', { shiftKey: true });
    expect(chosen()).toHaveLength(8);
    await press('Note 2');
    expect(chosen(), 'reading another changes nothing').toHaveLength(8);
    await key('Escape');
    expect(chosen()).toHaveLength(0);
  });

  it('selects with the box of a row', async () => {
    await openLibrary(new FakeBackend(notes(5)));
    await fireEvent.click(option('Note 4').querySelector('.tick')!);
    await settle();
    expect(chosen().map((one) => one.textContent)).toEqual([expect.stringContaining('Note 4')]);
    expect(document.activeElement).toBe(list());
  });

  it('outlives other filters, and says what is not in the list', async () => {
    const fake = await openLibrary(new FakeBackend(memories()));
    await press('Improve API', { ctrlKey: true });
    await press('Anna prefers', { ctrlKey: true });
    await tap('Goals');
    expect(bar()).toBe('2 selected · 1 of them is not in this list');
    await tap('All');
    expect(bar()).toBe('2 selected');
    fake.kept = fake.kept.filter(({ content }) => !content.startsWith('Anna'));
    fake.setStatus({ counts: { goals: 3, memories: 8 } });
    await settle();
    expect(bar(), 'what is gone is selected no more').toBe('1 selected');
  });
});

describe('changes from elsewhere', () => {
  it('come without a jump: what is at the upper edge stays there', async () => {
    const fake = await openLibrary(new FakeBackend(notes(500)));
    await scrollTo(100);
    const kept = current();
    fake.kept = [
      memory({ id: 'fresh', content: 'From Papr', updatedAt: new Date(NOW).toISOString() }),
      ...fake.kept,
    ];
    fake.setStatus({ counts: { goals: 0, memories: 501 } });
    await settle();
    expect(list().scrollTop).toBe(101 * 52);
    expect(option('Note 101')).toBeTruthy();
    expect(list().textContent).not.toContain('Loading…');
    expect(current()).toBe(kept);
  });

  it('are asked for now and then while many come to a long list', async () => {
    const fake = await openLibrary(new FakeBackend(notes(3000)));
    for (let n = 0; n < 20; n += 1) {
      fake.setStatus({ counts: { goals: 0, memories: 3001 + n } });
      await settle(100);
    }
    expect(fake.called('ids').length).toBeLessThan(4);
    await settle(3000);
    expect(fake.called('ids').length, 'and once more at the end').toBeGreaterThan(1);
  });

  it('are not asked for while nobody looks', async () => {
    const fake = await openLibrary(new FakeBackend(notes(30)));
    await tap('Search');
    fake.setStatus({ counts: { goals: 0, memories: 31 } });
    await settle();
    expect(fake.called('ids')).toHaveLength(1);
    await tap('Library');
    expect(fake.called('ids')).toHaveLength(2);
  });

  it('never let an older answer win', async () => {
    const fake = await openLibrary(new FakeBackend(memories()));
    fake.hold('ids');
    await tap('Goals');
    await tap('Memories');
    fake.letGo('ids', 1);
    await settle();
    expect(options()).toHaveLength(9);
    fake.letGo('ids');
    await settle();
    expect(options()).toHaveLength(9);
  });

  it('tell what went wrong where the list is, and try again', async () => {
    const fake = new FakeBackend(notes(5));
    fake.failNext('some', { code: 'INTERNAL', message: 'It broke.' });
    await openLibrary(fake);
    expect(screen.getByRole('alert').textContent).toContain('couldn’t be loaded');
    await tap('Try again');
    expect(screen.queryByRole('alert')).toBeNull();
    expect(option('Note 5')).toBeTruthy();
  });
});

describe('many at once', () => {
  const some = ['Note 2', 'Note 3', 'Note 4'];

  async function choose(fake: FakeBackend, texts = some): Promise<FakeBackend> {
    await openLibrary(fake);
    for (const text of texts) await press(text, { ctrlKey: true });
    return fake;
  }

  it('are deleted at a key and come back', async () => {
    const fake = new FakeBackend(notes(9));
    const wanted = ids(fake, some);
    await choose(fake);
    await key('Delete');
    expect(fake.called('remove')).toEqual([[wanted]]);
    expect(options()).toHaveLength(6);
    expect(screen.getByText('3 memories deleted')).toBeTruthy();
    expect(document.activeElement).toBe(list());
    await tap('Undo');
    expect(options()).toHaveLength(9);
    expect(screen.getByText('3 memories restored')).toBeTruthy();
  });

  it('are asked about where they are twenty or more', async () => {
    const fake = await openLibrary(new FakeBackend(notes(25)));
    await key('a', { ctrlKey: true });
    await key('Delete');
    expect(fake.called('remove')).toEqual([]);
    const dialog = screen.getByRole('dialog', { name: 'Delete 25 memories?' });
    expect(document.activeElement!.textContent, 'Enter does no harm').toBe('Cancel');
    await fireEvent.submit(dialog.querySelector('form')!);
    await settle();
    expect(options()).toHaveLength(0);
    await key('z', { ctrlKey: true });
    expect(bar()).toContain('25 memories');
    expect(screen.getByText('25 memories restored')).toBeTruthy();
  });

  it('move to the other tier and back; those that are there already stay', async () => {
    const kept = notes(6).map((note, i) => ({ ...note, tier: i === 2 ? ('goals' as const) : note.tier }));
    const fake = await choose(new FakeBackend(kept));
    await tap('Move to goals');
    expect(fake.called('moveTo')).toEqual([[ids(fake, ['Note 2', 'Note 4']), 'goals']]);
    expect(screen.getByText('2 memories moved to goals')).toBeTruthy();
    expect(option('Note 2').textContent).toContain('Goal');
    await tap('Undo');
    expect(fake.kept.filter(({ tier }) => tier === 'goals').map(({ content }) => content)).toEqual([
      'Note 3',
    ]);
    await tap('Clear the selection');
    expect(document.activeElement).toBe(list());
  });

  it('are exported in a form and to a file that a person chooses', async () => {
    const fake = new FakeBackend(notes(9));
    const wanted = ids(fake, some);
    await choose(fake);
    fake.paths = [null, '/home/anna/some.md'];
    await tap('Export…');
    await fireEvent.click(screen.getByRole('radio', { name: /Markdown/ }));
    const dialog = screen.getByRole('dialog', { name: 'Export 3 memories' });
    const yes = () => fireEvent.submit(dialog.querySelector('form')!);
    await yes();
    await settle();
    expect(fake.called('exportMemories'), 'no file, no export').toEqual([]);
    await yes();
    await settle();
    expect(fake.called('exportMemories')).toEqual([['/home/anna/some.md', 'markdown', wanted]]);
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('lose nothing when it fails', async () => {
    const fake = new FakeBackend(notes(9));
    await choose(fake);
    fake.failNext('remove', { code: 'INTERNAL', message: 'It couldn’t be deleted.' });
    await key('Delete');
    expect(screen.getByRole('alert').textContent).toContain('It couldn’t be deleted.');
    expect(bar()).toBe('3 selected');
    expect(options()).toHaveLength(9);
  });

  it('leave one alone that is deleted from its detail', async () => {
    const fake = new FakeBackend(notes(9));
    await choose(fake);
    await press('Note 8');
    button('Delete');
    await fireEvent.click(document.querySelector('article button.danger')!);
    await settle();
    expect(fake.called('remove')).toEqual([[ids({ kept: fake.gone } as FakeBackend, ['Note 8'])]]);
    expect(bar()).toBe('3 selected');
  });
});
