/**
 * The one door between the views and the desktop shell. It leaves out windows, files and events by
 * name: a view knows only what is listed here, so a test can stand in for all of it.
 */
import type {
  Facets,
  Filters,
  Listing,
  Memory,
  Mode,
  ModelInfo,
  Place,
  Reply,
  Report,
  Sort,
  Status,
  Tier,
} from './bindings';

export type {
  AppError,
  Download,
  ErrorCode,
  FacetCount,
  Facets,
  Filters,
  Finding,
  Hit,
  Listing,
  Memory,
  Mode,
  Model,
  ModelInfo,
  Phase,
  Place,
  Reply,
  Report,
  Sort,
  Source,
  Span,
  Status,
  Switch,
  Tier,
  TierCounts,
  Timings,
  Verdict,
  Why,
} from './bindings';
export { Failure, toFailure } from './failure';

/** A part of what is found. */
export interface Page {
  /** How many of the first hits are left out. */
  skip: number;
  /** How many hits at most. */
  limit: number;
}

export interface Query {
  /** May hold filters of its own: `topic:`, `tier:`, `before:`, `after:`. */
  text: string;
  filters: Filters;
  sort: Sort;
  mode: Mode;
  /** Counted over both tiers. The ranking stays as it is while its pages are asked for. */
  page: Page;
  /** Rises with every request of one window; a reply carries it back. */
  seq: number;
}

export interface Draft {
  content: string;
  tier: Tier;
  topics: string[];
}

export type Unlisten = () => void;

/** Every call rejects with a `Failure` and with nothing else. */
export interface Backend {
  search(query: Query): Promise<Reply>;
  status(): Promise<Status>;
  /** By the time they last changed, from behind `after` on; by relevance means the newest first. */
  list(filters: Filters, sort: Sort, after: Place | null, limit: number): Promise<Listing>;
  /** What the memories that pass can be filtered by, each counted, the most frequent first. */
  facets(filters: Filters): Promise<Facets>;
  get(id: string): Promise<Memory>;
  add(draft: Draft): Promise<Memory>;
  /** Fails with CONFLICT when `rev` is not the stored one. */
  edit(id: string, rev: number, draft: Draft): Promise<Memory>;
  /** How many were deleted. */
  remove(ids: string[]): Promise<number>;
  /** How many deletions were taken back. */
  restore(ids: string[]): Promise<number>;
  addSamples(): Promise<number>;
  removeSamples(): Promise<number>;
  /** Brings the main window to the front, on this memory if one is named. */
  showMain(id: string | null): Promise<void>;
  hideQuick(): Promise<void>;
  /** Opens the store and loads the model again. */
  retry(): Promise<Status>;

  /** All models: those that are there and those that could be. */
  models(): Promise<ModelInfo[]>;
  /** The hosts that fetching a model would contact. */
  modelHosts(id: string): Promise<string[]>;
  /** Begins to fetch and install a model, or goes on where that was paused or failed; the status tells how far it is. */
  installModel(id: string): Promise<void>;
  /** What was fetched stays. */
  pauseDownload(id: string): Promise<void>;
  /** What was fetched is deleted. */
  cancelDownload(id: string): Promise<void>;
  /** Searches use it once it has read every memory; choosing the one in use ends a change that is under way. */
  useModel(id: string): Promise<void>;
  pauseSwitch(paused: boolean): Promise<void>;
  /** Thousands of bytes that are free again. */
  removeModel(id: string): Promise<number>;
  /** From a folder on this machine; `id` says which model it is where the files do not. Returns the id. */
  importModel(path: string, id: string | null): Promise<string>;
  /** Compares every byte with the manifest; fails where one is another. */
  verifyModel(id: string): Promise<void>;
  /** Some seconds. */
  doctor(): Promise<Report>;

  onStatus(listener: (status: Status) => void): Unlisten;
  onOpenMemory(listener: (id: string) => void): Unlisten;
  onQuickShown(listener: () => void): Unlisten;
}
