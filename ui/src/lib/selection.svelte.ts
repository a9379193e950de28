/** Which memories are selected, by id: it outlives any change of the list they stand in. */
export class Selection {
  #chosen: Set<string> = new Set();
  /** A set of a hundred thousand is changed in place; this tells that it did. */
  #version = $state(0);
  /** Where a range begins, and what was selected before it. */
  #anchor: string | null = null;
  #base: ReadonlySet<string> = new Set();

  get size(): number {
    void this.#version;
    return this.#chosen.size;
  }

  has(id: string): boolean {
    void this.#version;
    return this.#chosen.has(id);
  }

  list(): string[] {
    void this.#version;
    return [...this.#chosen];
  }

  toggle(id: string): void {
    if (!this.#chosen.delete(id)) this.#chosen.add(id);
    this.#anchor = null;
    this.#version += 1;
  }

  /**
   * Selects from where the range began, at first `from`, to `to`, both places in `ids`. Going back takes out again
   * what the range had brought, and nothing else.
   */
  extend(ids: readonly string[], places: ReadonlyMap<string, number>, from: number, to: number): void {
    const start = this.#anchor === null ? undefined : places.get(this.#anchor);
    if (start === undefined) {
      this.#anchor = ids[from] ?? null;
      this.#base = new Set(this.#chosen);
    }
    const [low, high] = [start ?? from, to].sort((a, b) => a - b) as [number, number];
    this.#chosen = new Set(this.#base);
    for (const id of ids.slice(Math.max(0, low), high + 1)) this.#chosen.add(id);
    this.#version += 1;
  }

  /** The next range begins anew. */
  settle(): void {
    this.#anchor = null;
  }

  add(ids: Iterable<string>): void {
    for (const id of ids) this.#chosen.add(id);
    this.#anchor = null;
    this.#version += 1;
  }

  drop(ids: Iterable<string>): void {
    for (const id of ids) this.#chosen.delete(id);
    this.#anchor = null;
    this.#version += 1;
  }

  /** Lets go of all that are not there any more. */
  retain(there: ReadonlyMap<string, unknown>): void {
    const gone = [...this.#chosen].filter((id) => !there.has(id));
    if (gone.length > 0) this.drop(gone);
  }

  clear(): void {
    this.#chosen = new Set();
    this.#anchor = null;
    this.#version += 1;
  }
}
