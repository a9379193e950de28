import {
  toFailure,
  type Backend,
  type Failure,
  type Filters,
  type Hit,
  type Memory,
  type Mode,
  type Page,
  type Place,
  type Reply,
  type Sort,
  type Tier,
} from '../backend';
import { debounce } from './debounce';
import { NO_FILTERS, sameFilters } from './filters';
import { move, type Step } from './move';
import { Sequence } from './sequence';
import { strengths, type Step as Strength } from './strength';

/** What is typed while an answer is under way waits for it, but no longer than this: then it takes its place. */
const PATIENCE_MS = 60;
/** Faster answers come without a sign of waiting: a flicker tells nobody anything. */
const SLOW_MS = 150;
/** The most rows one request may ask for. */
const MOST_ROWS = 1000;

export interface Row {
  memory: Memory;
  /** Null for a recent memory, which matched nothing. */
  hit: Hit | null;
  /** Null for what is only listed, not matched. */
  strength: Strength | null;
}

interface Question {
  text: string;
  filters: Filters;
  sort: Sort;
  mode: Mode;
}

interface Answer {
  rows: Row[];
  reply: Reply | null;
  total: number;
  /** Where a list by time goes on; a search goes on by number. */
  next: Place | null;
}

/** The memories that stand before the recent ones. */
type First = (filters: Filters) => Promise<Memory[]>;

const NOTHING: Answer = { rows: [], reply: null, total: 0, next: null };

const same = (a: Question | null, b: Question) =>
  a !== null &&
  a.text === b.text &&
  a.sort === b.sort &&
  a.mode === b.mode &&
  sameFilters(a.filters, b.filters);

/** One window's search: the question, the answer on screen and which row is selected. */
export class Search {
  text = $state('');
  filters = $state.raw<Filters>(NO_FILTERS);
  sort = $state<Sort>('relevance');
  mode = $state<Mode>('hybrid');

  rows = $state.raw<Row[]>([]);
  /** The first page's; null while the rows are recent memories. */
  reply = $state.raw<Reply | null>(null);
  error = $state.raw<Failure | null>(null);
  /** The question the rows answer; it lags behind the field by one request. The same object while it is the same. */
  shown = $state.raw<Question | null>(null);
  /** A request has been under way long enough to say so. */
  slow = $state(false);
  selectedId = $state<string | null>(null);
  /** A memory opened from elsewhere, which need not be among the rows. */
  guest = $state.raw<Memory | null>(null);

  /** How many there are on all pages. */
  total = $state(0);
  /** There are more than the rows. */
  more = $state(false);
  /** The next page is under way. */
  paging = $state(false);
  /** Why the next page did not come. */
  pageError = $state.raw<Failure | null>(null);
  /** How many rows the last page brought; null while there was but one. */
  added = $state<number | null>(null);

  /** The rows are the recent memories that pass some filter, or stand in one tier. */
  readonly narrowed = $derived(
    this.shown !== null && this.shown.text === '' && !sameFilters(this.shown.filters, NO_FILTERS),
  );
  readonly selectedIndex = $derived(this.rows.findIndex((row) => row.memory.id === this.selectedId));
  readonly selected = $derived.by<Row | null>(() => {
    const row = this.rows[this.selectedIndex];
    if (row) return row;
    if (this.guest && this.guest.id === this.selectedId)
      return { memory: this.guest, hit: null, strength: null };
    return null;
  });

  readonly #backend: Backend;
  #limit: number;
  readonly #first: First;
  readonly #sequence = new Sequence();
  readonly #typed = debounce(() => void this.run(), PATIENCE_MS);
  #slowTimer: ReturnType<typeof setTimeout> | undefined;
  /** A request is under way whose answer is waited for. */
  #busy = false;
  /** How many rows are wanted, the page under way included: a fresh answer to the same question brings them all. */
  #wanted: number;
  /** How many places the rows stand for; some may be gone since. */
  #asked = 0;
  #next: Place | null = null;

