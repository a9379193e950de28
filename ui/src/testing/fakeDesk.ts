/** The part of the made-up backend that stands for settings, windows and what is on disk. */
import type {
  Backup,
  Choose,
  Folder,
  Format,
  ImportPreview,
  Imported,
  MainView,
  Settings,
  SettingsChange,
  Sizes,
} from '../backend';
import { backups, importPreview, settings, sizes } from './desk';
import { fail, FakePapr } from './fakePapr';

/** What the person types is told to the shell in one language. */
const DELETE = 'delete everything';

export abstract class FakeDesk extends FakePapr {
  chosen: Settings = settings();
  disk: Sizes = sizes();
  saved: Backup[] = backups();
  file: ImportPreview = importPreview();
  report = 'Papr Desktop 0.1.0\nLinux, x86_64\n12 memories';
  /** What the next questions for a file or folder are answered with; then nothing is chosen. */
  paths: (string | null)[] = [];
  /** All was deleted. */
  wiped = false;

  readonly #listeners = {
    settings: new Set<(settings: Settings) => void>(),
    view: new Set<(view: MainView) => void>(),
  };

  /** Something else changed the settings: the tray, another window. */
  setSettings(over: Partial<Settings>): void {
    this.chosen = { ...this.chosen, ...over };
    this.#listeners.settings.forEach((listen) => listen(this.chosen));
  }

  emitView(view: MainView): void {
    this.#listeners.view.forEach((listen) => listen(view));
  }

  async settings(): Promise<Settings> {
    await this.enter('settings');
    return this.chosen;
  }

  async changeSettings(change: SettingsChange): Promise<Settings> {
    await this.enter('changeSettings', change);
    const over = Object.fromEntries(
      Object.entries(change).filter(([, value]) => value !== undefined && value !== null),
    ) as Partial<Settings>;
    if (change.shortcut === '') over.shortcut = null;
    this.setSettings(over);
    if (change.shortcut !== undefined && change.shortcut !== null) {
      const keys = change.shortcut.replace('CmdOrCtrl', 'Ctrl');
      this.setStatus({ shortcut: { keys, registered: keys !== '', problem: null } });
    }
    if (change.operationsPerMonth) this.setSync({ budget: change.operationsPerMonth });
    return this.chosen;
  }

  async pin(id: string, pinned: boolean): Promise<Settings> {
    await this.enter('pin', id, pinned);
    const others = this.chosen.pinned.filter((other) => other !== id);
    this.setSettings({ pinned: pinned ? [id, ...others] : others });
    return this.chosen;
  }

  override async setLocalOnly(on: boolean): Promise<void> {
    await super.setLocalOnly(on);
    this.setSettings({ localOnly: on });
  }

  override async setBudget(operations: number): Promise<void> {
    await super.setBudget(operations);
    this.setSettings({ operationsPerMonth: operations });
  }

  showView(view: MainView): Promise<void> {
    return this.enter('showView', view);
  }

  async sizes(): Promise<Sizes> {
    await this.enter('sizes');
    return this.disk;
  }

  reveal(folder: Folder): Promise<void> {
    return this.enter('reveal', folder);
  }

  async moveData(folder: string): Promise<void> {
    await this.enter('moveData', folder);
    this.disk = { ...this.disk, folder };
    this.setStatus({ dataFolder: folder });
  }

  async diagnostics(): Promise<string> {
    await this.enter('diagnostics');
    return this.report;
  }

  async choose(what: Choose, suggested: string | null): Promise<string | null> {
    await this.enter('choose', what, suggested);
    return this.paths.shift() ?? null;
  }

  async exportMemories(path: string, format: Format, ids: string[] | null): Promise<number> {
    await this.enter('exportMemories', path, format, ids);
    return ids ? ids.length : this.kept.length;
  }

  async previewImport(path: string): Promise<ImportPreview> {
    await this.enter('previewImport', path);
    return this.file;
  }

  async importMemories(path: string): Promise<Imported> {
    await this.enter('importMemories', path);
    const { fresh, known, bad, badLines } = this.file;
    return { added: fresh, known, bad, badLines };
  }

  async backups(): Promise<Backup[]> {
    await this.enter('backups');
    return this.saved;
  }

  async backUp(): Promise<Backup> {
    await this.enter('backUp');
    const madeAt = new Date().toISOString();
    const made = { name: `memories-${madeAt.slice(0, 10)}-now.jsonl.zst`, madeAt, kilobytes: 921 };
    this.saved = [made, ...this.saved];
    return made;
  }

  restoreBackup(name: string): Promise<void> {
    return this.enter('restoreBackup', name);
  }

  async deleteEverything(typed: string): Promise<void> {
    await this.enter('deleteEverything', typed);
    if (typed !== DELETE) throw fail('REFUSED', 'the words are not those that were asked for');
    this.wiped = true;
  }

  onSettings(listener: (settings: Settings) => void): () => void {
    return listen(this.#listeners.settings, listener);
  }

  onOpenView(listener: (view: MainView) => void): () => void {
    return listen(this.#listeners.view, listener);
  }
}

/** Adds a listener; returns what takes it away. */
export function listen<T>(listeners: Set<T>, listener: T): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}
