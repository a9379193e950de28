/** A whole backend in memory, for tests and for looking at the interface in a browser. */
import {
  Failure,
  type AppError,
  type Backend,
  type Download,
  type Draft,
  type Facets,
  type Filters,
  type Listing,
  type Memory,
  type ModelInfo,
  type Place,
  type Query,
  type Reply,
  type Report,
  type Sort,
  type Status,
} from '../backend';
import { listen } from './fakeDesk';
import { FakeLibrary } from './fakeLibrary';
import { fail, type Method } from './fakePapr';
import { memory, status } from './fixtures';
import { countTiers, facets, find, list, type Marks } from './found';
import { catalogue, change, download, report, stopped } from './models';

/** What does not wait for the memories to be open. */
const AT_ONCE: Method[] = [
  'status',
  'settings',
  'changeSettings',
  'showMain',
  'showView',
  'hideQuick',
  'resizeQuick',
  'tellNetwork',
  'openLink',
  'reveal',
  'diagnostics',
  'choose',
];

/** Whose answers a test can hold back. */
type Held = 'facets' | 'list' | 'ids' | 'some' | 'related' | 'detail';

export class FakeBackend extends FakeLibrary implements Backend {
  kept: Memory[];
  gone: Memory[] = [];
  info: Status;
  /** Every call with its arguments, in order. */
  calls: [Method, ...unknown[]][] = [];
  /** While true, searches wait until `release` names them by text. */
  holding = false;
  /** What is known of memories beside what they say, by id. */
  marks: Record<string, Marks> = {};
  readonly marksOf = (id: string): Marks => this.marks[id] ?? {};
  /** Words the reply says it fell back to. */
  degraded: string | null = null;
  /** Who serves is taken from the status. */
  shelf: ModelInfo[] = catalogue();
  found: Report = report();
  /** Milliseconds before each answer; the mock page uses it, tests use `holding`. */
  delay = 0;

