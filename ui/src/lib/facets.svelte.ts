import { toFailure, type Backend, type Facets, type Failure, type Filters } from '../backend';
import { Sequence } from './sequence';

/** What the memories that pass can be filtered by further. It is counted on request, never on a keystroke. */
export class FacetCounts {
  /** Null until first counted, and after a count that failed: old numbers would be wrong ones. */
  current = $state.raw<Facets | null>(null);
  error = $state.raw<Failure | null>(null);
  busy = $state(false);

  readonly #backend: Backend;
  readonly #sequence = new Sequence();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Counts anew; a slower count for other filters is dropped when it comes. */
  async count(filters: Filters): Promise<void> {
    const seq = this.#sequence.next();
    this.busy = true;
    try {
      const facets = await this.#backend.facets(filters);
      if (!this.#sequence.isLatest(seq)) return;
      this.current = facets;
      this.error = null;
    } catch (thrown) {
      if (!this.#sequence.isLatest(seq)) return;
      this.current = null;
      this.error = toFailure(thrown);
    } finally {
      if (this.#sequence.isLatest(seq)) this.busy = false;
    }
  }
}
