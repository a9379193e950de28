import { toFailure, type Backend, type Failure, type Ledger, type Status } from '../backend';
import { t } from '../strings';
import { Sequence } from './sequence';
import type { Toasts } from './toasts.svelte';

/** As many as one looks through; the file of an export holds all. */
const NEWEST = 100;

/** What left this device, as long as somebody looks at it. */
export class LedgerWatch {
  report = $state.raw<Ledger | null>(null);
  error = $state.raw<Failure | null>(null);
  readonly #backend: Backend;
  readonly #toasts: Toasts;
  readonly #sequence = new Sequence();
  #watched = false;

  constructor(backend: Backend, toasts: Toasts) {
    this.#backend = backend;
    this.#toasts = toasts;
  }

  watch(): () => void {
    this.#watched = true;
    void this.load();
    return () => (this.#watched = false);
  }

  /** Requests were made where a sync or a download has begun or ended. */
  hear(before: Status | null, now: Status): void {
    if (!before || !this.#watched) return;
    const changed =
      before.sync.phase !== now.sync.phase ||
      before.sync.triedAt !== now.sync.triedAt ||
      before.downloads.length !== now.downloads.length;
    if (changed) void this.load();
  }

  async load(): Promise<void> {
    const seq = this.#sequence.next();
    try {
      const report = await this.#backend.ledger(NEWEST);
      if (!this.#sequence.accept(seq)) return;
      this.report = report;
      this.error = null;
    } catch (thrown) {
      if (this.#sequence.accept(seq)) this.error = toFailure(thrown);
    }
  }

  /** Throws a `Failure`, which belongs in the question. */
  async export(path: string): Promise<void> {
    const n = await this.#backend.exportLedger(path);
    this.#toasts.show({ text: t('toast.exported', { n, path }) });
  }
}
