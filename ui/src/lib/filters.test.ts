import { describe, expect, it } from 'vitest';
import type { Facets } from '../backend';
import {
  chosenFilters,
  filterText,
  groups,
  isChosen,
  NO_FILTERS,
  sameFilters,
  withFilter,
  withoutAny,
  withoutFilter,
} from './filters';

const none: Facets = { total: 0, tiers: [], kinds: [], sources: [], roles: [], categories: [], topics: [] };
const travel = { by: 'topic', value: 'travel' } as const;

describe('filters', () => {
  it('are put on and taken off one by one, whatever the case and the accents', () => {
    const some = withFilter(withFilter(NO_FILTERS, travel), { by: 'topic', value: 'Café' });
    expect(some.topics).toEqual(['travel', 'Café']);
    expect(withFilter(some, { by: 'topic', value: ' CAFE ' }), 'it is on already').toBe(some);
    expect(isChosen(some, { by: 'topic', value: 'cafe' })).toBe(true);
    expect(withoutFilter(some, { by: 'topic', value: 'cafe' }).topics).toEqual(['travel']);
    expect(
      withoutFilter(withFilter(some, { by: 'source', value: 'papr' }), { by: 'source', value: '' }),
    ).toEqual(some);
  });

  it('are the same by what they say', () => {
    expect(sameFilters(NO_FILTERS, { ...NO_FILTERS, topics: [] })).toBe(true);
    expect(sameFilters(NO_FILTERS, { ...NO_FILTERS, pending: false })).toBe(false);
  });

  it('are all given up but the tier', () => {
    const all = { ...withFilter(NO_FILTERS, travel), tier: 'goals', pending: true } as const;
    expect(withoutAny(all)).toEqual({ ...NO_FILTERS, tier: 'goals' });
    expect(chosenFilters(withoutAny(all))).toEqual([]);
  });

  it('are written in words', () => {
    expect(
      (['kind', 'role', 'category'] as const).map((by) => filterText({ by, value: 'code_snippet' })),
    ).toEqual(['type: code snippet', 'role: code snippet', 'category: code snippet']);
    expect(filterText({ by: 'topic', value: 'snake_case' }), 'a person’s own word').toBe('topic: snake_case');
    expect(filterText({ by: 'source', value: 'import' })).toBe('source: imported');
    expect(filterText({ by: 'source', value: 'new kind' })).toBe('source: new kind');
    expect(['true', 'false'].map((value) => filterText({ by: 'pending', value }))).toEqual([
      'not yet sent to Papr',
      'sent to Papr',
    ]);
  });
});

describe('groups', () => {
  const one = [{ value: 'text', count: 3 }];
  const two = [...one, { value: 'goal', count: 1 }];

  it('leave out what would part nothing', () => {
    const shown = groups({ ...none, kinds: one, roles: two, topics: one }, NO_FILTERS);
    expect(shown.map(({ by }) => by)).toEqual(['topic', 'role']);
    expect(groups(none, NO_FILTERS)).toEqual([]);
  });

  it('keep what is chosen, even where nothing passes any more', () => {
    const filters = { ...NO_FILTERS, kind: 'text', topics: ['Travel'] };
    const [topics, kinds] = groups({ ...none, kinds: one }, filters);
    expect(topics?.values).toEqual([{ value: 'Travel', count: 0 }]);
    expect(kinds?.values).toEqual(one);
  });
});
