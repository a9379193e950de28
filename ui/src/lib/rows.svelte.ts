import { toFailure, type Backend, type Failure, type Memory } from '../backend';

/** The most that one request brings. */
const CHUNK = 200;
/** Rows beside those in sight that are to be there before they are scrolled to. */
const MARGIN = 20;
/** A long way back and forth, and a few megabytes at most. */
const KEPT = 2000;

interface Kept {
  /** Null for one that is gone. */
  memory: Memory | null;
  age: number;
}

/**
 * The memories of a long list, fetched by id around what is in sight. One request is under way at a time, always for
 * where the list is by then, so that a fast scroll asks for little.
 */
export class Rows {
  error = $state.raw<Failure | null>(null);
  /** The one that stays whatever comes: it is being read. */
  pinned: string | null = null;

  readonly #backend: Backend;
  /** Least lately looked at first. */
  readonly #kept = new Map<string, Kept>();
  #version = $state(0);
  /** What was fetched at an earlier age is shown until it is fetched again. */
  #age = 0;
  #sight: { ids: readonly string[]; first: number; last: number } = { ids: [], first: 0, last: -1 };
  #busy = false;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  get(id: string): Memory | null {
    void this.#version;
    return this.#kept.get(id)?.memory ?? null;
  }

  /** The rows from `first` to `last` are in sight. */
  look(ids: readonly string[], first: number, last: number): void {
    this.#sight = { ids, first, last };
    void this.#fill();
  }

  /** Something changed: what is in sight is fetched again, and all else once it is in sight. */
  refresh(): void {
    this.#age += 1;
    void this.#fill();
  }

  retry(): void {
    this.error = null;
    void this.#fill();
  }

  async #fill(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let ids = this.#missing(); ids.length > 0; ids = this.#missing()) {
        const age = this.#age;
        this.#take(ids, await this.#backend.some(ids), age);
        this.error = null;
      }
    } catch (thrown) {
      this.error = toFailure(thrown);
    } finally {
      this.#busy = false;
    }
  }

  /** What to ask for: as many around the middle as one request may bring; nothing while the sight has all. */
  #missing(): string[] {
    const { ids, first, last } = this.#sight;
    const lacks = (id: string) => this.#kept.get(id)?.age !== this.#age;
    if (!ids.slice(Math.max(0, first - MARGIN), last + 1 + MARGIN).some(lacks)) return [];
    const middle = Math.floor((first + last) / 2);
    const start = Math.max(0, Math.min(middle - CHUNK / 2, ids.length - CHUNK));
    return ids.slice(start, start + CHUNK).filter(lacks);
  }

  #take(asked: string[], memories: Memory[], age: number): void {
    const found = new Map(memories.map((memory) => [memory.id, memory]));
    for (const id of asked) {
      this.#kept.delete(id);
      this.#kept.set(id, { memory: found.get(id) ?? null, age });
    }
    for (const id of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      if (id !== this.pinned) this.#kept.delete(id);
    }
    this.#version += 1;
  }
}
