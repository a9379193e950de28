import type { Reply, TierCounts, Timings } from '../backend';
import { number, t } from '../strings';

/** Microseconds as milliseconds, whole from 1 ms on; below it one digit still says something. */
export function ms(micros: number): string {
  if (micros >= 950) return number(Math.round(micros / 1000));
  if (micros < 50) return '0';
  return number(Math.round(micros / 100) / 10);
}

export function total(counts: TierCounts): number {
  return counts.goals + counts.memories;
}

/** "3 goals, 9 memories", without a part that is zero; nothing when both are. */
export function tierList({ goals, memories }: TierCounts): string {
  const parts = [];
  if (goals > 0) parts.push(t('count.goals', { n: goals }));
  if (memories > 0) parts.push(t('count.memories', { n: memories }));
  return parts.join(t('list.comma'));
}

function time(timings: Timings): string {
  const embed = timings.tokenize + timings.embed;
  const search = timings.vector + timings.words;
  const params = { total: ms(timings.total), embed: ms(embed), search: ms(search) };
  // Without a model nothing was embedded, and "embed 0" would claim that it was.
  return embed > 0 ? t('line.time', params) : t('line.timeWords', params);
}

/** "12 results · 9 ms", where there is little room. */
export function shortLine(reply: Reply): string {
  const results = t('count.results', { n: reply.total });
  return t('line.short', { results, total: ms(reply.timings.total) });
}

/** "12 results (3 goals, 9 memories) · 9 ms (embed 6, search 1) · CPU" */
export function latencyLine(reply: Reply, provider: string | null): string {
  // Only what is on this page was counted by tier.
  const tiers = total(reply.counts) < reply.total ? '' : tierList(reply.counts);
  const results = t('count.results', { n: reply.total });
  const parts = [tiers ? t('line.results', { results, tiers }) : results, time(reply.timings)];
  if (provider && reply.timings.embed > 0) parts.push(provider);
  return parts.join(t('list.dot'));
}
