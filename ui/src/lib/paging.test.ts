/** The next page of a list, and everything that can come between. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Query } from '../backend';
import { FakeBackend } from '../testing/fake';
import { memories, notes } from '../testing/fixtures';
import { NO_FILTERS } from './filters';
import { Search } from './search.svelte';

const LIMIT = 10;
let fake: FakeBackend;
let search: Search;
const ids = () => search.rows.map((row) => row.memory.id);
const wait = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
const asked = () => fake.called('search').map(([query]) => (query as Query).page);

beforeEach(() => {
  vi.useFakeTimers();
  fake = new FakeBackend(notes(25));
  search = new Search(fake, LIMIT);
});
afterEach(() => {
  search.stop();
  vi.useRealTimers();
});

async function type(text: string): Promise<void> {
  search.setText(text);
  await wait(60);
}

describe('recent memories', () => {
  it('go on behind the last one, until there are no more', async () => {
    await search.run();
    expect([search.rows.length, search.total, search.more]).toEqual([10, 25, true]);
    await search.showMore();
    await search.showMore();
    expect(ids()).toEqual(fake.kept.map(({ id }) => id));
    expect(search.more).toBe(false);
    expect(fake.called('list').map(([, , after]) => (after as { id: string } | null)?.id)).toEqual([
      undefined,
      fake.kept[9]!.id,
      fake.kept[19]!.id,
    ]);
    await search.showMore();
    expect(fake.called('list'), 'nothing more is asked for').toHaveLength(3);
  });

  it('come in the order that was chosen', async () => {
    search.setSort('oldest');
    await wait();
    expect(search.rows[0]!.memory.content).toBe('Note 25');
    await search.showMore();
    expect(search.rows[10]!.memory.content).toBe('Note 15');
  });

  it('repeat none that a change moved to the next page', async () => {
    await search.run();
    const real = fake.list.bind(fake);
    fake.list = async (filters, sort, _after, limit) => real(filters, sort, null, limit + 1);
    await search.showMore();
    expect(new Set(ids()).size).toBe(ids().length);
    expect(search.added).toBe(1);
  });
});

describe('results', () => {
  it('are asked for by how many places there were, and their strength is one among all', async () => {
    fake = new FakeBackend(
      notes(25).map((note, i) => ({ ...note, content: `${'api '.repeat(1)}${'.'.repeat(i * 40)}` })),
    );
    search = new Search(fake, LIMIT);
    await type('api');
    await search.showMore();
    expect(asked()).toEqual([
      { skip: 0, limit: 10 },
      { skip: 10, limit: 10 },
    ]);
    const strengths = search.rows.map((row) => row.strength ?? 0);
    expect(strengths[0]).toBe(5);
    expect(strengths[10], 'the best of the second page is not the best').toBeLessThan(5);
    expect(search.reply?.hits, 'the line of times tells of the search').toHaveLength(10);
  });

  it('end when those that are folded make up the rest', async () => {
    fake = new FakeBackend(notes(10));
    fake.marks[fake.kept[0]!.id] = { alike: 4 };
    search = new Search(fake, LIMIT);
    await type('note');
    expect([search.total, search.more]).toEqual([14, false]);
  });

  it('end where a page brings nothing, whatever was promised', async () => {
    await type('note');
    const real = fake.search.bind(fake);
    fake.search = async (query) => ({ ...(await real(query)), hits: [] });
    await search.showMore();
    expect([search.rows.length, search.more, search.added]).toEqual([10, false, 0]);
  });

  it('of filters alone are listed, without a strength', async () => {
    fake = new FakeBackend(memories());
    search = new Search(fake, LIMIT);
    await type('topic:api');
    expect(search.rows.map((row) => [row.hit?.why, row.strength])).toEqual(
      Array.from({ length: 3 }, () => ['listed', null]),
    );
  });
});

describe('the selection', () => {
  it('stays when a page comes by the button', async () => {
    await search.run();
    search.move('down', 8);
    const chosen = search.selectedId;
    await search.showMore();
    expect(search.selectedId).toBe(chosen);
  });

  it('moving past the last row fetches the page and goes on to its first', async () => {
    await search.run();
    search.move('last', 8);
    search.move('down', 8);
    search.move('down', 8);
    await wait();
    expect(search.selectedIndex, 'once, however long the key is held').toBe(10);
    expect(search.rows).toHaveLength(20);
  });

  it('that went elsewhere meanwhile is left there', async () => {
    await search.run();
    fake.hold('list');
    search.move('last', 8);
    search.move('pageDown', 8);
    await wait();
    search.move('up', 8);
    fake.letGo('list');
    await wait();
    expect([search.selectedIndex, search.rows.length]).toEqual([8, 20]);
  });
});

describe('a page that comes late', () => {
  it('is dropped when the question is another by then', async () => {
    await search.run();
    fake.hold('list');
    void search.showMore();
    await wait();
    await type('note 7');
    const shown = ids();
    fake.letGo('list');
    await wait();
    expect(ids()).toEqual(shown);
    expect(search.paging).toBe(false);
  });

  it('is dropped when the filters are others by then', async () => {
    await type('note');
    fake.holding = true;
    void search.showMore();
    await wait();
    search.setTier('goals');
    await wait();
    fake.release('note');
    fake.release('note');
    await wait();
    expect([search.rows.length, search.shown?.filters.tier]).toEqual([0, 'goals']);
  });

  it('is made up for by a fresh answer to the same question', async () => {
    await search.run();
    fake.hold('list');
    void search.showMore();
    await wait();
    void search.run();
    await wait();
    fake.letGo('list', 1);
    await wait();
    expect(search.rows, 'the page under way is in it').toHaveLength(20);
    fake.letGo('list');
    await wait();
    expect(search.rows).toHaveLength(20);
    expect(search.more).toBe(true);
  });

  it('is asked for once', async () => {
    await type('note');
    fake.holding = true;
    void search.showMore();
    void search.showMore();
    await wait();
    expect(asked()).toHaveLength(2);
    fake.release('note');
    await wait();
    expect(search.rows).toHaveLength(20);
  });
});

describe('what was unfolded', () => {
  it('is still there when the same question is answered again, and not for the next', async () => {
    await type('note');
    await search.showMore();
    await search.run();
    expect(search.rows).toHaveLength(20);
    await type('note 2');
    expect(asked().at(-1)).toEqual({ skip: 0, limit: 10 });
    expect(search.added).toBeNull();
  });
});

describe('a very long list', () => {
  it('is never asked for in one piece', async () => {
    fake = new FakeBackend(notes(1700));
    search = new Search(fake, 600);
    await type('note');
    await search.showMore();
    expect(search.rows).toHaveLength(1200);
    await search.run();
    expect(asked().at(-1)).toEqual({ skip: 0, limit: 1000 });
    await search.showMore();
    expect(asked().at(-1)).toEqual({ skip: 1000, limit: 600 });
    expect(search.rows).toHaveLength(1600);
  });
});

describe('a page that fails', () => {
  it('says so at its place, keeps the rows and can be asked for again', async () => {
    await type('note');
    fake.failNext('search', { code: 'INTERNAL', message: 'It broke.' });
    await search.showMore();
    expect([search.rows.length, search.more, search.error]).toEqual([10, true, null]);
    expect(search.pageError?.message).toBe('It broke.');
    await search.showMore();
    expect([search.rows.length, search.pageError]).toEqual([20, null]);
    expect(asked().slice(1)).toEqual([
      { skip: 10, limit: 10 },
      { skip: 10, limit: 10 },
    ]);
  });

  it('that was cancelled is no failure', async () => {
    await type('note');
    fake.failNext('search', { code: 'CANCELLED' });
    await search.showMore();
    expect(search.pageError).toBeNull();
  });
});

describe('filters and order', () => {
  it('ask again at once, and once', async () => {
    await type('note');
    await search.setFilters({ ...NO_FILTERS, topics: ['travel'] });
    await search.setFilters({ ...NO_FILTERS, topics: ['travel'] });
    search.setSort('oldest');
    search.setSort('oldest');
    await wait();
    expect(fake.called('search').slice(1)).toMatchObject([
      [{ filters: { topics: ['travel'] }, sort: 'relevance' }],
      [{ filters: { topics: ['travel'] }, sort: 'oldest' }],
    ]);
  });

  it('of a slow older reply do not come back', async () => {
    await type('note');
    fake.holding = true;
    void search.setFilters({ ...NO_FILTERS, source: 'user' });
    void search.setFilters({ ...NO_FILTERS, source: 'papr' });
    await wait();
    fake.release('note');
    await wait();
    expect(search.shown?.filters.source, 'the first reply was to the first filter').toBeNull();
    fake.release('note');
    await wait();
    expect([search.shown?.filters.source, search.rows.length]).toEqual(['papr', 0]);
  });
});
