import { toFailure, type Backend, type Failure, type Settings, type SettingsChange } from '../backend';

export type SettingName = keyof SettingsChange;

/** What a person chose, the same in every window: loaded once, then followed. */
export class SettingsWatch {
  /** None until they were answered for the first time. */
  current = $state.raw<Settings | null>(null);
  /** They could not be read. */
  error = $state.raw<Failure | null>(null);
  /** What was refused, by what it was about. */
  failures = $state.raw<Readonly<Partial<Record<SettingName, Failure>>>>({});
  /** What was kept last, and how many times something was: said once each time. */
  saved = $state.raw<{ name: SettingName; times: number } | null>(null);

  readonly #backend: Backend;
  readonly #changed: (settings: Settings) => void;
  /** As the shell last told; what was pressed since stands in `current` before it is answered. */
  #told: Settings | null = null;
  #heard = 0;
  /** Changes under way, oldest first. */
  #open: SettingsChange[] = [];
  #times = 0;

  /** `changed` hears of every state, the guessed ones too. */
  constructor(backend: Backend, changed: (settings: Settings) => void = () => {}) {
    this.#backend = backend;
    this.#changed = changed;
  }

  /** Starts to listen and loads; returns what stops it. */
  start(): () => void {
    const stop = this.#backend.onSettings((settings) => this.#take(settings));
    void this.load();
    return stop;
  }

  async load(): Promise<void> {
    const heard = this.#heard;
    try {
      const settings = await this.#backend.settings();
      this.error = null;
      // An event that overtook the answer is the newer of the two.
      if (heard === this.#heard) this.#take(settings);
    } catch (thrown) {
      this.error = toFailure(thrown);
    }
  }

  /** Shows the change at once and takes it back if it is refused. Whether it was kept. */
  async change(change: SettingsChange): Promise<boolean> {
    const names = Object.keys(change) as SettingName[];
    this.#forgive(names);
    this.#open.push(change);
    this.#show();
    try {
      const settings = await this.#backend.changeSettings(change);
      this.#close(change);
      this.#take(settings);
      const [name] = names;
      if (name) this.saved = { name, times: ++this.#times };
      return true;
    } catch (thrown) {
      this.#close(change);
      this.#show();
      const failure = toFailure(thrown);
      this.failures = { ...this.failures, ...Object.fromEntries(names.map((name) => [name, failure])) };
      return false;
    }
  }

  #forgive(names: SettingName[]): void {
    const entries = Object.entries(this.failures).filter(([name]) => !names.includes(name as SettingName));
    this.failures = Object.fromEntries(entries);
  }

  #close(change: SettingsChange): void {
    this.#open = this.#open.filter((other) => other !== change);
  }

  #take(settings: Settings): void {
    this.#heard += 1;
    this.#told = settings;
    this.#show();
  }

  #show(): void {
    if (!this.#told) return;
    let shown = this.#told;
    for (const change of this.#open) shown = { ...shown, ...asSettings(change) };
    this.current = shown;
    this.#changed(shown);
  }
}

/** What a change will have made of the settings. Whether there is a shortcut only the system knows. */
function asSettings({ shortcut: _, ...change }: SettingsChange): Partial<Settings> {
  const given = Object.entries(change).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(given);
}
