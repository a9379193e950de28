import {
  toFailure,
  type Backend,
  type Failure,
  type Hit,
  type Memory,
  type Mode,
  type Reply,
  type Tier,
} from '../backend';
import { debounce } from './debounce';
import { move, type Step } from './move';
import { Sequence } from './sequence';
import { strengths, type Step as Strength } from './strength';

/** Long enough to skip the middle of a word, short enough to feel like none. */
const TYPING_MS = 60;
/** Faster answers come without a sign of waiting: a flicker tells nobody anything. */
const SLOW_MS = 150;

export interface Row {
  memory: Memory;
  /** Null for a recent memory, which matched nothing. */
  hit: Hit | null;
  strength: Strength | null;
}

interface Question {
  text: string;
  tier: Tier | null;
  mode: Mode;
}

const same = (a: Question | null, b: Question) =>
  a !== null && a.text === b.text && a.tier === b.tier && a.mode === b.mode;

/** One window's search: the question, the answer on screen and which row is selected. */
export class Search {
  text = $state('');
  tier = $state<Tier | null>(null);
  mode = $state<Mode>('hybrid');

  rows = $state.raw<Row[]>([]);
  /** Null while the rows are recent memories. */
  reply = $state.raw<Reply | null>(null);
  error = $state.raw<Failure | null>(null);
  /** The question the rows answer; it lags behind the field by one request. */
  shown = $state.raw<Question | null>(null);
  /** A request has been under way long enough to say so. */
  slow = $state(false);
  selectedId = $state<string | null>(null);
  /** A memory opened from elsewhere, which need not be among the rows. */
  guest = $state.raw<Memory | null>(null);

  readonly selectedIndex = $derived(this.rows.findIndex((row) => row.memory.id === this.selectedId));
  readonly selected = $derived.by<Row | null>(() => {
    const row = this.rows[this.selectedIndex];
    if (row) return row;
    if (this.guest && this.guest.id === this.selectedId)
      return { memory: this.guest, hit: null, strength: null };
    return null;
  });

  readonly #backend: Backend;
  readonly #limit: number;
  readonly #sequence = new Sequence();
  readonly #typed = debounce(() => void this.run(), TYPING_MS);
  #slowTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(backend: Backend, limit: number) {
    this.#backend = backend;
    this.#limit = limit;
  }

  get question(): Question {
    return { text: this.text.trim(), tier: this.tier, mode: this.mode };
  }

  setText(text: string): void {
    const before = this.question.text;
    this.text = text;
    const { text: after } = this.question;
    if (after === before) return;
    // Recents and results are different lists: neither may turn up late in place of the other.
    if ((after === '') !== (before === '')) this.#sequence.invalidate();
    if (after === '') void this.run();
    else this.#typed();
  }

  setTier(tier: Tier | null): void {
    if (tier === this.tier) return;
    this.tier = tier;
    this.#sequence.invalidate();
    void this.run();
  }

  setMode(mode: Mode): void {
    if (mode === this.mode) return;
    this.mode = mode;
    this.#sequence.invalidate();
    void this.run();
  }

  /** Asks again: something may have changed in the store, or the last try failed. */
  async run(): Promise<void> {
    this.#typed.cancel();
    const question = this.question;
    const seq = this.#sequence.next();
    this.#startSlow();
    try {
      const { rows, reply } = await this.#ask(question, seq);
      if ((reply && reply.seq !== seq) || !this.#sequence.accept(seq)) return;
      this.error = null;
      this.#show(question, rows, reply);
    } catch (thrown) {
      this.#fail(question, seq, toFailure(thrown));
    } finally {
      if (this.#sequence.isLatest(seq)) this.#stopSlow();
    }
  }

  async #ask(question: Question, seq: number): Promise<{ rows: Row[]; reply: Reply | null }> {
    if (question.text === '') {
      const memories = await this.#backend.recent(this.#limit, question.tier);
      return { rows: memories.map((memory) => ({ memory, hit: null, strength: null })), reply: null };
    }
    const reply = await this.#backend.search({ ...question, limit: this.#limit, seq });
    const steps = strengths(reply.hits);
    const rows = reply.hits.map((hit, i) => ({ memory: hit.memory, hit, strength: steps[i] ?? null }));
    return { rows, reply };
  }

  #show(question: Question, rows: Row[], reply: Reply | null): void {
    const index = this.selectedIndex;
    const sameQuestion = same(this.shown, question);
    const kept = rows.some((row) => row.memory.id === this.selectedId);
    const visiting = this.guest !== null && this.guest.id === this.selectedId;
    this.rows = rows;
    this.reply = reply;
    this.shown = question;
    if (sameQuestion && (kept || visiting)) return;
    const at = sameQuestion ? Math.min(Math.max(index, 0), rows.length - 1) : 0;
    this.guest = null;
    this.selectedId = rows[at]?.memory.id ?? null;
  }

  #fail(question: Question, seq: number, failure: Failure): void {
    // A cancelled request made way for a newer one, whose answer is what counts.
    if (failure.code === 'CANCELLED' || !this.#sequence.isLatest(seq) || !this.#sequence.accept(seq)) return;
    this.error = failure;
    if (same(this.shown, question)) return;
    this.#show(question, [], null);
  }

  select(id: string): void {
    this.guest = null;
    this.selectedId = id;
  }

  move(step: Step, page: number): void {
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

  #startSlow(): void {
    if (this.#slowTimer === undefined) this.#slowTimer = setTimeout(() => (this.slow = true), SLOW_MS);
  }

  #stopSlow(): void {
    clearTimeout(this.#slowTimer);
    this.#slowTimer = undefined;
    this.slow = false;
  }
}
