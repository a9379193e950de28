export interface Toast {
  text: string;
  action?: { label: string; run: () => void };
}

/** Time to read a line, look at the list and decide for "Undo". */
const SHOWN_MS = 8000;

/** The one message about something done. A newer one takes its place. */
export class Toasts {
  current = $state.raw<Toast | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  show(toast: Toast): void {
    this.current = toast;
    this.resume();
  }

  /** While the pointer or the focus is on it, it stays. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  resume(): void {
    this.pause();
    this.#timer = setTimeout(() => this.dismiss(), SHOWN_MS);
  }

  dismiss(): void {
    this.pause();
    this.current = null;
  }

  act(): void {
    const action = this.current?.action;
    this.dismiss();
    action?.run();
  }
}
