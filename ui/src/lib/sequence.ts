/**
 * Numbers the requests of one window, so that a slow old reply never replaces a newer one. A reply
 * to an older keystroke is still welcome while nothing newer has been shown: results then follow
 * fast typing instead of waiting for it to stop.
 */
export class Sequence {
  #last = 0;
  #shown = 0;

  next(): number {
    return ++this.#last;
  }

  /** True at most once per number, and never below a number accepted before. */
  accept(seq: number): boolean {
    if (seq <= this.#shown || seq > this.#last) return false;
    this.#shown = seq;
    return true;
  }

  isLatest(seq: number): boolean {
    return seq === this.#last;
  }

  /** Refuses every request now under way, because the question itself has changed. */
  invalidate(): void {
    this.#shown = this.#last;
  }
}
