/** The memory that is read: its links, what came with it, what became of it and what is like it. */
import { fireEvent, screen, within } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeBackend } from './testing/fake';
import { memories, memory, noModel, NOW } from './testing/fixtures';
import { openLibrary } from './testing/libraryScreen';
import { tap } from './testing/modelsScreen';
import { active, openApp, press, settle } from './testing/screen';
import { setNarrow } from './testing/setup';

let fake: FakeBackend;
const article = () => screen.getByRole('article');
const section = (title: string) =>
  [...article().querySelectorAll('section')].find((one) => one.querySelector('h2')?.textContent === title);
const idOf = (at: number) => memories()[at]!.id;

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
  fake = new FakeBackend(memories());
});
afterEach(() => {
  setNarrow(false);
  vi.useRealTimers();
});

async function open(): Promise<void> {
  await openApp(fake);
  await settle(300);
}

describe('what there is to know', () => {
  it('is told: Papr’s id, what came with it, who moved it and when', async () => {
    fake.details[idOf(0)] = {
      remote: 'obj_81',
      metadata: Array.from({ length: 8 }, (_, i) => ({ name: `field${i}`, value: `value ${i}` })),
      moves: [
        { from: 'memories', to: 'goals', by: 'papr', at: '2026-06-15T11:45:00Z' },
        { from: 'goals', to: 'memories', by: 'user', at: '2026-06-15T11:50:00Z' },
      ],
    };
    await open();
    expect(article().textContent).toContain('obj_81');
    const steps = [...section('History')!.querySelectorAll('li')].map((one) => one.firstChild!.textContent);
    expect(steps).toEqual(['Added', 'Made a goal by Papr', 'Made a memory by you']);
    expect(section('Details')!.querySelectorAll('dt')).toHaveLength(6);
    await fireEvent.click(within(section('Details')!).getByRole('button', { name: '2 more' }));
    expect(section('Details')!.querySelectorAll('dt')).toHaveLength(8);
  });

  it('is not asked for on the way past', async () => {
    await open();
    for (let n = 0; n < 4; n += 1) await fireEvent.keyDown(document.activeElement!, { key: 'ArrowDown' });
    await settle(300);
    expect(fake.called('detail')).toEqual([[idOf(0)], [idOf(4)]]);
    expect(fake.called('related')).toHaveLength(2);
  });

  it('is not asked for while no detail is on screen', async () => {
    setNarrow(true);
    await open();
    expect(fake.called('detail')).toEqual([]);
    await press('Enter');
    await settle(300);
    expect(fake.called('detail')).toEqual([[idOf(0)]]);
  });

  it('says what could not be read, and tries again', async () => {
    fake.failNext('detail', { code: 'INTERNAL', message: 'It broke.' });
    await open();
    expect(article().textContent).toContain('The history couldn’t be read.');
    await fireEvent.click(within(article()).getByRole('button', { name: 'Try again' }));
    await settle(300);
    expect(article().textContent).not.toContain('couldn’t be read');
  });
});

describe('what is like it', () => {
  it('is listed, and read at a press', async () => {
    await open();
    const [first] = section('Related')!.querySelectorAll('button');
    expect(first!.textContent).toContain('Customer complained');
    await fireEvent.click(first!);
    await settle();
    expect(active()!.textContent).toContain('Customer complained');
    expect(article().querySelector('p')!.textContent).toContain('asked whether we can promise');
  });

  it('is read in the library too, in the list or not', async () => {
    await openLibrary(fake);
    await tap('Goals');
    await settle(300);
    await fireEvent.click(section('Related')!.querySelector('button')!);
    await settle(300);
    expect(article().textContent).toContain('asked whether we can promise');
  });

  it('says so where nothing is', async () => {
    fake.alike[idOf(0)] = [];
    await open();
    expect(section('Related')!.textContent).toContain('Nothing here is like it.');
  });

  it('is not guessed without a model', async () => {
    fake = new FakeBackend(memories(), { model: noModel });
    await open();
    expect(section('Related')).toBeUndefined();
    expect(fake.called('related')).toEqual([]);
    fake.setStatus({ model: new FakeBackend().info.model });
    await settle(300);
    expect(section('Related')).toBeTruthy();
  });

  it('never shows an answer for the memory before', async () => {
    const [stale, fresh] = [
      memory({ id: 'stale', content: 'Stale' }),
      memory({ id: 'fresh', content: 'Fresh' }),
    ];
    fake.alike = {
      [idOf(0)]: [{ memory: stale, similarity: 0.9 }],
      [idOf(1)]: [{ memory: fresh, similarity: 0.8 }],
    };
    fake.hold('related');
    await open();
    await press('ArrowDown');
    await settle(300);
    fake.letGo('related', 1);
    await settle();
    expect(section('Related')!.textContent).toContain('Fresh');
    fake.letGo('related');
    await settle();
    expect(section('Related')!.textContent).not.toContain('Stale');
  });
});

describe('links', () => {
  const text =
    'See https://papr.ai@evil.example/a?b=1. Or javascript:alert(1), or write to mailto:anna@example.org.';
  const links = () => [...article().querySelectorAll<HTMLElement>('[role=link]')];

  beforeEach(() => void (fake = new FakeBackend([memory({ content: text })])));

  it('are parts of the text, and no links of the browser', async () => {
    await open();
    expect(links().map((one) => one.textContent)).toEqual([
      'https://papr.ai@evil.example/a?b=1',
      'mailto:anna@example.org',
    ]);
    expect(article().querySelector('p')!.textContent.trim()).toBe(text);
    expect(document.querySelector('a')).toBeNull();
  });

  it('ask first, and name where they really lead', async () => {
    await open();
    await fireEvent.click(links()[0]!);
    const dialog = screen.getByRole('dialog', { name: 'Open this link?' });
    expect(dialog.querySelector('.place')!.textContent).toBe('evil.example');
    expect(fake.called('openLink')).toEqual([]);
    await tap('Cancel');
    expect(fake.called('openLink')).toEqual([]);
    await fireEvent.keyDown(links()[0]!, { key: 'Enter' });
    await settle();
    await tap('Open');
    expect(fake.called('openLink')).toEqual([['https://papr.ai@evil.example/a?b=1']]);
    expect(screen.queryByRole('dialog')).toBeNull();
  });

  it('say what went wrong', async () => {
    await open();
    await fireEvent.click(links()[1]!);
    expect(screen.getByRole('dialog', { name: 'Write to this address?' }).textContent).toContain(
      'anna@example.org',
    );
    fake.failNext('openLink', { code: 'INTERNAL', message: 'There is no mail app.' });
    await tap('Open');
    expect(screen.getByRole('alert').textContent).toContain('There is no mail app.');
  });
});
