import { toFailure, type Backend, type Failure, type ModelInfo, type Phase, type Status } from '../backend';
import { t, type Key } from '../strings';
import { size } from './amounts';
import { debounce } from './debounce';
import { affectsModels, endedDownloads } from './modelState';
import { Sequence } from './sequence';
import type { Toasts } from './toasts.svelte';

/** Phases may follow each other within a moment; only where one stays is worth hearing. */
const PAUSE_MS = 700;
/** Stand for the change of model, and for an import of no model in the list, where failures are kept by id. */
export const SWITCH = ' switch';
export const IMPORT = ' import';

const phases: Record<Phase, Key> = {
  checking: 'said.checking',
  downloading: 'said.downloading',
  verifying: 'said.verifying',
  installing: 'said.installing',
};

/** The models there are and could be, and what a person does with them. */
export class Models {
  /** None until it was asked for and answered. */
  list = $state.raw<ModelInfo[] | null>(null);
  /** Why there is no list. */
  error = $state.raw<Failure | null>(null);
  /** What could not be done, by the id of the model. It goes with the next try. */
  failures = $state.raw<Readonly<Record<string, Failure>>>({});
  /** The models whose files are being compared. */
  verifying = $state.raw<readonly string[]>([]);
  /** What a screen reader is told of downloads and of a change of model. */
  said = $state('');

  readonly #backend: Backend;
  readonly #toasts: Toasts;
  readonly #sequence = new Sequence();
  readonly #say = debounce((text: string) => (this.said = text), PAUSE_MS);
  /** Downloads that a person gave up: their end is not an installation. */
  readonly #dropped = new Set<string>();
  #asked = false;

  constructor(backend: Backend, toasts: Toasts) {
    this.#backend = backend;
    this.#toasts = toasts;
  }

  /** Follows the status: fetches the list anew where it may be another, and tells what came to its end. */
  hear(before: Status | null, now: Status): void {
    if (before?.state === 'open' && now.state === 'open') {
      for (const id of endedDownloads(before, now)) {
        if (!this.#dropped.delete(id))
          this.#toasts.show({ text: t('toast.installed', { name: this.name(id) }) });
      }
      if (before.switch && !now.switch && now.model.id === before.switch.model) {
        this.#toasts.show({ text: t('toast.switched', { name: before.switch.name }) });
      }
    }
    this.#say(this.#told(now));
    if (this.#asked && affectsModels(before, now)) void this.load();
  }

  async load(): Promise<void> {
    this.#asked = true;
    const seq = this.#sequence.next();
    try {
      const list = await this.#backend.models();
      if (!this.#sequence.accept(seq)) return;
      this.list = list;
      this.error = null;
    } catch (thrown) {
      if (this.#sequence.accept(seq)) this.error = toFailure(thrown);
    }
  }

  stop(): void {
    this.#say.cancel();
  }

  name(id: string): string {
    return this.list?.find((model) => model.id === id)?.name ?? id;
  }

  /** Also goes on with what was paused or failed. */
  async install(id: string): Promise<void> {
    await this.#attempt(id, () => this.#backend.installModel(id));
  }

  /** Keeps a failure that nobody waited for. */
  fail(id: string, failure: Failure): void {
    this.failures = { ...this.failures, [id]: failure };
  }

  async pause(id: string): Promise<void> {
    await this.#attempt(id, () => this.#backend.pauseDownload(id));
  }

  async cancel(id: string): Promise<void> {
    await this.#attempt(id, async () => {
      this.#dropped.add(id);
      try {
        await this.#backend.cancelDownload(id);
      } catch (thrown) {
        this.#dropped.delete(id);
        throw thrown;
      }
      this.#toasts.show({ text: t('toast.dropped', { name: this.name(id) }) });
    });
  }

  async use(id: string): Promise<void> {
    await this.#attempt(id, async () => {
      await this.#backend.useModel(id);
      await this.load();
    });
  }

  async verify(id: string): Promise<void> {
    if (this.verifying.includes(id)) return;
    this.verifying = [...this.verifying, id];
    await this.#attempt(id, async () => {
      await this.#backend.verifyModel(id);
      this.#toasts.show({ text: t('toast.verified', { name: this.name(id) }) });
    });
    this.verifying = this.verifying.filter((other) => other !== id);
  }

  async remove(id: string): Promise<void> {
    await this.#attempt(id, async () => {
      const name = this.name(id);
      const freed = await this.#backend.removeModel(id);
      this.#toasts.show({ text: t('toast.modelRemoved', { name, size: size(freed) }) });
      await this.load();
    });
  }

  /** Throws a `Failure`, which belongs in the form. */
  async import(path: string, id: string | null): Promise<void> {
    const imported = await this.#backend.importModel(path, id);
    await this.load();
    this.#toasts.show({ text: t('toast.installed', { name: this.name(imported) }) });
  }

  /** Throws a `Failure`, which belongs in the question. */
  hosts(id: string): Promise<string[]> {
    return this.#backend.modelHosts(id);
  }

  async pauseSwitch(paused: boolean): Promise<void> {
    await this.#attempt(SWITCH, () => this.#backend.pauseSwitch(paused));
  }

  /** Chooses the model of a change once more, or the one in use, which ends the change. */
  async goTo(id: string): Promise<void> {
    await this.#attempt(SWITCH, async () => {
      await this.#backend.useModel(id);
      await this.load();
    });
  }

  forgive(id: string): void {
    const { [id]: _, ...others } = this.failures;
    this.failures = others;
  }

  /** A failure stands where the model is. */
  async #attempt(id: string, act: () => Promise<void>): Promise<void> {
    this.forgive(id);
    try {
      await act();
    } catch (thrown) {
      this.fail(id, toFailure(thrown));
    }
  }

  /** Without numbers: what changes all the time cannot be listened to. */
  #told({ downloads, switch: change }: Status): string {
    const parts = downloads.map((download) => {
      const name = this.name(download.model);
      if (download.state === 'failed') return t('said.failed', { name });
      return t(download.state === 'paused' ? 'said.paused' : phases[download.phase], { name });
    });
    if (change?.error) parts.push(t('said.switchFailed'));
    else if (change)
      parts.push(t(change.paused ? 'said.switchPaused' : 'said.switching', { name: change.name }));
    return parts.join(' ');
  }
}