  constructor(backend: Backend, limit: number, first: First = async () => []) {
    this.#backend = backend;
    this.#limit = limit;
    this.#first = first;
    this.#wanted = limit;
  }

  get question(): Question {
    return { text: this.text.trim(), filters: this.filters, sort: this.sort, mode: this.mode };
  }

  get tier(): Tier | null {
    return this.filters.tier;
  }

  /** Rows of a page from now on; what is shown is shown anew with them. */
  setLimit(limit: number): void {
    if (limit === this.#limit) return;
    this.#limit = this.#wanted = limit;
    if (this.shown) void this.run();
  }

  setText(text: string): void {
    const before = this.question.text;
    this.text = text;
    const { text: after } = this.question;
    if (after === before) return;
    // Recents and results are different lists: neither may turn up late in place of the other.
    const other = (after === '') !== (before === '');
    if (other) this.#sequence.invalidate();
    if (other || !this.#busy) void this.run();
    else this.#typed();
  }

  setFilters(filters: Filters): Promise<void> {
    if (sameFilters(filters, this.filters)) return Promise.resolve();
    this.filters = filters;
    return this.#changed();
  }

  setTier(tier: Tier | null): void {
    void this.setFilters({ ...this.filters, tier });
  }

  setSort(sort: Sort): void {
    if (sort === this.sort) return;
    this.sort = sort;
    void this.#changed();
  }

  setMode(mode: Mode): void {
    if (mode === this.mode) return;
    this.mode = mode;
    void this.#changed();
  }

  #changed(): Promise<void> {
    this.#sequence.invalidate();
    return this.run();
  }

  /** Asks again: something may have changed in the store, or the last try failed. */
  async run(): Promise<void> {
    this.#typed.cancel();
    const question = this.question;
    const limit = same(this.shown, question) ? Math.min(this.#wanted, MOST_ROWS) : this.#limit;
    const seq = this.#start(false);
    try {
      const answer = await this.#ask(question, seq, { skip: 0, limit }, null);
      if ((answer.reply && answer.reply.seq !== seq) || !this.#sequence.accept(seq)) return;
      this.error = null;
      this.#show(question, answer, limit);
    } catch (thrown) {
      this.#fail(question, seq, toFailure(thrown));
    } finally {
      this.#end(seq);
    }
  }

  /** Fetches the next page. `onward`: and goes on to its first row. */
  async showMore(onward = false): Promise<void> {
    const question = this.shown;
    if (!this.more || this.#busy || !question || !same(question, this.question)) return;
    const from = this.selectedId;
    const page = { skip: this.#asked, limit: this.#limit };
    const seq = this.#start(true);
    this.#wanted = this.#asked + this.#limit;
    try {
      const answer = await this.#ask(question, seq, page, this.#next);
      if ((answer.reply && answer.reply.seq !== seq) || !this.#isAwaited(seq)) return;
      this.#append(answer, onward && this.selectedId === from);
    } catch (thrown) {
      const failure = toFailure(thrown);
      if (failure.code === 'CANCELLED' || !this.#isAwaited(seq)) return;
      this.#wanted = this.#asked;
      this.pageError = failure;
    } finally {
      this.#end(seq);
    }
  }

  async #ask(question: Question, seq: number, page: Page, after: Place | null): Promise<Answer> {
    if (question.text === '') {
      const { filters, sort } = question;
      const order = sort === 'relevance' ? 'newest' : sort;
      const [first, { memories, total, next }] = await Promise.all([
        after ? [] : this.#first(filters),
        this.#backend.list(filters, order, after, page.limit),
      ]);
      const ahead = new Set(first.map(({ id }) => id));
      return {
        rows: [...first, ...memories.filter(({ id }) => !ahead.has(id))].map((memory) => ({
          memory,
          hit: null,
          strength: null,
        })),
        reply: null,
        total,
        next,
      };
    }
    const reply = await this.#backend.search({ ...question, page, seq });
    return { rows: matches(reply.hits), reply, total: reply.total, next: null };
  }

  #show(question: Question, answer: Answer, limit: number): void {
    const index = this.selectedIndex;
    const sameQuestion = same(this.shown, question);
    const { rows } = answer;
    const kept = rows.some((row) => row.memory.id === this.selectedId);
    const visiting = this.guest !== null && this.guest.id === this.selectedId;
    this.rows = rows;
    this.reply = answer.reply;
    this.#wanted = this.#asked = limit;
    this.#goOn(answer, limit);
    if (!sameQuestion) {
      this.shown = question;
      this.added = null;
    }
    if (sameQuestion && (kept || visiting)) return;
    const at = sameQuestion ? Math.min(Math.max(index, 0), rows.length - 1) : 0;
    this.guest = null;
    this.selectedId = rows[at]?.memory.id ?? null;
  }

  #append(answer: Answer, onward: boolean): void {
    const there = new Set(this.rows.map((row) => row.memory.id));
    const fresh = answer.rows.filter((row) => !there.has(row.memory.id));
    const rows = [...this.rows, ...fresh];
    // A match is strong or weak among all of them, not on its page.
    this.rows = answer.reply ? matches(rows.flatMap(({ hit }) => hit ?? [])) : rows;
    this.#asked = this.#wanted;
    this.added = fresh.length;
    this.#goOn(answer, this.#limit);
    const [first] = fresh;
    if (onward && first) this.select(first.memory.id);
  }

  /** Whether there is more after this page of `limit`. What was folded into a row is not to come any more. */
  #goOn({ rows, reply, total, next }: Answer, limit: number): void {
    this.pageError = null;
    this.total = total;
    this.#next = next;
    const covered = this.rows.reduce((sum, { hit }) => sum + 1 + (hit?.alike ?? 0), 0);
    this.more = reply ? rows.length >= limit && covered < total : next !== null;
  }

  #fail(question: Question, seq: number, failure: Failure): void {
    // A cancelled request made way for a newer one, whose answer is what counts.
    if (failure.code === 'CANCELLED' || !this.#isAwaited(seq)) return;
    this.error = failure;
    if (same(this.shown, question)) return;
    this.#show(question, NOTHING, this.#limit);
  }

  select(id: string): void {
    this.guest = null;
    this.selectedId = id;
  }

  move(step: Step, page: number): void {
    const beyond = step === 'down' || step === 'pageDown';
    if (beyond && this.more && this.selectedIndex === this.rows.length - 1) {
      void this.showMore(true);
      return;
    }
    const row = this.rows[move(this.selectedIndex, step, this.rows.length, page)];
    if (row) this.select(row.memory.id);
  }

  /** Shows a memory that some other part of the app has named. */
  visit(memory: Memory): void {
    this.guest = memory;
    this.selectedId = memory.id;
  }

  stop(): void {
    this.#typed.cancel();
    this.#stopSlow();
    this.#sequence.invalidate();
  }

  #start(paging: boolean): number {
    this.#busy = true;
    this.paging = paging;
    if (paging) this.pageError = null;
    else this.#slowTimer ??= setTimeout(() => (this.slow = true), SLOW_MS);
    return this.#sequence.next();
  }

  #end(seq: number): void {
    if (!this.#sequence.isLatest(seq)) return;
    this.#busy = false;
    this.paging = false;
    this.#stopSlow();
    this.#typed.flush();
  }

  /** No newer request has been made, and nothing has made this one void. */
  #isAwaited(seq: number): boolean {
    return this.#sequence.isLatest(seq) && this.#sequence.accept(seq);
  }

  #stopSlow(): void {
    clearTimeout(this.#slowTimer);
    this.#slowTimer = undefined;
    this.slow = false;
  }
}

function matches(hits: Hit[]): Row[] {
  const steps = strengths(hits);
  return hits.map((hit, i) => ({
    memory: hit.memory,
    hit,
    strength: hit.why === 'listed' ? null : (steps[i] ?? null),
  }));
}
