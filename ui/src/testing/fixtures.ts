import type { Memory, Status } from '../backend';
import { nobody } from './papr';

export const NOW = Date.parse('2026-06-15T12:00:00Z');
const HOUR = 3_600_000;

const texts: [Memory['tier'], string, string[], Memory['source']][] = [
  ['goals', 'Improve API p95 latency below 100 ms this quarter', ['performance', 'api'], 'user'],
  [
    'memories',
    'Customer complained about slow API responses on Monday mornings. They see 2 to 3 seconds on the invoices page, mostly between 8 and 9, and asked whether we can promise a number in the next contract.',
    ['customer', 'api'],
    'papr',
  ],
  ['memories', 'Anna prefers calls before ten; afternoons are for her children', ['people'], 'user'],
  ['goals', 'Hire two backend engineers by September', ['hiring'], 'user'],
  ['memories', 'The staging database password rotates on the first of each month', ['ops'], 'import'],
  [
    'memories',
    'We chose sled over SQLite because snapshots were cheap to take',
    ['decisions', 'storage'],
    'user',
  ],
  [
    'memories',
    'Retro, 4 June: deploys on Fridays are fine as long as somebody stays for an hour',
    ['retro'],
    'user',
  ],
  ['goals', 'Ship offline search to the first fifty customers', ['product', 'search'], 'user'],
  ['memories', 'Passport is in the blue folder, second drawer', ['home'], 'user'],
  [
    'memories',
    'const limit = Math.min(requested, MAX_PAGE);\n// Anything above 200 made the gateway time out.',
    ['code', 'api'],
    'import',
  ],
  ['memories', 'Dentist said to come back in November', [], 'user'],
  ['memories', 'Lena’s birthday is on the third of July; she likes Portuguese ceramics', ['people'], 'user'],
];

export function memory(over: Partial<Memory> = {}): Memory {
  return {
    id: '0197a1b2-0000-7000-8000-000000000000',
    tier: 'memories',
    kind: 'text',
    content: 'A memory',
    topics: [],
    source: 'user',
    createdAt: '2026-06-10T09:00:00Z',
    updatedAt: '2026-06-10T09:00:00Z',
    rev: 1,
    ...over,
  };
}

/** A dozen memories, newest first, the newest half an hour old at `now`. */
export function memories(now = NOW): Memory[] {
  return texts.map(([tier, content, topics, source], i) => {
    const time = new Date(now - (0.5 + i * i * 9) * HOUR).toISOString();
    const id = `0197a1b2-0000-7000-8000-${String(i + 1).padStart(12, '0')}`;
    return memory({ id, tier, content, topics, source, createdAt: time, updatedAt: time });
  });
}

/** So many that they come in pages, newest first, an hour apart; "Note 1" is the newest. */
export function notes(count: number, now = NOW): Memory[] {
  return Array.from({ length: count }, (_, i) => {
    const time = new Date(now - (i + 1) * HOUR).toISOString();
    const id = `0197a1b2-0000-7000-8000-${String(i + 1).padStart(12, '0')}`;
    return memory({ id, content: `Note ${i + 1}`, createdAt: time, updatedAt: time });
  });
}

export function status(over: Partial<Status> = {}): Status {
  return {
    state: 'open',
    counts: { goals: 0, memories: 0 },
    samples: 0,
    pending: 0,
    index: 'ready',
    graphs: null,
    model: {
      state: 'ready',
      id: 'all-minilm-l6-v2',
      name: 'all-MiniLM-L6-v2',
      dims: 384,
      precision: 'int8',
      provider: 'CPU',
      hardware: 'CPU',
      fallback: null,
      unloaded: false,
      fingerprint: '8f3c21d07ab4',
      license: 'Apache-2.0',
      loadMs: 212,
      p50Ms: 5.8,
      error: null,
    },
    downloads: [],
    switch: null,
    recovered: null,
    sync: nobody(),
    dataFolder: '/home/anna/.local/share/ai.papr.desktop',
    fatal: null,
    shortcut: { keys: 'Ctrl+Shift+Space', registered: true, problem: null },
    ...over,
  };
}

export const noModel: Status['model'] = {
  state: 'missing',
  id: null,
  name: null,
  dims: null,
  precision: null,
  provider: null,
  hardware: null,
  fallback: null,
  unloaded: false,
  fingerprint: null,
  license: null,
  loadMs: null,
  p50Ms: null,
  error: {
    code: 'MODEL_MISSING',
    message: 'No model is installed.',
    hint: 'Run the set-up again, then try once more.',
    retryable: true,
  },
};

/** What there is to say before the memories are open. */
export const opening = {
  state: 'opening',
  index: 'building',
  model: { ...noModel, state: 'loading', error: null },
} satisfies Partial<Status>;
