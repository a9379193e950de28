import {
  toFailure,
  type Backend,
  type Choice,
  type Conflict,
  type Failure,
  type OutboxItem,
  type Status,
} from '../backend';
import { t } from '../strings';
import { Sequence } from './sequence';
import type { Toasts } from './toasts.svelte';

/** What waits: for Papr, or for a person. */
export class Waits {
  outbox = $state.raw<OutboxItem[]>([]);
  conflicts = $state.raw<Conflict[]>([]);
  /** Why they could not be listed. */
  error = $state.raw<Failure | null>(null);
  /** Conflicts that could not be resolved, by the memory's id. */
  failures = $state.raw<Readonly<Record<string, Failure>>>({});
  readonly #backend: Backend;
  readonly #toasts: Toasts;
  readonly #sequence = new Sequence();
  #watched = false;

  constructor(backend: Backend, toasts: Toasts) {
    this.#backend = backend;
    this.#toasts = toasts;
  }

  /** Lists them, and again whenever that may have changed. Returns what ends that. */
  watch(): () => void {
    this.#watched = true;
    void this.load();
    return () => (this.#watched = false);
  }

  hear(before: Status | null, { sync: now }: Status): void {
    const was = before?.sync;
    if (!was || !this.#watched) return;
    const changed =
      was.pending !== now.pending ||
      was.conflicts !== now.conflicts ||
      was.refused !== now.refused ||
      was.account !== now.account ||
      (was.phase === 'syncing') !== (now.phase === 'syncing');
    if (changed) void this.load();
  }

  async load(): Promise<void> {
    const seq = this.#sequence.next();
    try {
      const [outbox, conflicts] = await Promise.all([this.#backend.outbox(), this.#backend.conflicts()]);
      if (!this.#sequence.accept(seq)) return;
      this.outbox = outbox;
      this.conflicts = conflicts;
      this.error = null;
    } catch (thrown) {
      if (this.#sequence.accept(seq)) this.error = toFailure(thrown);
    }
  }

  /** Whether it is resolved. */
  async resolve(id: string, choice: Choice): Promise<boolean> {
    const { [id]: _, ...others } = this.failures;
    this.failures = others;
    try {
      await this.#backend.resolve(id, choice);
    } catch (thrown) {
      this.failures = { ...this.failures, [id]: toFailure(thrown) };
      return false;
    }
    this.conflicts = this.conflicts.filter(({ mine }) => mine.id !== id);
    this.#toasts.show({ text: t('toast.resolved') });
    await this.load();
    return true;
  }
}
