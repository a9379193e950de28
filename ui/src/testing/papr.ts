/** What tests and mocks know of Papr. */
import type {
  Account,
  AppError,
  CloudReply,
  Conflict,
  ErrorCode,
  Ledger,
  LedgerEntry,
  Memory,
  OutboxItem,
  Measured,
  ServerSpace,
  Sync,
} from '../backend';
import { memory, NOW } from './fixtures';

const MINUTE = 60_000;
const ago = (minutes: number, now: number) => new Date(now - minutes * MINUTE).toISOString();

/** Somebody is signed in and all is well. */
/** Vectors that are the model’s own. */
export const same: Measured = { verdict: 'same', pairs: 8, least: 0.99871, mean: 0.99934 };

/** Nothing is fetched; the built-in model is in use. */
export function serverSpace(over: Partial<ServerSpace> = {}): ServerSpace {
  return {
    form: 'off',
    count: 0,
    kilobytes: 0,
    dims: null,
    modelDims: 384,
    measured: null,
    inUse: false,
    ...over,
  };
}

export function synced(over: Partial<Sync> = {}, now = NOW): Sync {
  return {
    phase: 'idle',
    localOnly: false,
    paused: false,
    account: 'papr-1',
    received: 3,
    sent: 1,
    leftOut: 0,
    duplicates: 0,
    pending: 0,
    conflicts: 0,
    refused: 0,
    outside: 0,
    triedAt: ago(2, now),
    succeededAt: ago(2, now),
    nextAt: ago(-13, now),
    error: null,
    spent: 214,
    budget: 1000,
    forecast: 431,
    ...over,
  };
}

/** Nobody ever signed in. */
export function nobody(over: Partial<Sync> = {}): Sync {
  return {
    ...synced(),
    phase: 'signedOut',
    account: null,
    received: 0,
    sent: 0,
    triedAt: null,
    succeededAt: null,
    nextAt: null,
    spent: 0,
    forecast: 0,
    ...over,
  };
}

export function account(over: Partial<Account> = {}): Account {
  return {
    id: 'papr-1',
    baseUrl: 'https://memory.papr.ai',
    signedIn: true,
    keySource: 'keychain',
    lastFour: '3f9c',
    memories: 312,
    pending: 0,
    ...over,
  };
}

export function problem(code: ErrorCode, over: Partial<AppError> = {}): AppError {
  return { code, message: 'it failed', hint: null, retryable: true, ...over };
}

export function outboxOf(kept: Memory[], now = NOW): OutboxItem[] {
  const at = (i: number, over: Partial<OutboxItem> = {}): OutboxItem => ({
    memory: { ...(kept[i] ?? memory()), updatedAt: ago(3 + i * 20, now) },
    deleted: false,
    state: 'waiting',
    status: null,
    ...over,
  });
  return [
    at(0, { memory: { ...kept[0]!, rev: 3, updatedAt: ago(3, now) } }),
    at(2, { state: 'unknown' }),
    at(6, { deleted: true }),
    at(9, { state: 'refused', status: 413 }),
    at(4, { state: 'refused', status: 422 }),
  ];
}

export function conflictsOf(kept: Memory[], now = NOW): Conflict[] {
  const [first, , third, , , , seventh] = kept;
  return [
    {
      mine: { ...first!, rev: 4, updatedAt: ago(14, now) },
      deleted: false,
      theirs: {
        content: 'Improve API p95 latency below 80 ms by the end of August',
        topics: ['performance', 'api', 'august'],
        updatedAt: ago(50, now),
      },
      foundAt: ago(2, now),
    },
    {
      mine: { ...third!, updatedAt: ago(90, now) },
      deleted: true,
      theirs: {
        content: 'Anna prefers calls before ten, and never on Thursdays',
        topics: ['people'],
        updatedAt: ago(30, now),
      },
      foundAt: ago(2, now),
    },
    { mine: { ...seventh!, updatedAt: ago(25, now) }, deleted: false, theirs: null, foundAt: ago(2, now) },
  ];
}

export function ledger(now = NOW, count = 30): Ledger {
  const host = 'memory.papr.ai';
  const model = { kind: 'model', host: 'huggingface.co', bytesUp: 1210, bytesDown: 133_800_000, ms: 61_200 };
  const kinds: Partial<LedgerEntry>[] = [
    { kind: 'delta' },
    { kind: 'add_batch', bytesUp: 14_200, bytesDown: 2100, ms: 412 },
    { kind: 'delta', outcome: 'notConnected', status: null, bytesUp: 0, bytesDown: 0, ms: 3 },
    { kind: 'tiers', bytesDown: 3_412_000, ms: 1840 },
    { kind: 'update', status: 429, bytesUp: 930, ms: 96 },
    { kind: 'search', bytesUp: 702, bytesDown: 9120, ms: 655 },
    { kind: 'delta', outcome: 'timedOut', status: null, bytesDown: 0, ms: 30_000 },
    { kind: 'check_key' },
    model,
    { kind: 'something_new', outcome: 'abandoned', status: null },
  ];
  const entries = Array.from({ length: count }, (_, i): LedgerEntry => {
    const common = { at: ago(2 + i * 17, now), kind: 'delta', host, bytesUp: 540, bytesDown: 318, ms: 88 };
    return { ...common, outcome: 'answered', status: 200, ...kinds[i % kinds.length] };
  });
  return {
    entries,
    today: { name: '', requests: 24, bytesUp: 31_420, bytesDown: 3_460_112 },
    all: { name: '', requests: 1312, bytesUp: 1_204_511, bytesDown: 151_400_220 },
    byHost: [
      { name: 'huggingface.co', requests: 4, bytesUp: 4840, bytesDown: 133_800_000 },
      { name: host, requests: 1308, bytesUp: 1_199_671, bytesDown: 17_600_220 },
    ],
    days: 90,
  };
}

export function cloudReply(here: string | null = null, now = NOW): CloudReply {
  const hit = (n: number, content: string, topics: string[]) => ({
    remote: `remote-${n}`,
    here: null,
    content,
    topics,
    updatedAt: ago(n * 1500, now),
  });
  return {
    hits: [
      hit(1, 'The invoices page waits for the exchange rates: 2.1 s of its 2.8 s', ['api', 'invoices']),
      {
        ...hit(2, 'Customer complained about slow API responses on Monday mornings.', ['customer', 'api']),
        here,
      },
      hit(3, 'Budget for the gateway was approved on 2 May', []),
    ],
    searchId: 'search-1',
    host: 'memory.papr.ai',
    ms: 412,
  };
}
