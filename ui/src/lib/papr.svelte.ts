import {
  toFailure,
  type Account,
  type Backend,
  type Failure,
  type Memory,
  type SignedIn,
  type SignedOut,
  type Status,
} from '../backend';
import { t } from '../strings';
import { debounce } from './debounce';
import { Sequence } from './sequence';
import { said } from './syncState';
import type { Toasts } from './toasts.svelte';

/** Phases may follow each other within a moment; only where one stays is worth hearing. */
const PAUSE_MS = 700;

/** Where a failure stands. */
export type Place = 'account' | 'sync' | 'adopt' | 'localOnly' | 'budget';

/** The account at Papr, and what a person does with it and with sync. Never holds the key. */
export class Papr {
  /** Undefined until it was asked for and answered; null before anybody ever signed in. */
  account = $state.raw<Account | null | undefined>(undefined);
  /** Memories of nobody that could be given to the account. */
  adoptable = $state(0);
  /** What the last sign-in did, until it was read. */
  arrival = $state.raw<SignedIn | null>(null);
  /** Whether nothing may be sent. */
  localOnly = $state(false);
  /** The offer to adopt was put off. */
  later = $state(false);
  failures = $state.raw<Readonly<Partial<Record<Place, Failure>>>>({});
  /** What a screen reader is told of sync. */
  said = $state('');
  /** Leads to the key field, wherever in the window that is asked for. */
  openKey: () => void = () => {};
  openBudget: () => void = () => {};

  readonly #backend: Backend;
  readonly #toasts: Toasts;
  readonly #sequence = new Sequence();
  readonly #say = debounce((text: string) => (this.said = text), PAUSE_MS);
  #asked = false;
  #pressed = false;

  constructor(backend: Backend, toasts: Toasts) {
    this.#backend = backend;
    this.#toasts = toasts;
  }

  /** Follows the status: asks anew who is signed in where that may have changed, and tells what came of a sync. */
  hear(before: Status | null, { sync: now }: Status): void {
    this.localOnly = now.localOnly;
    if (!before) return;
    const { sync } = before;
    const words = said(sync, now, this.#pressed);
    if (words !== null) this.#say(words);
    if (sync.phase === 'syncing' && now.phase !== 'syncing') this.#pressed = false;
    const out = (phase: string) => phase === 'signedOut' || phase === 'localOnly';
    const changed =
      sync.account !== now.account ||
      out(sync.phase) !== out(now.phase) ||
      (sync.phase === 'syncing') !== (now.phase === 'syncing');
    if (this.#asked && changed) void this.load();
  }

  /** May make the keychain ask the person: only where they went to see it. */
  async load(): Promise<void> {
    this.#asked = true;
    const seq = this.#sequence.next();
    try {
      const account = await this.#backend.account();
      const adoptable = account?.signedIn ? await this.#backend.adoptable() : 0;
      if (!this.#sequence.accept(seq)) return;
      this.account = account;
      this.adoptable = adoptable;
      this.#forgive('account');
    } catch (thrown) {
      if (this.#sequence.accept(seq)) this.#fail('account', toFailure(thrown));
    }
  }

  stop(): void {
    this.#say.cancel();
  }

  /** Throws a `Failure`, which belongs beside the field. */
  async signIn(key: string, thisRun: boolean): Promise<SignedIn> {
    const done = await this.#backend.signIn(key, thisRun);
    this.#sequence.invalidate();
    this.#asked = true;
    this.account = done.account;
    this.adoptable = done.adoptable;
    this.arrival = done;
    this.later = false;
    this.failures = {};
    this.#toasts.show({ text: t('toast.signedIn') });
    return done;
  }

  /** Throws a `Failure`, which belongs in the question. */
  async signOut(wipe: boolean): Promise<SignedOut> {
    const done = await this.#backend.signOut(wipe);
    this.arrival = null;
    this.adoptable = 0;
    const gone = [t('count.memories', { n: done.wiped })];
    if (done.copies > 0) gone.push(t('count.copies', { n: done.copies }));
    this.#toasts.show({
      text: wipe
        ? t('toast.signedOutWiped', { what: gone.join(t('list.comma')) })
        : t('toast.signedOutKept', { n: done.kept }),
    });
    await this.load();
    return done;
  }

  /** Whether it was done. */
  /** The first memories that could be given to the account. */
  toAdopt(limit: number): Promise<Memory[]> {
    return this.#backend.toAdopt(limit);
  }

  adopt(): Promise<boolean> {
    return this.#attempt('adopt', async () => {
      const n = await this.#backend.adopt();
      this.adoptable = 0;
      this.#toasts.show({ text: t('toast.adopted', { n }) });
    });
  }

  async syncNow(whole: boolean): Promise<void> {
    this.#pressed = true;
    await this.#attempt('sync', () => this.#backend.syncNow(whole));
  }

  async pause(paused: boolean): Promise<void> {
    await this.#attempt('sync', () => this.#backend.pauseSync(paused));
  }

  async setLocalOnly(on: boolean): Promise<void> {
    const done = await this.#attempt('localOnly', () => this.#backend.setLocalOnly(on));
    // What was refused because of it is no longer so.
    if (done && !on) this.failures = {};
  }

  setBudget(operations: number): Promise<boolean> {
    return this.#attempt('budget', () => this.#backend.setBudget(operations));
  }

  #fail(place: Place, failure: Failure): void {
    this.failures = { ...this.failures, [place]: failure };
  }

  #forgive(place: Place): void {
    const { [place]: _, ...others } = this.failures;
    this.failures = others;
  }

  async #attempt(place: Place, act: () => Promise<void>): Promise<boolean> {
    this.#forgive(place);
    try {
      await act();
      return true;
    } catch (thrown) {
      this.#fail(place, toFailure(thrown));
      return false;
    }
  }
}
