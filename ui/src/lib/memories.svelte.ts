import { toFailure, type Backend, type Draft, type Format, type Memory, type Tier } from '../backend';
import { t, type Key } from '../strings';
import { exportTo } from './exporting';
import { NO_FILTERS } from './filters';
import type { Library } from './library.svelte';
import type { Search } from './search.svelte';
import type { Toasts } from './toasts.svelte';

/** As many come by id at once. */
const CHUNK = 200;
const MOVED: Record<Tier, Key> = { goals: 'toast.toGoals', memories: 'toast.toMemories' };
const THERE: Record<Tier, Key> = { goals: 'toast.inGoals', memories: 'toast.inMemories' };

/** What a person does to memories: each change is followed by fresh lists and a word that it is done. */
export class Memories {
  readonly #backend: Backend;
  readonly #search: Search;
  readonly #toasts: Toasts;
  readonly #library: Library;
  /** What takes back the last deletion or move, for the undo key. */
  #undo = $state.raw<(() => Promise<void>) | null>(null);

  constructor(backend: Backend, search: Search, toasts: Toasts, library: Library) {
    this.#backend = backend;
    this.#search = search;
    this.#toasts = toasts;
    this.#library = library;
  }

  get canUndo(): boolean {
    return this.#undo !== null;
  }

  /** The list on screen: what is added or fails is shown there. */
  get #place(): Search | Library {
    return this.#library.watched ? this.#library : this.#search;
  }

  async #fresh(): Promise<void> {
    await Promise.all([this.#search.run(), this.#library.refresh()]);
  }

  /** Throws a `Failure`, which belongs in the form. */
  async add(draft: Draft): Promise<void> {
    const memory = await this.#backend.add(draft);
    await this.#fresh();
    const place = this.#place;
    if (place === this.#library || this.#search.question.text === '') place.visit(memory);
    const shown = place === this.#library || this.#search.selectedId === memory.id;
    this.#toasts.show({
      text: t('toast.added'),
      ...(shown ? {} : { action: { label: t('action.show'), run: () => this.#search.visit(memory) } }),
    });
  }

  /** Adds several, in order, as far as it goes; how many, and why no more. */
  async addAll(drafts: Draft[]): Promise<{ added: number; failure: unknown }> {
    let added = 0;
    let failure: unknown = null;
    try {
      for (const draft of drafts) {
        await this.#backend.add(draft);
        added += 1;
      }
    } catch (thrown) {
      failure = thrown;
    }
    await this.#fresh();
    if (!failure) this.#toasts.show({ text: t('toast.addedMany', { n: added }) });
    return { added, failure };
  }

  /** Throws a `Failure`, which belongs in the form. */
  async edit(memory: Memory, draft: Draft): Promise<void> {
    const saved = await this.#backend.edit(memory.id, memory.rev, draft);
    if (this.#search.guest?.id === saved.id) this.#search.visit(saved);
    if (this.#library.guest?.id === saved.id) this.#library.visit(saved);
    await this.#fresh();
    this.#toasts.show({ text: t('toast.saved') });
  }

  remove(memory: Memory): Promise<void> {
    return this.removeAll([memory.id]);
  }

  async removeAll(ids: string[]): Promise<void> {
    await this.#attempt(async () => {
      const n = await this.#backend.remove(ids);
      this.#leave(ids);
      this.#undo = () => this.#restore(ids);
      this.#library.selection.drop(ids);
      await this.#fresh();
      this.#toasts.show({
        text: ids.length === 1 ? t('toast.deleted') : t('toast.deletedMany', { n }),
        action: { label: t('action.undo'), run: () => void this.undo() },
      });
    });
  }

  async #restore(ids: string[]): Promise<void> {
    const n = await this.#backend.restore(ids);
    await this.#fresh();
    const [id] = ids;
    if (id !== undefined && this.#search.rows.some((row) => row.memory.id === id)) this.#search.select(id);
    if (id !== undefined && this.#library.places.has(id)) this.#library.goTo(id);
    this.#toasts.show({ text: ids.length === 1 ? t('toast.restored') : t('toast.restoredMany', { n }) });
  }

  /** Moves memories to a tier; those that are there already stay out of it, and of its undo. */
  async moveAll(ids: string[], tier: Tier): Promise<void> {
    if (ids.length === 0) return;
    await this.#attempt(async () => {
      const movers = await this.#outside(ids, tier);
      if (movers.length === 0) return this.#toasts.show({ text: t(THERE[tier]) });
      const n = await this.#backend.moveTo(movers, tier);
      this.#undo = () => this.#moveBack(movers, tier === 'goals' ? 'memories' : 'goals');
      await this.#fresh();
      this.#toasts.show({
        text: t(MOVED[tier], { n }),
        action: { label: t('action.undo'), run: () => void this.undo() },
      });
    });
  }

  async #moveBack(ids: string[], tier: Tier): Promise<void> {
    const n = await this.#backend.moveTo(ids, tier);
    await this.#fresh();
    this.#toasts.show({ text: t('toast.movedBack', { n }) });
  }

  /** Those of them that are not in the tier. */
  async #outside(ids: string[], tier: Tier): Promise<string[]> {
    if (ids.length <= CHUNK) {
      const memories = await this.#backend.some(ids);
      return memories.filter((memory) => memory.tier !== tier).map(({ id }) => id);
    }
    const there = new Set(await this.#backend.ids({ ...NO_FILTERS, tier }, 'newest'));
    return ids.filter((id) => !there.has(id));
  }

  /** Takes back the last deletion or move, once. */
  async undo(): Promise<void> {
    const undo = this.#undo;
    if (!undo) return;
    this.#undo = null;
    await this.#attempt(async () => {
      try {
        await undo();
      } catch (thrown) {
        // It can be tried again.
        this.#undo ??= undo;
        throw thrown;
      }
    });
  }

  /** Throws a `Failure`, which belongs in the dialog. False if the person chose no file. */
  export(ids: string[], format: Format): Promise<boolean> {
    return exportTo(this.#backend, this.#toasts, format, ids);
  }

  /** Nobody reads any longer what is gone. */
  #leave(ids: string[]): void {
    const gone = new Set(ids);
    for (const place of [this.#search, this.#library]) {
      if (place.guest && gone.has(place.guest.id)) place.guest = null;
    }
  }

  async addSamples(): Promise<void> {
    await this.#attempt(async () => {
      const n = await this.#backend.addSamples();
      await this.#fresh();
      this.#toasts.show({ text: t('toast.samplesAdded', { n }) });
    });
  }

  async removeSamples(): Promise<void> {
    await this.#attempt(async () => {
      const n = await this.#backend.removeSamples();
      await this.#fresh();
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
      this.#place.error = toFailure(thrown);
    }
  }
}
