import { toFailure, type Backend, type CloudReply, type Failure } from '../backend';
import { t } from '../strings';
import type { Toasts } from './toasts.svelte';

const LIMIT = 10;

/** What Papr's own search said to one question. It is asked at a person's press and never otherwise. */
export class Cloud {
  /** The question that was sent last. */
  asked = $state<string | null>(null);
  busy = $state(false);
  reply = $state.raw<CloudReply | null>(null);
  error = $state.raw<Failure | null>(null);
  /** Memories that are being fetched, by Papr's name of them. */
  keeping = $state.raw<readonly string[]>([]);
  /** What could not be done with one of them. */
  failures = $state.raw<Readonly<Record<string, Failure>>>({});
  /** What Papr was told of each. */
  told = $state.raw<Readonly<Record<string, boolean>>>({});
  readonly #backend: Backend;
  readonly #toasts: Toasts;

  constructor(backend: Backend, toasts: Toasts) {
    this.#backend = backend;
    this.#toasts = toasts;
  }

  async ask(question: string): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.asked = question;
    this.reply = this.error = null;
    this.failures = {};
    this.told = {};
    try {
      this.reply = await this.#backend.askPapr(question, LIMIT);
    } catch (thrown) {
      this.error = toFailure(thrown);
    } finally {
      this.busy = false;
    }
  }

  async keep(remote: string): Promise<void> {
    if (this.keeping.includes(remote)) return;
    this.keeping = [...this.keeping, remote];
    await this.#attempt(remote, async () => {
      const here = await this.#backend.keepFromPapr(remote);
      this.#toasts.show({ text: t('toast.kept') });
      if (!this.reply) return;
      const hits = this.reply.hits.map((hit) => (hit.remote === remote ? { ...hit, here } : hit));
      this.reply = { ...this.reply, hits };
    });
    this.keeping = this.keeping.filter((other) => other !== remote);
  }

  /** Each is told once. */
  async tell(remote: string, helped: boolean): Promise<void> {
    const searchId = this.reply?.searchId;
    if (!searchId || remote in this.told) return;
    this.told = { ...this.told, [remote]: helped };
    const told = await this.#attempt(remote, () => this.#backend.tellPapr(searchId, helped, [remote]));
    if (told) return;
    const { [remote]: _, ...others } = this.told;
    this.told = others;
  }

  async #attempt(remote: string, act: () => Promise<void>): Promise<boolean> {
    const { [remote]: _, ...others } = this.failures;
    this.failures = others;
    try {
      await act();
      return true;
    } catch (thrown) {
      this.failures = { ...this.failures, [remote]: toFailure(thrown) };
      return false;
    }
  }
}
