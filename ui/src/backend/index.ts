/**
 * The one door between the views and the desktop shell. It leaves out windows, files and events by
 * name: a view knows only what is listed here, so a test can stand in for all of it.
 */
import type { Memory, Mode, Reply, Status, Tier } from './bindings';

export type {
  AppError,
  ErrorCode,
  Hit,
  Memory,
  Mode,
  Model,
  Reply,
  Source,
  Span,
  Status,
  Tier,
  TierCounts,
  Timings,
  Why,
} from './bindings';
export { Failure, toFailure } from './failure';

export interface Query {
  text: string;
  /** How many hits at most, over both tiers. */
  limit: number;
  /** Null searches both tiers. */
  tier: Tier | null;
  mode: Mode;
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
  /** Newest first. */
  recent(limit: number, tier: Tier | null): Promise<Memory[]>;
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

  onStatus(listener: (status: Status) => void): Unlisten;
  onOpenMemory(listener: (id: string) => void): Unlisten;
  onQuickShown(listener: () => void): Unlisten;
}
