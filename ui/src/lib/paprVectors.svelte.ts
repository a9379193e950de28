import { toFailure, type Backend, type Failure, type ServerSpace, type ServerVectors } from '../backend';
import { locale, t } from '../strings';
import { Sequence } from './sequence';

/** The length of Papr’s vectors, where none has come that would tell. */
export const PAPR_DIMS = 2560;
/** Thousands of bytes that a vector of Papr’s is on its way. */
export const ON_THE_WAY: Record<Exclude<ServerVectors, 'off'>, number> = { int8: 10, float: 25 };

/** Thousands of bytes of so many vectors, on disk and in memory: two bytes a number. */
export function kilobytesOf(vectors: number, dims: number): number {
  return (vectors * dims * 2) / 1000;
}

/** "0.9987": the digits in which spaces differ. */
export function cosine(value: number | null): string {
  if (value === null) return t('amount.unknown');
  const digits = { minimumFractionDigits: 4, maximumFractionDigits: 4 };
  return new Intl.NumberFormat(locale(), digits).format(value);
}

/** Papr’s own vectors, as long as somebody looks at them, and what a person does with them. */
export class PaprVectors {
  space = $state.raw<ServerSpace | null>(null);
  failure = $state.raw<Failure | null>(null);
  /** What is under way. */
  busy = $state<'choosing' | 'measuring' | null>(null);
  readonly #backend: Backend;
  readonly #sequence = new Sequence();

  constructor(backend: Backend) {
    this.#backend = backend;
  }

  /** What cannot be read stays as it was. */
  async load(): Promise<void> {
    await this.#take(() => this.#backend.serverSpace());
  }

  async choose(form: ServerVectors): Promise<void> {
    await this.#do('choosing', () => this.#backend.setServerVectors(form));
  }

  async measure(): Promise<void> {
    await this.#do('measuring', () => this.#backend.matchServerSpace());
  }

  async #do(what: 'choosing' | 'measuring', act: () => Promise<ServerSpace>): Promise<void> {
    if (this.busy) return;
    this.busy = what;
    await this.#take(act);
    this.busy = null;
  }

  async #take(act: () => Promise<ServerSpace>): Promise<void> {
    const seq = this.#sequence.next();
    try {
      const space = await act();
      if (!this.#sequence.accept(seq)) return;
      this.space = space;
      this.failure = null;
    } catch (thrown) {
      if (this.#sequence.accept(seq)) this.failure = toFailure(thrown);
    }
  }
}
