/** The part of the made-up backend that stands for Papr, sync and the ledger. */
import {
  Failure,
  type Account,
  type AppError,
  type Backend,
  type Choice,
  type CloudReply,
  type Conflict,
  type Ledger,
  type Memory,
  type OutboxItem,
  type ServerSpace,
  type ServerVectors,
  type SignedIn,
  type SignedOut,
  type Status,
  type Sync,
  type Waiting,
} from '../backend';
import { memory } from './fixtures';
import { account, cloudReply, ledger, nobody, serverSpace, synced } from './papr';

export type Method = Exclude<keyof Backend, `on${string}`>;

export abstract class FakePapr {
  abstract kept: Memory[];
  abstract info: Status;
  /** Who is signed in, or was. */
  who: Account | null = null;
  /** Memories of nobody. */
  nobodys = 0;
  /** Memories of other accounts. */
  others = 0;
  /** What the next sign-in has to say of where the key is kept. */
  note: string | null = null;
  waits: OutboxItem[] = [];
  disputes: Conflict[] = [];
  made: Ledger = ledger(Date.now(), 0);
  cloud: CloudReply = cloudReply();
  vectors: ServerSpace = serverSpace();

  protected abstract enter(method: Method, ...args: unknown[]): Promise<void>;
  abstract setStatus(over: Partial<Status>): void;

  /** Changes what is known of sync. */
  setSync(over: Partial<Sync>): void {
    this.setStatus({ sync: { ...this.info.sync, ...over } });
  }

  async serverSpace(): Promise<ServerSpace> {
    await this.enter('serverSpace');
    return this.vectors;
  }

  async setServerVectors(form: ServerVectors): Promise<ServerSpace> {
    await this.enter('setServerVectors', form);
    this.vectors = serverSpace({ form, modelDims: this.vectors.modelDims });
    return this.vectors;
  }

  async matchServerSpace(): Promise<ServerSpace> {
    await this.enter('matchServerSpace');
    return this.vectors;
  }

  async account(): Promise<Account | null> {
    await this.enter('account');
    return this.who;
  }

  async signIn(key: string, thisRun: boolean): Promise<SignedIn> {
    // What a test reads of the calls must not be what the app must not keep.
    await this.enter('signIn', `…${key.slice(-4)}`, thisRun);
    this.#online();
    const keySource = thisRun ? 'memory' : 'keychain';
    this.who = account({ ...this.who, signedIn: true, keySource, lastFour: key.slice(-4) });
    const phase = this.disputes.length > 0 ? 'attention' : 'idle';
    this.setStatus({ sync: synced({ phase, pending: this.waits.length, conflicts: this.disputes.length }) });
    return { account: this.who, hidden: this.others, adoptable: this.nobodys, note: this.note };
  }

  async signOut(wipe: boolean): Promise<SignedOut> {
    await this.enter('signOut', wipe);
    const memories = this.who?.memories ?? 0;
    this.who = wipe || !this.who ? null : { ...this.who, signedIn: false, keySource: null, lastFour: null };
    if (wipe) this.waits = [];
    this.setStatus({
      sync: { ...nobody(), account: this.who?.id ?? null, pending: this.waits.length },
    });
    return wipe ? { kept: 0, wiped: memories, copies: 2 } : { kept: memories, wiped: 0, copies: 0 };
  }

  async adoptable(): Promise<number> {
    await this.enter('adoptable');
    return this.nobodys;
  }

  async toAdopt(limit: number): Promise<Memory[]> {
    await this.enter('toAdopt', limit);
    return Array.from({ length: Math.min(limit, this.nobodys) }, (_, at) =>
      memory({ id: `nobody-${at}`, content: `Written before anybody signed in, number ${at + 1}` }),
    );
  }

  async adopt(): Promise<number> {
    await this.enter('adopt');
    const adopted = this.nobodys;
    this.nobodys = 0;
    this.setSync({ pending: this.info.sync.pending + adopted });
    return adopted;
  }

  async syncNow(whole: boolean): Promise<void> {
    await this.enter('syncNow', whole);
    this.#online();
    this.setSync({ phase: 'syncing', received: 0, sent: 0 });
  }

  async pauseSync(paused: boolean): Promise<void> {
    await this.enter('pauseSync', paused);
    this.setSync({ paused, phase: paused ? 'paused' : 'idle', nextAt: null });
  }

  async setLocalOnly(on: boolean): Promise<void> {
    await this.enter('setLocalOnly', on);
    const otherwise = this.who?.signedIn ? 'idle' : 'signedOut';
    this.setSync({ localOnly: on, phase: on ? 'localOnly' : otherwise, nextAt: null });
  }

  async setBudget(operations: number): Promise<void> {
    await this.enter('setBudget', operations);
    this.setSync({ budget: operations });
  }

  async outbox(): Promise<OutboxItem[]> {
    await this.enter('outbox');
    return this.waits;
  }

  async waiting(id: string): Promise<Waiting | null> {
    await this.enter('waiting', id);
    if (this.disputes.some(({ mine }) => mine.id === id)) return 'conflict';
    return this.waits.find(({ memory }) => memory.id === id)?.state ?? null;
  }

  async conflicts(): Promise<Conflict[]> {
    await this.enter('conflicts');
    return this.disputes;
  }

  async resolve(id: string, choice: Choice): Promise<void> {
    await this.enter('resolve', id, choice);
    this.disputes = this.disputes.filter(({ mine }) => mine.id !== id);
    const conflicts = this.disputes.length;
    this.setSync({ conflicts, phase: conflicts > 0 ? 'attention' : 'idle' });
  }

  async ledger(limit: number): Promise<Ledger> {
    await this.enter('ledger', limit);
    return { ...this.made, entries: this.made.entries.slice(0, limit) };
  }

  async exportLedger(path: string): Promise<number> {
    await this.enter('exportLedger', path);
    return this.made.all.requests;
  }

  async askPapr(question: string, limit: number): Promise<CloudReply> {
    await this.enter('askPapr', question, limit);
    this.#online();
    return this.cloud;
  }

  async keepFromPapr(remote: string): Promise<string> {
    await this.enter('keepFromPapr', remote);
    const hit = this.cloud.hits.find((one) => one.remote === remote);
    if (!hit) throw fail('NOT_FOUND', 'Papr does not have this memory any more');
    const id = `kept-${remote}`;
    this.kept = [memory({ id, content: hit.content, topics: hit.topics, source: 'papr' }), ...this.kept];
    const { goals, memories } = this.info.counts;
    this.setStatus({ counts: { goals, memories: memories + 1 } });
    return id;
  }

  tellPapr(searchId: string, helped: boolean, about: string[]): Promise<void> {
    return this.enter('tellPapr', searchId, helped, about);
  }

  tellNetwork(online: boolean): Promise<void> {
    return this.enter('tellNetwork', online);
  }

  #online(): void {
    if (this.info.sync.localOnly) throw fail('LOCAL_ONLY', 'local only is on');
  }
}

export function fail(code: AppError['code'], message: string): Failure {
  return new Failure({ code, message, hint: null, retryable: false });
}
