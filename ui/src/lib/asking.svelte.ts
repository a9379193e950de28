import { toFailure, type Failure } from '../backend';

/** What a dialog does when it is told yes: once at a time, and what goes wrong stands in it. */
export class Asking {
  busy = $state(false);
  failure = $state.raw<Failure | null>(null);

  /** Whether it was done. */
  async run(act: () => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.failure = null;
    try {
      await act();
      return true;
    } catch (thrown) {
      this.failure = toFailure(thrown);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
