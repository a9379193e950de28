import { toFailure, type Backend, type Detail, type Failure, type Related } from '../backend';

/** Somebody who goes through a list does not stay this long on a row. */
const PAUSE_MS = 150;
const MOST = 5;

/** What there is to know of the memory that is read, beside what it says. Fetched once one stays on it. */
export class About {
  detail = $state.raw<Detail | null>(null);
  detailError = $state.raw<Failure | null>(null);
  /** Null until they are known, and where they cannot be. */
  related = $state.raw<Related[] | null>(null);
  relatedError = $state.raw<Failure | null>(null);

  readonly #backend: Backend;
  /** Whose they are. */
  #id: string | null = null;

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** Returns what drops the answers that are still to come. `alike`: whether a model can tell what is alike. */
  look(id: string, alike: boolean): () => void {
    if (id !== this.#id) this.#forget();
    this.#id = id;
    if (!alike) this.related = this.relatedError = null;
    let late = false;
    const isLate = () => late;
    const timer = setTimeout(() => {
      void this.#askDetail(id, isLate);
      if (alike) void this.#askRelated(id, isLate);
    }, PAUSE_MS);
    return () => {
      late = true;
      clearTimeout(timer);
    };
  }

  async #askDetail(id: string, isLate: () => boolean): Promise<void> {
    try {
      const detail = await this.#backend.detail(id);
      if (isLate()) return;
      this.detail = detail;
      this.detailError = null;
    } catch (thrown) {
      if (!isLate()) this.detailError = toFailure(thrown);
    }
  }

  async #askRelated(id: string, isLate: () => boolean): Promise<void> {
    try {
      const related = await this.#backend.related(id, MOST);
      if (isLate()) return;
      this.related = related;
      this.relatedError = null;
    } catch (thrown) {
      if (isLate()) return;
      this.related = null;
      this.relatedError = toFailure(thrown);
    }
  }

  #forget(): void {
    this.detail = null;
    this.detailError = null;
    this.related = null;
    this.relatedError = null;
  }
}
