import { toFailure, type Backend, type Draft, type Memory } from '../backend';
import { t } from '../strings';
import type { Search } from './search.svelte';
import type { Toasts } from './toasts.svelte';

/** What a person does to memories: each change is followed by a fresh list and a word that it is done. */
export class Memories {
  readonly #backend: Backend;
  readonly #search: Search;
  readonly #toasts: Toasts;
  /** The last deletion, for the undo key. */
  #deleted: string[] = [];

  constructor(backend: Backend, search: Search, toasts: Toasts) {
    this.#backend = backend;
    this.#search = search;
    this.#toasts = toasts;
  }

  /** Throws a `Failure`, which belongs in the form. */
  async add(draft: Draft): Promise<void> {
    const memory = await this.#backend.add(draft);
    await this.#search.run();
    if (this.#search.question.text === '') this.#search.visit(memory);
    this.#toasts.show({
      text: t('toast.added'),
      ...(this.#search.selectedId === memory.id
        ? {}
        : { action: { label: t('action.show'), run: () => this.#search.visit(memory) } }),
    });
  }

  /** Throws a `Failure`, which belongs in the form. */
  async edit(memory: Memory, draft: Draft): Promise<void> {
    const saved = await this.#backend.edit(memory.id, memory.rev, draft);
    if (this.#search.guest?.id === saved.id) this.#search.visit(saved);
    await this.#search.run();
    this.#toasts.show({ text: t('toast.saved') });
  }

  async remove(memory: Memory): Promise<void> {
    await this.#attempt(async () => {
      await this.#backend.remove([memory.id]);
      this.#deleted = [memory.id];
      if (this.#search.guest?.id === memory.id) this.#search.guest = null;
      await this.#search.run();
      this.#toasts.show({
        text: t('toast.deleted'),
        action: { label: t('action.undo'), run: () => void this.undo() },
      });
    });
  }

  async undo(): Promise<void> {
    const ids = this.#deleted;
    const [id] = ids;
    if (id === undefined) return;
    await this.#attempt(async () => {
      await this.#backend.restore(ids);
      this.#deleted = [];
      await this.#search.run();
      if (this.#search.rows.some((row) => row.memory.id === id)) this.#search.select(id);
      this.#toasts.show({ text: t('toast.restored') });
    });
  }

  async addSamples(): Promise<void> {
    await this.#attempt(async () => {
      const n = await this.#backend.addSamples();
      await this.#search.run();
      this.#toasts.show({ text: t('toast.samplesAdded', { n }) });
    });
  }

  async removeSamples(): Promise<void> {
    await this.#attempt(async () => {
      const n = await this.#backend.removeSamples();
      await this.#search.run();
      this.#toasts.show({
        text: t('toast.samplesRemoved', { n }),
        action: { label: t('action.undo'), run: () => void this.addSamples() },
      });
    });
  }

  /** Opens a memory some other window named; one that is gone by then is said to be gone. */
  async open(id: string): Promise<void> {
    if (this.#search.rows.some((row) => row.memory.id === id)) return this.#search.select(id);
    await this.#attempt(async () => this.#search.visit(await this.#backend.get(id)));
  }

  /** A failed change stands where the list is, with its way out. */
  async #attempt(change: () => Promise<void>): Promise<void> {
    try {
      await change();
    } catch (thrown) {
      this.#search.error = toFailure(thrown);
    }
  }
}
