/** What a person has narrowed the list to, filter by filter. Pure. */
import type { Facets, FacetCount, Filters, Source } from '../backend';
import { t, type Key } from '../strings';

export const NO_FILTERS: Filters = {
  tier: null,
  topics: [],
  kind: null,
  source: null,
  role: null,
  category: null,
  pending: null,
};

/** Every kind of filter but the tier, which has a control of its own. In the order they are shown. */
export type By = 'topic' | 'kind' | 'source' | 'category' | 'role' | 'pending';

export interface Chosen {
  by: By;
  value: string;
}

/** Sameness as the engine sees it: without case, accents and blanks around. */
export function fold(text: string): string {
  return text.trim().normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

export function sameFilters(a: Filters, b: Filters): boolean {
  const plain = (filters: Filters) => JSON.stringify({ ...NO_FILTERS, ...filters });
  return a === b || plain(a) === plain(b);
}

export function chosenFilters(filters: Filters): Chosen[] {
  const { topics, kind, source, category, role, pending } = filters;
  const one = (by: By, value: string | null) => (value === null ? [] : [{ by, value }]);
  return [
    ...topics.map((value) => ({ by: 'topic' as const, value })),
    ...one('kind', kind),
    ...one('source', source),
    ...one('category', category),
    ...one('role', role),
    ...one('pending', pending === null ? null : String(pending)),
  ];
}

export function isChosen(filters: Filters, { by, value }: Chosen): boolean {
  return chosenFilters(filters).some((one) => one.by === by && fold(one.value) === fold(value));
}

export function withFilter(filters: Filters, chosen: Chosen): Filters {
  if (isChosen(filters, chosen)) return filters;
  const { by, value } = chosen;
  if (by === 'topic') return { ...filters, topics: [...filters.topics, value] };
  if (by === 'source') return { ...filters, source: value as Source };
  if (by === 'pending') return { ...filters, pending: value === 'true' };
  return { ...filters, [by]: value };
}

export function withoutFilter(filters: Filters, { by, value }: Chosen): Filters {
  if (by !== 'topic') return { ...filters, [by]: null };
  return { ...filters, topics: filters.topics.filter((topic) => fold(topic) !== fold(value)) };
}

/** All but the tier. */
export function withoutAny(filters: Filters): Filters {
  return { ...NO_FILTERS, tier: filters.tier };
}

export const SOURCES: Record<Source, Key> = {
  user: 'source.user',
  import: 'source.import',
  sample: 'source.sample',
  papr: 'source.papr',
};

const NAMES: Record<By, Key> = {
  topic: 'filter.topic',
  kind: 'filter.kind',
  source: 'filter.source',
  category: 'filter.category',
  role: 'filter.role',
  pending: 'filter.pending',
};

/** The value as people read it: "imported", "code snippet". */
export function valueText({ by, value }: Chosen): string {
  if (by === 'source') return value in SOURCES ? t(SOURCES[value as Source]) : value;
  return by === 'topic' ? value : value.replaceAll('_', ' ');
}

/** "topic: travel" */
export function filterText(chosen: Chosen): string {
  if (chosen.by === 'pending') return t(chosen.value === 'true' ? 'filter.pending' : 'filter.sent');
  return t(NAMES[chosen.by], { value: valueText(chosen) });
}

export interface Group {
  by: By;
  title: Key;
  values: FacetCount[];
}

/**
 * What can be chosen from. Everything has a type and a source, so that a group with one value would part nothing;
 * a topic, which not everything has, always parts. What is chosen stays, to be given up again.
 */
export function groups(facets: Facets, filters: Filters): Group[] {
  const all: Group[] = [
    { by: 'topic', title: 'filter.topics', values: facets.topics },
    { by: 'kind', title: 'filter.kinds', values: facets.kinds },
    { by: 'source', title: 'filter.sources', values: facets.sources },
    { by: 'category', title: 'filter.categories', values: facets.categories },
    { by: 'role', title: 'filter.roles', values: facets.roles },
  ];
  return all
    .map((group) => ({ ...group, values: withChosen(group, filters) }))
    .filter(({ by, values }) => {
      const any = chosenFilters(filters).some((one) => one.by === by);
      return any || values.length >= (by === 'topic' ? 1 : 2);
    });
}

/** What is chosen but counted no more, since nothing passes, comes first. */
function withChosen({ by, values }: Group, filters: Filters): FacetCount[] {
  const counted = new Set(values.map(({ value }) => fold(value)));
  const missing = chosenFilters(filters).filter((one) => one.by === by && !counted.has(fold(one.value)));
  return [...missing.map(({ value }) => ({ value, count: 0 })), ...values];
}
