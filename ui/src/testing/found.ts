/** What the made-up backend finds, counts and lists: far simpler than the engine, and the same in what a window sees. */
import type {
  FacetCount,
  Facets,
  Filters,
  Hit,
  Listing,
  Memory,
  Query,
  Reply,
  Span,
  Status,
} from '../backend';
import { fold } from '../lib/filters';

/** What a memory's text, topics and dates do not tell. */
export interface Marks {
  role?: string;
  category?: string;
  pending?: boolean;
  /** How many more say the same and are folded into it. */
  alike?: number;
}
export type MarksOf = (id: string) => Marks;

export function countTiers(memories: Memory[]): Status['counts'] {
  const goals = memories.filter((kept) => kept.tier === 'goals').length;
  return { goals, memories: memories.length - goals };
}

function passes(kept: Memory, filters: Filters, marks: Marks): boolean {
  const topics = kept.topics.map(fold);
  return (
    (filters.tier === null || kept.tier === filters.tier) &&
    filters.topics.every((topic) => topics.includes(fold(topic))) &&
    (filters.kind === null || kept.kind === filters.kind) &&
    (filters.source === null || kept.source === filters.source) &&
    (filters.role === null || marks.role === filters.role) &&
    (filters.category === null || marks.category === filters.category) &&
    (filters.pending === null || (marks.pending ?? false) === filters.pending)
  );
}

/** One page of the answer. A text of `topic:` alone lists what passes. */
export function find(all: Memory[], query: Query, marksOf: MarksOf): Omit<Reply, 'timings' | 'degraded'> {
  const typed = query.text.split(/\s+/).filter(Boolean);
  const topics = typed.flatMap((word) => (word.startsWith('topic:') ? word.slice(6) : []));
  const words = typed.filter((word) => !word.startsWith('topic:'));
  const filters = { ...query.filters, topics: [...query.filters.topics, ...topics] };
  const ranked = all
    .filter((kept) => passes(kept, filters, marksOf(kept.id)))
    .map((kept) => (words.length === 0 ? listed(kept) : hit(kept, words)))
    .filter((found) => found !== null)
    .map((found) => ({ ...found, alike: marksOf(found.memory.id).alike ?? 0 }));
  const order = words.length === 0 && query.sort === 'relevance' ? 'newest' : query.sort;
  if (order === 'relevance') ranked.sort((a, b) => (b.score ?? 0) - (a.score ?? 0));
  else ranked.sort((a, b) => byTime(order === 'oldest')(a.memory, b.memory));
  const { skip, limit } = query.page;
  const hits = ranked.slice(skip, skip + limit);
  return {
    seq: query.seq,
    hits,
    total: ranked.reduce((sum, { alike }) => sum + 1 + alike, 0),
    counts: countTiers(hits.map((found) => found.memory)),
    mode: query.mode,
  };
}

export function list(
  all: Memory[],
  filters: Filters,
  oldestFirst: boolean,
  after: Listing['next'],
  limit: number,
  marksOf: MarksOf,
): Listing {
  const order = byTime(oldestFirst);
  const found = all.filter((kept) => passes(kept, filters, marksOf(kept.id))).sort(order);
  const rest = after ? found.filter((kept) => order({ ...kept, ...after }, kept) < 0) : found;
  const memories = rest.slice(0, limit);
  const last = memories.at(-1);
  const next = last && rest.length > limit ? { updatedAt: last.updatedAt, id: last.id } : null;
  return { memories, total: found.length, next };
}

/** As the engine's: the newer first, and of the same time the one with the greater id. */
function byTime(oldestFirst: boolean): (a: Memory, b: Memory) => number {
  return (a, b) => {
    // Of a hundred thousand, comparing by a language's rules would take seconds.
    const [left, right] = a.updatedAt === b.updatedAt ? [a.id, b.id] : [a.updatedAt, b.updatedAt];
    const order = left === right ? 0 : left < right ? 1 : -1;
    return oldestFirst ? -order : order;
  };
}

export function facets(all: Memory[], filters: Filters, marksOf: MarksOf): Facets {
  const found = all.filter((kept) => passes(kept, filters, marksOf(kept.id)));
  const by = (values: (kept: Memory) => (string | undefined)[]) => counts(found.flatMap(values));
  return {
    total: found.length,
    tiers: by((kept) => [kept.tier]),
    kinds: by((kept) => [kept.kind]),
    sources: by((kept) => [kept.source]),
    roles: by((kept) => [marksOf(kept.id).role]),
    categories: by((kept) => [marksOf(kept.id).category]),
    topics: by((kept) => kept.topics),
  };
}

function counts(values: (string | undefined)[]): FacetCount[] {
  const of = new Map<string, number>();
  for (const value of values) if (value !== undefined) of.set(value, (of.get(value) ?? 0) + 1);
  const counted = [...of].map(([value, count]) => ({ value, count }));
  return counted.sort((a, b) => b.count - a.count || a.value.localeCompare(b.value));
}

function listed(memory: Memory): Hit {
  const snippet = mark(memory.content, []);
  return { memory, snippet, cosine: null, words: null, score: null, why: 'listed', matched: [], alike: 0 };
}

/** Matches whole or part words, and calls the rest likeness in meaning when a topic is named. */
function hit(kept: Memory, typed: string[]): Hit | null {
  const words = typed.map((word) => word.toLowerCase());
  const content = kept.content.toLowerCase();
  const matched = words.filter((word) => content.includes(word));
  const near = words.filter((word) => kept.topics.includes(word) && !matched.includes(word));
  if (matched.length + near.length === 0) return null;
  const share = (matched.length + 0.6 * near.length) / words.length;
  const exact = words.length > 1 && content.includes(words.join(' '));
  return {
    memory: kept,
    snippet: mark(kept.content, matched),
    cosine: 0.31 + share * 0.4,
    words: matched.length > 0 ? matched.length * 2.4 : null,
    score: share * (kept.tier === 'goals' ? 0.95 : 0.9) - kept.content.length / 2000,
    why: exact
      ? 'exact'
      : matched.length === 0
        ? 'meaning'
        : near.length > 0 || share === 1
          ? 'both'
          : 'words',
    matched,
    alike: 0,
  };
}

function mark(content: string, words: string[]): Span[] {
  if (words.length === 0) return [{ text: content, marked: false }];
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const parts = content.split(new RegExp(`(${escaped.join('|')})`, 'gi'));
  return parts.map((text, i) => ({ text, marked: i % 2 === 1 })).filter((span) => span.text !== '');
}
