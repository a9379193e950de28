/** The part of the made-up backend that stands for the library, and for what is known of one memory. */
import type { Detail, Filters, Memory, Related, Sort, Tier } from '../backend';
import { FakeDesk } from './fakeDesk';
import { fail } from './fakePapr';
import { list, type MarksOf } from './found';

/** The most that is listed, and that comes by id at once. */
const MOST = 100_000;
const CHUNK = 200;

export abstract class FakeLibrary extends FakeDesk {
  abstract readonly marksOf: MarksOf;
  /** What is told of memories beside themselves, by id. */
  details: Record<string, Partial<Detail>> = {};
  /** What is like a memory, by its id; without an entry, those that share a topic. */
  alike: Record<string, Related[]> = {};

  protected abstract wait(method: 'ids' | 'some' | 'related' | 'detail'): Promise<void>;
  protected abstract changed(): void;

  async ids(filters: Filters, sort: Sort): Promise<string[]> {
    await this.enter('ids', filters, sort);
    const listed = list(this.kept, filters, sort === 'oldest', null, MOST, this.marksOf);
    const ids = listed.memories.map(({ id }) => id);
    await this.wait('ids');
    return ids;
  }

  async some(ids: string[]): Promise<Memory[]> {
    await this.enter('some', ids);
    if (ids.length > CHUNK) throw fail('INVALID_INPUT', 'these are too many at once');
    const wanted = new Set(ids);
    const found = this.kept.filter(({ id }) => wanted.has(id));
    await this.wait('some');
    return found;
  }

  async moveTo(ids: string[], tier: Tier): Promise<number> {
    await this.enter('moveTo', ids, tier);
    const wanted = new Set(ids);
    const moves = (kept: Memory) => wanted.has(kept.id) && kept.tier !== tier;
    const moved = this.kept.filter(moves).length;
    this.kept = this.kept.map((kept) => (moves(kept) ? { ...kept, tier, rev: kept.rev + 1 } : kept));
    this.changed();
    return moved;
  }

  async related(id: string, limit: number): Promise<Related[]> {
    await this.enter('related', id, limit);
    await this.wait('related');
    const topics = this.kept.find((kept) => kept.id === id)?.topics ?? [];
    const near = this.kept.filter(
      (kept) => kept.id !== id && kept.topics.some((topic) => topics.includes(topic)),
    );
    const alike = this.alike[id] ?? near.map((memory, i) => ({ memory, similarity: 0.82 - i * 0.07 }));
    return alike.slice(0, limit);
  }

  async detail(id: string): Promise<Detail> {
    await this.enter('detail', id);
    await this.wait('detail');
    return { remote: null, metadata: [], moves: [], ...this.details[id] };
  }

  openLink(url: string): Promise<void> {
    return this.enter('openLink', url);
  }
}
