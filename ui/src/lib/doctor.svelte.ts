import { toFailure, type Backend, type Failure, type Report } from '../backend';

/** The doctor's visit: under way, over, or one that could not be made. */
export class Doctor {
  report = $state.raw<Report | null>(null);
  failure = $state.raw<Failure | null>(null);
  busy = $state(false);
  readonly #backend: Backend;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** What was found before stands until there is something newer. */
  async run(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.failure = null;
    try {
      this.report = await this.#backend.doctor();
    } catch (thrown) {
      this.failure = toFailure(thrown);
    } finally {
      this.busy = false;
    }
  }
}
