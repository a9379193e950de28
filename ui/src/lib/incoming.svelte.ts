import { t } from '../strings';
import { judge, readTexts, type Pile, type TextFile } from './files';

/** Text that comes into the window from outside: files that are dragged onto it, and what is pasted beside a field. */
export class Incoming {
  /** Files are held over the window. */
  over = $state(false);
  /** Several, or some that are refused: there is something to say or to choose. */
  pile = $state.raw<Pile | null>(null);

  readonly #isBusy: () => boolean;
  readonly #add: (texts: TextFile[]) => void;
  /** How many elements the pointer is in; the window is left with the last one. */
  #depth = 0;

  /** `isBusy`: something else is asked for, and nothing is taken. */
  constructor(isBusy: () => boolean, add: (texts: TextFile[]) => void) {
    this.#isBusy = isBusy;
    this.#add = add;
  }

  start(): () => void {
    const ends = new AbortController();
    const on = <E extends Event>(type: string, listen: (event: E) => void) =>
      window.addEventListener(type, listen as (event: Event) => void, { signal: ends.signal });
    on<DragEvent>('dragenter', (event) => this.#enter(event));
    on<DragEvent>('dragover', (event) => this.#hold(event));
    on<DragEvent>('dragleave', () => this.#leave());
    on<DragEvent>('drop', (event) => this.#drop(event));
    on<ClipboardEvent>('paste', (event) => this.#paste(event));
    // WebKit lets ⌘V do something beside a field only where this is claimed.
    on('beforepaste', (event) => !inField(event.target) && event.preventDefault());
    return () => ends.abort();
  }

  dismiss(): void {
    this.pile = null;
  }

  #enter(event: DragEvent): void {
    if (!holdsFiles(event.dataTransfer)) return;
    event.preventDefault();
    this.#depth += 1;
    this.over = !this.#isBusy();
  }

  #hold(event: DragEvent): void {
    if (!event.dataTransfer || !holdsFiles(event.dataTransfer)) return;
    // Otherwise the window would go to the file, as to a page.
    event.preventDefault();
    event.dataTransfer.dropEffect = this.#isBusy() ? 'none' : 'copy';
  }

  #leave(): void {
    this.#depth = Math.max(0, this.#depth - 1);
    if (this.#depth === 0) this.over = false;
  }

  #drop(event: DragEvent): void {
    this.#depth = 0;
    this.over = false;
    if (!holdsFiles(event.dataTransfer)) return;
    event.preventDefault();
    if (!this.#isBusy()) void this.#take([...(event.dataTransfer?.files ?? [])]);
  }

  #paste(event: ClipboardEvent): void {
    if (event.defaultPrevented || inField(event.target) || this.#isBusy()) return;
    const files = [...(event.clipboardData?.files ?? [])];
    const text = event.clipboardData?.getData('text/plain') ?? '';
    if (text.trim() !== '') {
      event.preventDefault();
      const one = judge(t('files.pasted'), text);
      this.#show('text' in one ? { texts: [one], refused: [] } : { texts: [], refused: [one] });
    } else if (files.length > 0) {
      event.preventDefault();
      void this.#take(files);
    }
  }

  async #take(files: File[]): Promise<void> {
    if (files.length === 0) return;
    const pile = await readTexts(files);
    if (!this.#isBusy()) this.#show(pile);
  }

  #show(pile: Pile): void {
    if (pile.texts.length === 1 && pile.refused.length === 0) this.#add(pile.texts);
    else this.pile = pile;
  }
}

function holdsFiles(data: DataTransfer | null): boolean {
  return data !== null && [...data.types].includes('Files');
}

/** Typing and pasting go into a text field. */
export function inField(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) return true;
  return target instanceof HTMLElement && target.isContentEditable;
}
