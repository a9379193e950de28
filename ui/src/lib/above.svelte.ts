import type { Draft, Memory } from '../backend';
import type { TextFile } from './files';
import { Incoming } from './incoming.svelte';
import type { Memories } from './memories.svelte';

interface Form {
  /** The memory to edit; none to add one. */
  memory: Memory | null;
  /** What the text starts with when adding. */
  text: string;
  /** Which of several it is, where they come one after another. */
  step: { at: number; n: number } | null;
}

/** What stands above the window, one thing at a time: a form, the commands, the list of shortcuts, files to be added. */
export class Above {
  form = $state.raw<Form | null>(null);
  open = $state<'palette' | 'shortcuts' | null>(null);
  readonly incoming: Incoming;

  readonly #memories: Memories;
  /** Texts that are still to come. */
  #queue: TextFile[] = [];
  #count = 0;

  constructor(memories: Memories, isReady: () => boolean) {
    this.#memories = memories;
    this.incoming = new Incoming(
      () => this.busy || !isReady(),
      (texts) => this.addEach(texts),
    );
  }

  /** Something is above the window, from here or from a view. */
  get busy(): boolean {
    return this.open !== null || this.form !== null || document.querySelector('dialog[open]') !== null;
  }

  add(text: string): void {
    this.form = { memory: null, text, step: null };
  }

  edit(memory: Memory): void {
    this.form = { memory, text: '', step: null };
  }

  /** A form for each, one after another. */
  addEach(texts: TextFile[]): void {
    this.incoming.dismiss();
    this.#queue = [...texts];
    this.#count = texts.length;
    this.#next();
  }

  async save(memory: Memory | null, draft: Draft): Promise<void> {
    if (memory) await this.#memories.edit(memory, draft);
    else await this.#memories.add(draft);
  }

  /** The form was saved or left. */
  done(): void {
    this.form = null;
    this.#next();
  }

  /** Leaves whatever is open, and what was to come. */
  dismiss(): void {
    this.#queue = [];
    this.form = null;
    this.open = null;
    this.incoming.dismiss();
  }

  #next(): void {
    const text = this.#queue.shift();
    if (!text) return;
    const at = this.#count - this.#queue.length;
    this.form = { memory: null, text: text.text, step: this.#count > 1 ? { at, n: this.#count } : null };
  }
}
