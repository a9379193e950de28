import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeBackend } from '../testing/fake';
import { memories } from '../testing/fixtures';
import { Search } from './search.svelte';

let fake: FakeBackend;
let search: Search;
const ids = () => search.rows.map((row) => row.memory.id);
const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => {
  vi.useFakeTimers();
  fake = new FakeBackend(memories());
  search = new Search(fake, 50);
});
afterEach(() => {
  search.stop();
  vi.useRealTimers();
});

async function type(text: string): Promise<void> {
  search.setText(text);
  await wait(60);
}

describe('asking', () => {
  const asked = () => fake.called('search').map(([query]) => (query as { text: string }).text);

  it('asks at once, and with the newest text when the answer under way has come', async () => {
    fake.holding = true;
    search.setText('a');
    await wait(0);
    expect(asked(), 'nothing is waited for').toEqual(['a']);
    search.setText('ap');
    search.setText('api');
    await wait(20);
    expect(asked(), 'one is under way').toEqual(['a']);
    fake.release('a');
    await wait(0);
    expect(asked(), 'what was typed between is skipped').toEqual(['a', 'api']);
  });

  it('waits for no answer that is slow', async () => {
    fake.holding = true;
    search.setText('a');
    search.setText('ap');
    await wait(59);
    expect(asked()).toEqual(['a']);
    await wait(1);
    expect(asked(), 'it takes the place of the older one').toEqual(['a', 'ap']);
    fake.release('ap');
    await wait(0);
    expect(search.shown?.text).toBe('ap');
    fake.release('a');
    await wait(100);
    expect(asked(), 'and nothing is asked twice').toEqual(['a', 'ap']);
    expect(search.shown?.text).toBe('ap');
  });

  it('asks nothing new for blanks around the same words', async () => {
    await type('api');
    await type(' api ');
    expect(fake.called('search')).toHaveLength(1);
  });

  it('shows recent memories for an empty field, at once', async () => {
    await type('api');
    search.setText('');
    await wait(0);
    expect(search.reply).toBeNull();
    expect(ids()).toHaveLength(12);
  });

  it('asks again with the tier and the way chosen', async () => {
    await type('api');
    search.setTier('goals');
    search.setMode('words');
    await wait(0);
    expect(fake.called('search').at(-1)).toMatchObject([
      { text: 'api', filters: { tier: 'goals' }, mode: 'words' },
    ]);
    expect(search.rows.every((row) => row.memory.tier === 'goals')).toBe(true);
  });
});

describe('stale replies', () => {
  it('never replaces a newer answer with a slow older one', async () => {
    fake.holding = true;
    await type('hire');
    await type('passport');
    fake.release('passport');
    await wait(0);
    const shown = ids();
    fake.release('hire');
    await wait(0);
    expect(search.shown?.text).toBe('passport');
    expect(ids()).toEqual(shown);
  });

  it('follows fast typing with an older answer while no newer one is there', async () => {
    fake.holding = true;
    await type('a');
    await type('api');
    fake.release('a');
    await wait(0);
    expect(search.shown?.text).toBe('a');
    fake.release('api');
    await wait(0);
    expect(search.shown?.text).toBe('api');
  });

  it('shows no result of a search that was cleared meanwhile', async () => {
    fake.holding = true;
    await type('api');
    search.setText('');
    fake.release('api');
    await wait(0);
    expect(search.shown?.text).toBe('');
    expect(search.reply).toBeNull();
  });

  it('shows no result of another tier', async () => {
    await type('api');
    fake.holding = true;
    void search.run();
    search.setTier('goals');
    await wait(0);
    fake.release('api');
    await wait(0);
    expect(search.shown?.filters.tier, 'the first held reply was for all tiers').toBeNull();
    fake.release('api');
    await wait(0);
    expect(search.shown?.filters.tier).toBe('goals');
  });

  it('drops a reply that carries another number than its request', async () => {
    const real = fake.search.bind(fake);
    fake.search = async (query) => ({ ...(await real(query)), seq: query.seq - 1 });
    await type('api');
    expect(search.rows).toEqual([]);
    expect(search.shown).toBeNull();
  });
});

describe('waiting', () => {
  it('says so only after 150 ms, and stops with the answer', async () => {
    fake.holding = true;
    search.setText('api');
    await wait(149);
    expect(search.slow, 'a quick answer must not flicker').toBe(false);
    await wait(1);
    expect(search.slow).toBe(true);
    fake.release('api');
    await wait(0);
    expect(search.slow).toBe(false);
  });
});

describe('selection', () => {
  it('starts at the first row of each new question', async () => {
    await type('api');
    search.move('down', 8);
    await type('engineers');
    expect(search.selectedIndex).toBe(0);
  });

  it('stays on its memory when the same question gets other results', async () => {
    await type('api');
    search.move('down', 8);
    const chosen = search.selectedId;
    await fake.add({ content: 'api api first', tier: 'goals', topics: ['api'] });
    await search.run();
    expect(search.rows).toHaveLength(4);
    expect(search.selectedId).toBe(chosen);
  });

  it('goes to the neighbour when its memory is gone, and to the last when it was the last', async () => {
    await search.run();
    search.move('down', 8);
    const [, second, third] = ids();
    await fake.remove([second!]);
    await search.run();
    expect(search.selectedId).toBe(third);
    search.move('last', 8);
    await fake.remove([search.selectedId!]);
    await search.run();
    expect(search.selectedIndex).toBe(search.rows.length - 1);
  });

  it('keeps a visiting memory through a refresh, until a new question', async () => {
    await type('passport');
    search.visit(memories()[5]!);
    await search.run();
    expect(search.selected?.memory.id).toBe(memories()[5]!.id);
    await type('api');
    expect(search.selected?.hit, 'now a row of the list').not.toBeNull();
  });
});

describe('failures', () => {
  it('stands until the next answer, and keeps the rows of the same question', async () => {
    await type('api');
    fake.failNext('search', { code: 'INTERNAL', message: 'It broke.' });
    await search.run();
    expect(search.error?.message).toBe('It broke.');
    expect(search.rows).not.toEqual([]);
    await search.run();
    expect(search.error).toBeNull();
  });

  it('shows no rows of the question before it', async () => {
    await type('api');
    fake.failNext('search', { code: 'INTERNAL' });
    await type('passport');
    expect(search.rows).toEqual([]);
  });

  it('takes a cancel for an outcome, not an error', async () => {
    await type('api');
    fake.failNext('search', { code: 'CANCELLED' });
    await search.run();
    expect(search.error).toBeNull();
  });
});