  #failures = new Map<Method, AppError>();
  /** Calls that wait until the memories are open. */
  #early: (() => void)[] = [];
  #held: { query: Query; answer: () => void }[] = [];
  /** Answers of these methods that wait, in the order they were asked for. */
  #waiting = new Map<Method, (() => void)[]>();
  #listeners = {
    status: new Set<(status: Status) => void>(),
    open: new Set<(id: string, edit: boolean) => void>(),
    quick: new Set<() => void>(),
  };
  #made = 0;

  constructor(kept: Memory[] = [], info: Partial<Status> = {}) {
    super();
    this.kept = kept;
    this.info = status(info);
    this.#count();
  }

  /** The next call of this method fails. */
  failNext(method: Method, error: Partial<AppError> & Pick<AppError, 'code'>): void {
    this.#failures.set(method, { message: 'It failed.', hint: null, retryable: true, ...error });
  }

  /** Answers the held search for this text. */
  release(text: string): void {
    const i = this.#held.findIndex((held) => held.query.text === text);
    const [held] = this.#held.splice(i, 1);
    if (i < 0 || !held) throw new Error(`no held search for ${text}`);
    held.answer();
  }

  /** From now on, answers of this method wait until `letGo`. */
  hold(method: Held): void {
    this.#waiting.set(method, []);
  }

  /** Lets the answer go that is at this place among those that wait. */
  letGo(method: Held, at = 0): void {
    const [answer] = this.#waiting.get(method)?.splice(at, 1) ?? [];
    if (!answer) throw new Error(`no answer of ${method} waits`);
    answer();
  }

  called(method: Method): unknown[][] {
    return this.calls.filter(([name]) => name === method).map(([, ...args]) => args);
  }

  setStatus(over: Partial<Status>): void {
    const early = this.info.state === 'opening';
    this.info = { ...this.info, ...over };
    if (early && this.info.state !== 'opening') {
      this.#count();
      this.#early.splice(0).forEach((go) => go());
    }
    this.#listeners.status.forEach((listen) => listen(this.info));
  }

  emitOpen(id: string, edit = false): void {
    this.#listeners.open.forEach((listen) => listen(id, edit));
  }

  emitQuickShown(): void {
    this.#listeners.quick.forEach((listen) => listen());
  }

  async search(query: Query): Promise<Reply> {
    await this.enter('search', query);
    if (this.holding) await new Promise<void>((answer) => this.#held.push({ query, answer }));
    const timings = { tokenize: 180, embed: 5700, vector: 420, words: 610, fetch: 300, total: 8900 };
    return { ...find(this.kept, query, this.marksOf), timings, degraded: this.degraded };
  }

  async status(): Promise<Status> {
    await this.enter('status');
    return this.info;
  }

  async list(filters: Filters, sort: Sort, after: Place | null, limit: number): Promise<Listing> {
    await this.enter('list', filters, sort, after, limit);
    await this.wait('list');
    return list(this.kept, filters, sort === 'oldest', after, limit, this.marksOf);
  }

  async facets(filters: Filters): Promise<Facets> {
    await this.enter('facets', filters);
    // It was counted before the answer set out: a late one tells of the past.
    const counted = facets(this.kept, filters, this.marksOf);
    await this.wait('facets');
    return counted;
  }

  async get(id: string): Promise<Memory> {
    await this.enter('get', id);
    return this.#find(id);
  }

  async add(draft: Draft): Promise<Memory> {
    await this.enter('add', draft);
    const time = new Date().toISOString();
    const added = memory({ ...draft, id: `new-${++this.#made}`, createdAt: time, updatedAt: time });
    this.kept = [added, ...this.kept];
    this.changed();
    return added;
  }

  async edit(id: string, rev: number, draft: Draft): Promise<Memory> {
    await this.enter('edit', id, rev, draft);
    const before = this.#find(id);
    if (before.rev !== rev) throw fail('CONFLICT', 'The memory was changed meanwhile.');
    const after = { ...before, ...draft, rev: rev + 1, updatedAt: new Date().toISOString() };
    this.kept = this.kept.map((kept) => (kept.id === id ? after : kept));
    this.changed();
    return after;
  }

  async remove(ids: string[]): Promise<number> {
    await this.enter('remove', ids);
    const removed = this.kept.filter((kept) => ids.includes(kept.id));
    this.gone.push(...removed);
    this.kept = this.kept.filter((kept) => !ids.includes(kept.id));
    this.changed();
    return removed.length;
  }

  async restore(ids: string[]): Promise<number> {
    await this.enter('restore', ids);
    const back = this.gone.filter((gone) => ids.includes(gone.id));
    this.gone = this.gone.filter((gone) => !ids.includes(gone.id));
    this.kept = [...this.kept, ...back].sort((a, b) => b.updatedAt.localeCompare(a.updatedAt));
    this.changed();
    return back.length;
  }

  async addSamples(): Promise<number> {
    await this.enter('addSamples');
    const samples = ['Sample one', 'Sample two'].map((content, i) =>
      memory({ id: `sample-${i}`, content, source: 'sample' }),
    );
    this.kept = [...this.kept, ...samples];
    this.changed();
    return samples.length;
  }

  async removeSamples(): Promise<number> {
    await this.enter('removeSamples');
    const before = this.kept.length;
    this.kept = this.kept.filter((kept) => kept.source !== 'sample');
    this.changed();
    return before - this.kept.length;
  }

  showMain(id: string | null, edit = false): Promise<void> {
    return this.enter('showMain', id, ...(edit ? [edit] : []));
  }

  resizeQuick(height: number): Promise<void> {
    return this.enter('resizeQuick', height);
  }

  hideQuick(): Promise<void> {
    return this.enter('hideQuick');
  }

  async retry(): Promise<Status> {
    await this.enter('retry');
    return this.info;
  }

  async models(): Promise<ModelInfo[]> {
    await this.enter('models');
    return this.shelf.map((model) => ({ ...model, serving: model.id === this.info.model.id }));
  }

  async modelHosts(id: string): Promise<string[]> {
    await this.enter('modelHosts', id);
    return ['huggingface.co', '*.huggingface.co', '*.hf.co'];
  }

  async installModel(id: string): Promise<void> {
    await this.enter('installModel', id);
    const before = this.info.downloads.find((one) => one.model === id);
    this.#setDownload(
      download({ phase: 'checking', ...stopped, ...before, model: id, state: 'running', error: null }),
    );
  }

  async pauseDownload(id: string): Promise<void> {
    await this.enter('pauseDownload', id);
    const before = this.info.downloads.find((one) => one.model === id);
    if (before) this.#setDownload({ ...before, ...stopped, state: 'paused' });
  }

  async cancelDownload(id: string): Promise<void> {
    await this.enter('cancelDownload', id);
    this.setStatus({ downloads: this.info.downloads.filter((one) => one.model !== id) });
  }

  async useModel(id: string): Promise<void> {
    await this.enter('useModel', id);
    const { name } = this.#shelved(id);
    const total = this.kept.length;
    this.#shelve((model) => ({ ...model, chosen: model.id === id }));
    this.setStatus({
      switch: id === this.info.model.id ? null : change({ model: id, name, done: 0, total, etaS: null }),
    });
  }

  async pauseSwitch(paused: boolean): Promise<void> {
    await this.enter('pauseSwitch', paused);
    if (this.info.switch) this.setStatus({ switch: { ...this.info.switch, paused } });
  }

  async removeModel(id: string): Promise<number> {
    await this.enter('removeModel', id);
    const { kilobytes } = this.#shelved(id);
    this.shelve(id, { installed: false });
    return kilobytes;
  }

  async importModel(path: string, id: string | null): Promise<string> {
    await this.enter('importModel', path, id);
    const imported = id ?? 'bge-small-en-v1.5';
    this.shelve(imported, { installed: true });
    return imported;
  }

  verifyModel(id: string): Promise<void> {
    return this.enter('verifyModel', id);
  }

  async doctor(): Promise<Report> {
    await this.enter('doctor');
    return this.found;
  }

  onStatus(listener: (status: Status) => void): () => void {
    return listen(this.#listeners.status, listener);
  }

  onOpenMemory(listener: (id: string, edit: boolean) => void): () => void {
    return listen(this.#listeners.open, listener);
  }

  onQuickShown(listener: () => void): () => void {
    return listen(this.#listeners.quick, listener);
  }

  protected async enter(method: Method, ...args: unknown[]): Promise<void> {
    this.calls.push([method, ...args]);
    if (this.delay > 0) await new Promise((done) => setTimeout(done, this.delay));
    if (this.info.state === 'opening' && !AT_ONCE.includes(method)) {
      await new Promise<void>((go) => this.#early.push(go));
    }
    const error = this.#failures.get(method);
    this.#failures.delete(method);
    if (error) throw new Failure(error);
  }

  protected async wait(method: Method): Promise<void> {
    const waiting = this.#waiting.get(method);
    if (waiting) await new Promise<void>((answer) => waiting.push(answer));
  }

  /** Changes what is known of one model. */
  shelve(id: string, over: Partial<ModelInfo>): void {
    this.#shelve((model) => (model.id === id ? { ...model, ...over } : model));
  }

  /** The download that is under way comes to its end. */
  finishDownload(id: string): void {
    this.shelve(id, { installed: true });
    this.setStatus({ downloads: this.info.downloads.filter((one) => one.model !== id) });
  }

  #setDownload(one: Download): void {
    this.setStatus({ downloads: [...this.info.downloads.filter(({ model }) => model !== one.model), one] });
  }

  #shelve(change: (model: ModelInfo) => ModelInfo): void {
    this.shelf = this.shelf.map(change);
  }

  #shelved(id: string): ModelInfo {
    const found = this.shelf.find((model) => model.id === id);
    if (!found) throw fail('INVALID_INPUT', `There is no model ${id}.`);
    return found;
  }

  #find(id: string): Memory {
    const found = this.kept.find((kept) => kept.id === id);
    if (!found) throw fail('NOT_FOUND', 'This memory was deleted.');
    return found;
  }

  #count(): void {
    if (this.info.state === 'opening') return;
    const samples = this.kept.filter((kept) => kept.source === 'sample').length;
    this.info = { ...this.info, counts: countTiers(this.kept), samples };
  }

  protected changed(): void {
    this.#count();
    this.setStatus({});
  }
}
