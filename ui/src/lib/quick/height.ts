/** A shorter list may be on its way to a longer one: the edge stays where it is for as long as that takes. */
const SETTLE_MS = 120;

/** Makes the window as high as what is in it: taller at once, so that nothing is cut off, lower once that has settled. */
export class Height {
  readonly #resize: (pixels: number) => Promise<void>;
  /** What the shell was last told. */
  #told = 0;
  #wanted = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(resize: (pixels: number) => Promise<void>) {
    this.#resize = resize;
  }

  want(pixels: number): void {
    if (pixels === this.#wanted) return;
    this.#wanted = pixels;
    this.stop();
    if (pixels > this.#told) this.#tell();
    else if (pixels < this.#told) this.#timer = setTimeout(() => this.#tell(), SETTLE_MS);
  }

  /** Tells it once more: what a window that is not on screen was told may have gone past it. */
  again(): void {
    if (this.#wanted > 0) this.#tell();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #tell(): void {
    this.stop();
    this.#told = this.#wanted;
    // A window of the wrong height still scrolls; the next change tries anew.
    this.#resize(this.#wanted).catch(() => (this.#told = 0));
  }
}
