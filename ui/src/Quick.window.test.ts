/** The quick window: what it shows while nothing is typed, how high it is, and what it remembers. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Height } from './lib/quick/height';
import { History } from './lib/quick/history';
import type { FakeBackend } from './testing/fake';
import { memories, memory, noModel, notes, NOW } from './testing/fixtures';
import { fakeClipboard, keys, panelField, quickFake, said } from './testing/quickScreen';
import { active, click, field, openQuick, press, rows, settle, type } from './testing/screen';

const all = memories();
let fake: FakeBackend;

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
  fakeClipboard();
  fake = quickFake();
});
afterEach(() => void vi.useRealTimers());

describe('an empty field', () => {
  const pinned = [all[10]!.id, all[2]!.id];

  it('shows what is pinned first, then the newest, each once', async () => {
    fake = quickFake({}, { pinned });
    await openQuick(fake);
    const texts = rows().map((row) => row.textContent);
    expect(texts[0]).toContain('Dentist');
    expect(texts[1]).toContain('Anna prefers');
    expect(texts[2]).toContain('p95 latency');
    expect(texts.filter((text) => text?.includes('Anna prefers'))).toHaveLength(1);
    expect(texts.map((text) => text?.includes('Pinned'))).toEqual([true, true, ...Array(7).fill(false)]);
    expect(active()).toBe(rows()[0]);
    expect(screen.getByRole('listbox', { name: 'Pinned and recent memories' })).toBeTruthy();
    await press('End', { ctrlKey: true });
    await press('ArrowDown');
    expect(rows(), 'the next page brings none of them again').toHaveLength(12);
  });

  it('shows of them what stands in the tier that is asked for', async () => {
    fake = quickFake({}, { pinned: [all[3]!.id, all[2]!.id] });
    await openQuick(fake);
    await press('Tab');
    expect(rows()[0]?.textContent).toContain('Hire two');
    expect(rows()).toHaveLength(3);
  });

  it('leaves the order of results alone, and marks what is pinned', async () => {
    fake = quickFake({}, { pinned: [all[9]!.id] });
    await openQuick(fake);
    await type('api');
    expect(rows()[0]?.textContent).not.toContain('Pinned');
    expect(rows().some((row) => row.textContent?.includes('Pinned'))).toBe(true);
  });

  it('hears of a pin set elsewhere, and of one that is gone', async () => {
    await openQuick(fake);
    fake.setSettings({ pinned: ['no-such', all[4]!.id] });
    await settle();
    expect(rows()[0]?.textContent).toContain('staging database');
  });

  it('begins at the first row whenever the window comes', async () => {
    await openQuick(fake);
    await press('ArrowDown');
    fake.emitQuickShown();
    await settle();
    expect(active()).toBe(rows()[0]);
  });
});

describe('the height', () => {
  const sizes: Record<string, number> = { top: 61, foot: 33, ruler: 310 };
  let list = 0;
  const last = () => fake.called('resizeQuick').at(-1)?.[0];

  beforeEach(() => {
    vi.spyOn(HTMLElement.prototype, 'offsetHeight', 'get').mockImplementation(function (this: HTMLElement) {
      const known = Object.keys(sizes).find((name) => this.classList.contains(name));
      if (known === 'foot' && this.querySelector('.visually-hidden')) return 0;
      if (known) return sizes[known]!;
      return document.querySelectorAll('#quick-results > li').length * 34 + list;
    });
    list = 0;
  });

  it('is that of what is in it, up to eight rows', async () => {
    await openQuick(fake);
    await settle(200);
    expect(last()).toBe(61 + 8 * 34 + 33 + 2);
    await type('api');
    await settle(200);
    expect(last()).toBe(61 + 3 * 34 + 33 + 2);
    fake = quickFake({}, {}, notes(40));
    document.body.replaceChildren();
    await openQuick(fake);
    await press('End', { ctrlKey: true });
    await press('ArrowDown');
    await settle(200);
    expect(rows()).toHaveLength(16);
    expect(last()).toBe(61 + 310 + 33 + 2);
  });

  it('is that of the bar in compact mode, until something is typed', async () => {
    fake = quickFake({ compact: true });
    await openQuick(fake);
    await settle(200);
    expect(last()).toBe(64);
    expect(rows()).toEqual([]);
    expect(field().getAttribute('aria-expanded')).toBe('false');
    await press('Enter');
    expect(fake.called('showMain'), 'Enter means nothing that is not shown').toEqual([]);
    await type('api');
    expect(last()).toBe(61 + 3 * 34 + 33 + 2);
    expect(fake.called('resizeQuick'), 'it does not grow for what was there before').toHaveLength(2);
    await press('Escape');
    await settle(200);
    expect(last()).toBe(64);
  });

  it('grows in compact mode for what is asked for by key', async () => {
    fake = quickFake({ compact: true });
    await openQuick(fake);
    await press('ArrowDown');
    expect(rows()).toHaveLength(8);
    expect(active()).toBe(rows()[0]);
    fake.emitQuickShown();
    await settle(200);
    expect(rows()).toEqual([]);
    await press('Tab');
    expect(rows()).toHaveLength(3);
  });

  it('has room in compact mode for what was done', async () => {
    fake = quickFake({ compact: true });
    await openQuick(fake);
    await type('+ Anna prefers tea');
    await press('Enter');
    await settle(200);
    expect(said()).toBe('Memory saved');
    expect(last()).toBe(61 + 33 + 2);
    expect(rows()).toEqual([]);
    await settle(9000);
    expect(last()).toBe(64);
  });

  it('is that of a full list under a panel and beside a preview', async () => {
    await openQuick(fake);
    await type('anna');
    await settle(200);
    await press('k', { ctrlKey: true });
    expect(last()).toBe(61 + 310 + 33 + 2);
    await press('Escape', {}, panelField());
    await settle(200);
    expect(last()).toBe(61 + 34 + 33 + 2);
    await press('i', { ctrlKey: true });
    expect(last()).toBe(61 + 310 + 33 + 2);
  });

  it('does not follow the selected row, which is higher than others', async () => {
    await openQuick(fake);
    await type('api');
    list = 36;
    await press('ArrowDown');
    await settle(200);
    const before = fake.called('resizeQuick').length;
    list = 0;
    await press('ArrowUp');
    await settle(200);
    expect(fake.called('resizeQuick')).toHaveLength(before);
  });

  it('is told again when the window comes', async () => {
    await openQuick(fake);
    await settle(200);
    const before = fake.called('resizeQuick').length;
    fake.emitQuickShown();
    await settle(200);
    expect(fake.called('resizeQuick')).toHaveLength(before + 1);
  });

  it('grows at once and shrinks when it has settled', async () => {
    const told: number[] = [];
    const height = new Height(async (pixels) => void told.push(pixels));
    for (const pixels of [100, 300, 100, 200, 120]) height.want(pixels);
    expect(told).toEqual([100, 300]);
    await settle(200);
    expect(told).toEqual([100, 300, 120]);
    height.want(120);
    await settle(200);
    expect(told).toHaveLength(3);
  });
});

describe('the preview', () => {
  it('shows the selected memory in full, and is remembered', async () => {
    await openQuick(fake);
    expect(screen.queryByRole('region', { name: 'Preview' })).toBeNull();
    await press('i', { ctrlKey: true });
    expect(fake.called('changeSettings')).toEqual([[{ quick: { ...fake.chosen.quick, preview: true } }]]);
    await press('ArrowDown');
    const preview = screen.getByRole('region', { name: 'Preview' });
    expect(preview.textContent).toContain(all[1]!.content);
    expect(preview.textContent).toContain('customer');
    expect(preview.textContent).toMatch(/Added.*2026/);
    await press('i', { ctrlKey: true });
    expect(screen.queryByRole('region', { name: 'Preview' })).toBeNull();
    expect(fake.chosen.quick.preview).toBe(false);
  });

  it('is there from the start where it was, though not beside nothing', async () => {
    fake = quickFake({ preview: true, compact: true });
    await openQuick(fake);
    expect(screen.queryByRole('region', { name: 'Preview' })).toBeNull();
    await type('anna');
    expect(screen.getByRole('region', { name: 'Preview' }).textContent).toContain('calls before ten');
    await type('+ anna');
    expect(screen.queryByRole('region', { name: 'Preview' })).toBeNull();
  });

  it('says so when it could not be remembered', async () => {
    await openQuick(fake);
    fake.failNext('changeSettings', { code: 'INTERNAL', message: 'the settings couldn’t be written' });
    await press('i', { ctrlKey: true });
    expect(screen.getByRole('alert').textContent).toContain('The settings couldn’t be written.');
    expect(screen.queryByRole('region', { name: 'Preview' })).toBeNull();
  });

  it('is read on by key', async () => {
    fake = quickFake({ preview: true }, {}, [memory({ content: 'Long '.repeat(500) })]);
    await openQuick(fake);
    const preview = screen.getByRole('region', { name: 'Preview' });
    Object.defineProperty(preview, 'clientHeight', { value: 100 });
    await press('PageDown', { shiftKey: true });
    expect(preview.scrollTop).toBe(80);
    await press('PageUp', { shiftKey: true });
    expect(preview.scrollTop).toBe(0);
  });
});

describe('earlier searches', () => {
  it('are gone through by key, and what was being typed comes back', async () => {
    await openQuick(fake);
    for (const text of ['anna', 'sled', 'api']) {
      await type(text);
      await press('Escape');
    }
    await type('pass');
    const go = async (key: string) => {
      await press(key, { altKey: true });
      return field().value;
    };
    expect([await go('ArrowUp'), await go('ArrowUp'), await go('ArrowUp')]).toEqual(['api', 'sled', 'anna']);
    expect(await go('ArrowUp'), 'the oldest').toBe('anna');
    expect(rows()).toHaveLength(1);
    expect(field().selectionStart, 'ready to write on').toBe(4);
    expect([await go('ArrowDown'), await go('ArrowDown')]).toEqual(['sled', 'api']);
    expect(await go('ArrowDown')).toBe('pass');
    expect(await go('ArrowDown')).toBe('pass');
  });

  it('are kept when something was opened or the window left, and are not the one in the field', async () => {
    await openQuick(fake);
    await type('anna');
    await press('Enter');
    await press('ArrowUp', { altKey: true });
    expect(field().value).toBe('anna');
    await type('sled');
    await fireEvent.blur(window);
    await type('');
    await press('ArrowUp', { altKey: true });
    expect(field().value).toBe('sled');
  });

  it('are fifty at most, each once, the last use counting', () => {
    const history = new History();
    for (let i = 1; i <= 60; i++) history.add(`q${i}`);
    history.add('q30');
    history.add('  ');
    const walked: string[] = [];
    for (let text = history.older(''); text !== null; text = history.older(text)) walked.push(text);
    expect(walked).toHaveLength(50);
    expect(walked.slice(0, 2)).toEqual(['q30', 'q60']);
    expect(walked.filter((text) => text === 'q30')).toHaveLength(1);
    expect(walked.at(-1)).toBe('q11');
  });

  it('are never written anywhere', async () => {
    const set = vi.spyOn(Storage.prototype, 'setItem');
    await openQuick(fake);
    await type('secret');
    await press('Escape');
    expect(JSON.stringify(set.mock.calls)).not.toContain('secret');
    expect(fake.called('changeSettings')).toEqual([]);
  });
});

describe('a question from long ago', () => {
  it('goes while nobody looks, and can be got back', async () => {
    await openQuick(fake);
    await press('Tab');
    await type('+ a draft');
    vi.spyOn(document, 'hasFocus').mockReturnValue(false);
    await fireEvent.blur(window);
    await settle(9 * 60_000);
    expect(field().value).toBe('+ a draft');
    await settle(2 * 60_000);
    expect(field().value).toBe('');
    expect(screen.getByRole('button', { name: 'All' })).toBeTruthy();
    await press('ArrowUp', { altKey: true });
    expect(field().value).toBe('+ a draft');
  });

  it('stays in a window that stays', async () => {
    fake = quickFake({ stayOpen: true });
    await openQuick(fake);
    await type('api');
    vi.spyOn(document, 'hasFocus').mockReturnValue(false);
    await fireEvent.blur(window);
    await settle(11 * 60_000);
    expect(field().value).toBe('api');
  });
});

describe('the sign beside the field', () => {
  const glyph = (name: string) => screen.queryByRole('img', { name });

  it('says what is going on', async () => {
    await openQuick(fake);
    expect(glyph('Ready')).toBeTruthy();
    fake.holding = true;
    await type('api');
    await settle(200);
    expect(glyph('Searching')).toBeTruthy();
    fake.release('api');
    await settle();
    expect(glyph('Ready')).toBeTruthy();
  });

  it('says what is missing', async () => {
    await openQuick(fake);
    fake.setSync({ phase: 'offline' });
    await settle();
    expect(glyph('Offline: what is on this computer is searched')).toBeTruthy();
    fake.setSync({ phase: 'localOnly' });
    await settle();
    expect(glyph('Local only')).toBeTruthy();
    fake.setStatus({ model: noModel });
    await settle();
    expect(glyph('By word only')).toBeTruthy();
  });
});

describe('what is said', () => {
  it('tells a screen reader how many there are and the first, once typing has paused', async () => {
    await openQuick(fake);
    await type('a');
    await type('ap');
    await type('api');
    const live = () => [...document.querySelectorAll('[aria-live=polite]')].map((node) => node.textContent);
    expect(live().join()).not.toContain('results');
    await settle(700);
    expect(live().join()).toContain('3 results, first: Improve API p95 latency');
  });

  it('names the keys that do something now', async () => {
    await openQuick(fake);
    expect(keys()).toBe('↵open Ctrl+↵copy Tabfilter Escclose Ctrl+Kactions');
    await type('api');
    expect(keys()).toContain('Escclear');
    await type('+ ');
    expect(keys()).toBe('Tabas a goal Escclear');
    await type('zebra');
    expect(keys()).toBe('Tabfilter Escclear Ctrl+Kactions');
    await press('ArrowDown');
    expect(keys()).toBe('↵keep Escclear Ctrl+Kactions');
    await click('Clear the search');
    expect(document.activeElement).toBe(field());
  });
});
