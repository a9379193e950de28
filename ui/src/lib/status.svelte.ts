import { toFailure, type AppError, type Backend, type Status, type Sync } from '../backend';

/** What the engine last said about itself. */
export class StatusWatch {
  current = $state.raw<Status | null>(null);
  retrying = $state(false);
  /** How many events were taken. */
  #heard = 0;
  #unanswered = $state.raw<AppError | null>(null);
  /** The app cannot work: the engine says so, or does not even answer. */
  readonly fatal = $derived<AppError | null>(this.current?.fatal ?? this.#unanswered);

  readonly #backend: Backend;
  readonly #changed: (before: Status | null, now: Status) => void;

  /** `changed` hears of a status after it is in `current`. */
  constructor(backend: Backend, changed: (before: Status | null, now: Status) => void) {
    this.#backend = backend;
    this.#changed = changed;
  }

  /** Starts to listen; returns what stops it. */
  start(): () => void {
    const stop = this.#backend.onStatus((status) => this.#hear(status));
    void this.#ask(() => this.#backend.status());
    return stop;
  }

  async retry(): Promise<void> {
    this.retrying = true;
    await this.#ask(() => this.#backend.retry());
    this.retrying = false;
  }

  async #ask(call: () => Promise<Status>): Promise<void> {
    const heard = this.#heard;
    try {
      const status = await call();
      // An event that overtook the answer is the newer of the two.
      if (heard === this.#heard) this.#take(status);
    } catch (thrown) {
      this.#unanswered = toFailure(thrown);
    }
  }

  #hear(status: Status): void {
    // A person who tries again stays where the button is until it is known how that went.
    if (this.retrying && status.state === 'opening') return;
    this.#heard += 1;
    this.#take(status);
  }

  #take(status: Status): void {
    const before = this.current;
    this.#unanswered = null;
    this.current = status;
    this.#changed(before, status);
  }
}

/** Whether a new status can mean other rows for the same question. */
export function affectsResults(before: Status | null, now: Status): boolean {
  if (!before) return false;
  return (
    before.counts.goals !== now.counts.goals ||
    before.counts.memories !== now.counts.memories ||
    before.pending !== now.pending ||
    before.index !== now.index ||
    before.model.state !== now.model.state ||
    before.model.id !== now.model.id ||
    syncChanged(before.sync, now.sync) ||
    (before.fatal !== null && now.fatal === null)
  );
}

/** An edit that came from Papr changes no count: after a sync that brought something, and a choice, one looks anew. */
function syncChanged(before: Sync, now: Sync): boolean {
  const ended = before.phase === 'syncing' && now.phase !== 'syncing';
  return before.account !== now.account || before.conflicts !== now.conflicts || (ended && now.received > 0);
}
