const MOST = 50;

/** What was searched for in this window, to be gone through again. It is kept nowhere else. */
export class History {
  #texts: string[] = [];
  /** Where in it the person is; null while in none of it. */
  #at: number | null = null;
  /** What stood in the field before they went into it. */
  #draft = '';

  /** Keeps a text that has served, as the newest one. */
  add(text: string): void {
    const kept = text.trim();
    this.leave();
    if (kept === '') return;
    this.#texts = [...this.#texts.filter((other) => other !== kept), kept].slice(-MOST);
  }

  /** The one before `current`, or null at the oldest. */
  older(current: string): string | null {
    const from = this.#at ?? this.#texts.length;
    const found = this.#texts.findLastIndex((text, i) => i < from && text !== current.trim());
    if (found < 0) return null;
    if (this.#at === null) this.#draft = current;
    this.#at = found;
    return this.#texts[found] ?? null;
  }

  /** The one after, and behind the newest what was in the field before; null where there is nothing after. */
  newer(current: string): string | null {
    const at = this.#at;
    if (at === null) return null;
    const found = this.#texts.findIndex((text, i) => i > at && text !== current.trim());
    this.#at = found < 0 ? null : found;
    return this.#texts[found] ?? this.#draft;
  }

  /** The person writes a text of their own. */
  leave(): void {
    this.#at = null;
  }
}
