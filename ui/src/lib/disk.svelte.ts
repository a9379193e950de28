import {
  toFailure,
  type Backend,
  type Backup,
  type Failure,
  type Folder,
  type Format,
  type ImportPreview,
  type Imported,
  type Sizes,
} from '../backend';
import { locale, t } from '../strings';
import { size } from './amounts';
import { longDate } from './dates';
import { exportTo } from './exporting';
import type { Toasts } from './toasts.svelte';

/** Where a failure stands. */
export type DiskPlace = 'sizes' | 'folder' | 'import' | 'backups' | 'help';

/** A file whose memories could come. */
export interface Import {
  path: string;
  preview: ImportPreview;
}

/** What is kept on disk, as long as somebody looks at it, and what a person does with it. */
export class Disk {
  sizes = $state.raw<Sizes | null>(null);
  backups = $state.raw<Backup[] | null>(null);
  failures = $state.raw<Readonly<Partial<Record<DiskPlace, Failure>>>>({});
  /** What is under way. */
  busy = $state<'reading' | 'backingUp' | null>(null);

  readonly #backend: Backend;
  readonly #toasts: Toasts;

  constructor(backend: Backend, toasts: Toasts) {
    this.#backend = backend;
    this.#toasts = toasts;
  }

  async load(): Promise<void> {
    await Promise.all([
      this.#attempt('sizes', async () => void (this.sizes = await this.#backend.sizes())),
      this.#attempt('backups', async () => void (this.backups = await this.#backend.backups())),
    ]);
  }

  async reveal(folder: Folder): Promise<void> {
    await this.#attempt(folder === 'logs' ? 'help' : 'folder', () => this.#backend.reveal(folder));
  }

  /** An empty folder to move to; none if the person chose none. */
  async chooseFolder(): Promise<string | null> {
    return (await this.#attempt('folder', () => this.#backend.choose('folder', null))) ?? null;
  }

  /** Throws a `Failure`, which belongs in the question. */
  async move(folder: string): Promise<void> {
    await this.#backend.moveData(folder);
    this.#toasts.show({ text: t('move.done', { folder }) });
    await this.load();
  }

  /** Whether it was written; not where the person chose no file. Throws a `Failure`, which belongs in the question. */
  export(format: Format): Promise<boolean> {
    return exportTo(this.#backend, this.#toasts, format, null);
  }

  /** Asks for a file and looks into it. */
  async preview(): Promise<Import | null> {
    if (this.busy) return null;
    this.busy = 'reading';
    const found = await this.#attempt('import', async () => {
      const path = await this.#backend.choose('import', null);
      return path === null ? null : { path, preview: await this.#backend.previewImport(path) };
    });
    this.busy = null;
    return found ?? null;
  }

  /** Throws a `Failure`, which belongs in the question. */
  async import(path: string): Promise<Imported> {
    const done = await this.#backend.importMemories(path);
    this.#toasts.show({ text: t('import.done', { n: done.added }) });
    void this.load();
    return done;
  }

  async backUp(): Promise<void> {
    if (this.busy) return;
    this.busy = 'backingUp';
    await this.#attempt('backups', async () => {
      const { kilobytes } = await this.#backend.backUp();
      this.#toasts.show({ text: t('backup.made', { size: size(kilobytes) }) });
      this.backups = await this.#backend.backups();
      this.sizes = await this.#backend.sizes();
    });
    this.busy = null;
  }

  /** Throws a `Failure`, which belongs in the question. */
  async restore({ name, madeAt }: Backup): Promise<void> {
    await this.#backend.restoreBackup(name);
    this.#toasts.show({ text: t('backup.restored', { when: longDate(madeAt, locale()) }) });
    void this.load();
  }

  async diagnostics(): Promise<string | null> {
    return (await this.#attempt('help', () => this.#backend.diagnostics())) ?? null;
  }

  /** Throws a `Failure`, which belongs in the question. */
  deleteEverything(typed: string): Promise<void> {
    return this.#backend.deleteEverything(typed);
  }

  /** What came of it; nothing where it failed. */
  async #attempt<T>(place: DiskPlace, act: () => Promise<T>): Promise<T | undefined> {
    const { [place]: _, ...others } = this.failures;
    this.failures = others;
    try {
      return await act();
    } catch (thrown) {
      this.failures = { ...this.failures, [place]: toFailure(thrown) };
      return undefined;
    }
  }
}
