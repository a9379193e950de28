/**
 * The one door between the views and the desktop shell. It leaves out windows, files and events by
 * name: a view knows only what is listed here, so a test can stand in for all of it.
 */
import type {
  Account,
  Backup,
  Choice,
  Choose,
  CloudReply,
  Conflict,
  Detail,
  Facets,
  Filters,
  Folder,
  Format,
  ImportPreview,
  Imported,
  Ledger,
  Listing,
  MainView,
  Memory,
  Mode,
  ModelInfo,
  OutboxItem,
  Place,
  Related,
  Reply,
  Report,
  ServerSpace,
  ServerVectors,
  Settings,
  SettingsChange,
  SignedIn,
  SignedOut,
  Sizes,
  Sort,
  Status,
  Tier,
  Waiting,
} from './bindings';

export type {
  Account,
  AppError,
  Backup,
  BadLine,
  Choice,
  Choose,
  CloudHit,
  CloudReply,
  Conflict,
  Detail,
  Download,
  ErrorCode,
  FacetCount,
  Facets,
  Filters,
  Finding,
  Folder,
  Format,
  Hit,
  ImportPreview,
  Imported,
  KeySource,
  Language,
  Ledger,
  LedgerEntry,
  Listing,
  MainView,
  Measured,
  Memory,
  Mode,
  Model,
  ModelInfo,
  Move,
  OnEnter,
  OutboxItem,
  Outcome,
  Part,
  Phase,
  Place,
  QuickSettings,
  Related,
  Reply,
  Report,
  ServerSpace,
  ServerVectors,
  Settings,
  SettingsChange,
  SignedIn,
  SignedOut,
  Sizes,
  Sort,
  Source,
  Span,
  Status,
  Switch,
  Sync,
  SyncPhase,
  Theirs,
  Theme,
  Tier,
  TierCounts,
  Timings,
  Totals,
  Verdict,
  Waiting,
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
  /** The ids of all that pass, in order. */
  ids(filters: Filters, sort: Sort): Promise<string[]>;
  /** Memories by id, at most 200; those that are gone are left out. */
  some(ids: string[]): Promise<Memory[]>;
  /** Moves memories to a tier; how many stood in the other. */
  moveTo(ids: string[], tier: Tier): Promise<number>;
  /** What says something like it, the nearest first. */
  related(id: string, limit: number): Promise<Related[]>;
  detail(id: string): Promise<Detail>;

  /** Brings the main window to the front, on this memory if one is named; with `edit` in its form. */
  showMain(id: string | null, edit?: boolean): Promise<void>;
  /** Brings the main window to the front, in this view. */
  showView(view: MainView): Promise<void>;
  hideQuick(): Promise<void>;
  /** Makes the quick window this many CSS pixels high; its upper edge stays. */
  resizeQuick(height: number): Promise<void>;
  /** Opens a link in the system's browser; http, https and mailto only. */
  openLink(url: string): Promise<void>;

  settings(): Promise<Settings>;
  /** All of it or nothing: what the system refuses is told, and all stays as it was. */
  changeSettings(change: SettingsChange): Promise<Settings>;
  /** Puts a memory first in the quick window, or no more. */
  pin(id: string, pinned: boolean): Promise<Settings>;
  sizes(): Promise<Sizes>;
  reveal(folder: Folder): Promise<void>;
  /** Moves everything into an empty folder, or one that is yet to be. */
  moveData(folder: string): Promise<void>;
  /** How the app is doing, to be sent to somebody: no memory, no key, no name of a person. */
  diagnostics(): Promise<string>;
  /** Asks for a file or folder; null if the person chose none. */
  choose(what: Choose, suggested: string | null): Promise<string | null>;
  /** Those memories, or all; how many were written. */
  exportMemories(path: string, format: Format, ids: string[] | null): Promise<number>;
  /** What importing a file would do. Changes nothing. */
  previewImport(path: string): Promise<ImportPreview>;
  importMemories(path: string): Promise<Imported>;
  /** Newest first. */
  backups(): Promise<Backup[]>;
  backUp(): Promise<Backup>;
  /** Puts a backup in place of all memories; what was there is set aside. */
  restoreBackup(name: string): Promise<void>;
  /** Deletes all that the app ever kept, the key included, and quits. `typed` is what the person typed to confirm. */
  deleteEverything(typed: string): Promise<void>;
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
  /** What there is of Papr’s own vectors, and what they are good for. */
  serverSpace(): Promise<ServerSpace>;
  /** Whether Papr’s own vectors are fetched; asks for a whole sync where they are to come. */
  setServerVectors(form: ServerVectors): Promise<ServerSpace>;
  /** Embeds a handful of memories and compares. */
  matchServerSpace(): Promise<ServerSpace>;
  /** Some seconds. */
  doctor(): Promise<Report>;

  /** Who is signed in, or was last. May ask the keychain, and with it the person: not to be called unasked. */
  account(): Promise<Account | null>;
  /** Asks Papr whether it accepts the key, and keeps it if so; `thisRun` only until the app ends. */
  signIn(key: string, thisRun: boolean): Promise<SignedIn>;
  /** With `wipe` everything of the account's goes from this machine; otherwise a copy stays. */
  signOut(wipe: boolean): Promise<SignedOut>;
  /** How many memories of nobody could be given to the account. */
  adoptable(): Promise<number>;
  /** The first `limit` of them, oldest first, to be shown before. */
  toAdopt(limit: number): Promise<Memory[]>;
  /** Gives them to the account; how many. */
  adopt(): Promise<number>;
  /** Asks for a sync; the status tells how it goes. With `whole` both tiers are looked at. */
  syncNow(whole: boolean): Promise<void>;
  pauseSync(paused: boolean): Promise<void>;
  /** Once this is answered with `on`, nothing is sent and nothing fetched. */
  setLocalOnly(on: boolean): Promise<void>;
  /** What Papr's plan allows in a month. */
  setBudget(operations: number): Promise<void>;
  /** What Papr has yet to hear. */
  outbox(): Promise<OutboxItem[]>;
  /** How one memory stands with Papr; null if Papr has heard of all of it, or is not to. */
  waiting(id: string): Promise<Waiting | null>;
  conflicts(): Promise<Conflict[]>;
  resolve(id: string, choice: Choice): Promise<void>;
  /** What left this device: sums, and the newest `limit` requests. */
  ledger(limit: number): Promise<Ledger>;
  /** Writes every request that is kept to a file; how many. */
  exportLedger(path: string): Promise<number>;
  /** Sends a question to Papr's own search: only at a person's press. */
  askPapr(question: string, limit: number): Promise<CloudReply>;
  /** Keeps a memory that Papr's search found; its id here. */
  keepFromPapr(remote: string): Promise<string>;
  /** Tells Papr whether an answer of its search helped. */
  tellPapr(searchId: string, helped: boolean, about: string[]): Promise<void>;
  /** Tells what the window knows of the network. */
  tellNetwork(online: boolean): Promise<void>;

  onStatus(listener: (status: Status) => void): Unlisten;
  onSettings(listener: (settings: Settings) => void): Unlisten;
  onOpenMemory(listener: (id: string, edit: boolean) => void): Unlisten;
  onOpenView(listener: (view: MainView) => void): Unlisten;
  onQuickShown(listener: () => void): Unlisten;
}
