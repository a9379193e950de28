import {
  toFailure,
  type Backend,
  type Failure,
  type Filters,
  type Memory,
  type Sort,
  type Status,
} from '../backend';
import { NO_FILTERS, sameFilters } from './filters';
import { move, type Step } from './move';
import { Rows } from './rows.svelte';
import { Selection } from './selection.svelte';
import { Sequence } from './sequence';
import { affectsResults } from './status.svelte';

/** Faster answers come without a sign of waiting. */
const SLOW_MS = 150;
/** The most ids that are ever listed. */
export const MOST = 100_000;
/** A list longer than this is not listed anew with every change while many come, but now and then. */
const LONG = 2000;
const PAUSE_MS = 2000;

export type ByTime = Exclude<Sort, 'relevance'>;

interface Question {
  filters: Filters;
  sort: ByTime;
}

/** All memories as a list to be gone through: which ones, in what order, where the keyboard is and what is selected. */
export class Library {
  filters = $state.raw<Filters>(NO_FILTERS);
  sort = $state<ByTime>('newest');
  ids = $state.raw<readonly string[]>([]);
  /** What the ids answer; null until the first answer. The same object while it is the same. */
  shown = $state.raw<Question | null>(null);
  error = $state.raw<Failure | null>(null);
  slow = $state(false);
  /** Where the keyboard is. */
  active = $state<string | null>(null);
  /** A memory opened from elsewhere, which need not be in the list. */
  guest = $state.raw<Memory | null>(null);

  readonly rows: Rows;
  readonly selection = new Selection();
  /** Where each one is. */
  readonly places = $derived(new Map(this.ids.map((id, at) => [id, at])));
  readonly activeIndex = $derived(this.active === null ? -1 : (this.places.get(this.active) ?? -1));
  /** What the detail shows. */
  readonly reading = $derived.by<Memory | null>(() => {
    if (this.active === null) return null;
    return this.rows.get(this.active) ?? (this.guest?.id === this.active ? this.guest : null);
  });
  /** Some filter is on, or one tier is shown. */
  readonly narrowed = $derived(
    this.shown !== null && !this.error && !sameFilters(this.shown.filters, NO_FILTERS),
  );
  /** How many of the selected are not in the list. */
  readonly unseen = $derived.by(() => {
    const { size } = this.selection;
    // Of an unfiltered list, what is gone is selected no more.
    if (size === 0 || (!this.narrowed && this.ids.length < MOST)) return 0;
    return this.selection.list().filter((id) => !this.places.has(id)).length;
  });

  readonly #backend: Backend;
  readonly #sequence = new Sequence();
  #watched = false;
  /** Something changed since the list was asked for. */
  #stale = true;
  #asking = false;
  #askedAt = 0;
  #later: ReturnType<typeof setTimeout> | undefined;
  #slowTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(backend: Backend) {
    this.#backend = backend;
    this.rows = new Rows(backend);
  }

  /** On screen, and not only made. */
  get watched(): boolean {
    return this.#watched;
  }

  /** Keeps it fresh from now on. Returns what ends that. */
  watch(): () => void {
    this.#watched = true;
    if (this.#stale) void this.load();
    return () => {
      this.#watched = false;
      this.#stopLater();
    };
  }

  hear(before: Status | null, now: Status): void {
    if (!affectsResults(before, now)) return;
    this.#stale = true;
    if (!this.#watched || this.#later !== undefined || this.#asking) return;
    const gap = this.ids.length > LONG ? this.#askedAt + PAUSE_MS - Date.now() : 0;
    if (gap <= 0) void this.load();
    else this.#later = setTimeout(() => void this.load(), gap);
  }

  /** After a change of one's own: at once if it is on screen, else when it is next. */
  async refresh(): Promise<void> {
    this.#stale = true;
    if (this.#watched) await this.load();
  }

  setFilters(filters: Filters): void {
    if (sameFilters(filters, this.filters)) return;
    this.filters = filters;
    void this.load();
  }

  setSort(sort: ByTime): void {
    if (sort === this.sort) return;
    this.sort = sort;
    void this.load();
  }

  async load(): Promise<void> {
    this.#stopLater();
    const question = { filters: this.filters, sort: this.sort };
    const seq = this.#sequence.next();
    const stale = this.#stale;
    this.#stale = false;
    this.#asking = true;
    this.#askedAt = Date.now();
    this.#slowTimer ??= setTimeout(() => (this.slow = true), SLOW_MS);
    try {
      const ids = await this.#backend.ids(question.filters, question.sort);
      if (!this.#sequence.isLatest(seq)) {
        this.#stale ||= stale;
        return;
      }
      this.error = null;
      this.#show(question, ids);
      if (stale) this.rows.refresh();
    } catch (thrown) {
      this.#stale ||= stale;
      if (this.#sequence.isLatest(seq)) this.error = toFailure(thrown);
    } finally {
      if (this.#sequence.isLatest(seq)) this.#end();
    }
  }

  #show(question: Question, ids: string[]): void {
    const at = this.activeIndex;
    const same =
      this.shown !== null &&
      this.shown.sort === question.sort &&
      sameFilters(this.shown.filters, question.filters);
    this.ids = ids;
    if (!same) this.shown = question;
    if (sameFilters(question.filters, NO_FILTERS) && ids.length < MOST) this.selection.retain(this.places);
    const visiting = this.guest !== null && this.guest.id === this.active;
    if (this.activeIndex >= 0 || (same && visiting)) return;
    this.guest = null;
    this.#activate(ids[same ? Math.min(Math.max(at, 0), ids.length - 1) : 0] ?? null);
  }

  #end(): void {
    this.#asking = false;
    clearTimeout(this.#slowTimer);
    this.#slowTimer = undefined;
    this.slow = false;
    // What changed while it was asked for.
    if (this.#stale && this.#watched && !this.error && this.#later === undefined) {
      this.#later = setTimeout(() => void this.load(), this.ids.length > LONG ? PAUSE_MS : 0);
    }
  }

  #activate(id: string | null): void {
    this.active = id;
    this.rows.pinned = id;
  }

  /** The keyboard goes to one; what is selected stays. */
  goTo(id: string): void {
    this.guest = null;
    this.selection.settle();
    this.#activate(id);
  }

  move(step: Step, page: number): void {
    const id = this.ids[move(this.activeIndex, step, this.ids.length, page)];
    if (id !== undefined) this.goTo(id);
  }

  /** Selects all that are listed; while they are not yet, once they are. */
  async selectAll(): Promise<void> {
    if (this.#asking || this.#stale) await this.load();
    this.selection.add(this.ids);
  }

  /** Selects from where the keyboard is, or the range began, to there. */
  extendTo(id: string): void {
    const to = this.places.get(id);
    if (to === undefined) return;
    this.selection.extend(this.ids, this.places, Math.max(0, this.activeIndex), to);
    this.guest = null;
    this.#activate(id);
  }

  extend(step: Step, page: number): void {
    const id = this.ids[move(this.activeIndex, step, this.ids.length, page)];
    if (id !== undefined) this.extendTo(id);
  }

  /** Shows a memory that some other part of the app has named. */
  visit(memory: Memory): void {
    this.guest = memory;
    this.#activate(memory.id);
  }

  stop(): void {
    this.#stopLater();
    clearTimeout(this.#slowTimer);
  }

  #stopLater(): void {
    clearTimeout(this.#later);
    this.#later = undefined;
  }
}
