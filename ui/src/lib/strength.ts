import type { Hit } from '../backend';

export const STEPS = 5;
export type Step = 1 | 2 | 3 | 4 | 5;

/**
 * How strongly each hit matches, in five steps relative to the best of the list: raw fused scores
 * mean nothing to a person, their order and gaps do. An exact match is always full.
 */
export function strengths(hits: Pick<Hit, 'score' | 'why'>[]): Step[] {
  const best = Math.max(0, ...hits.map((hit) => hit.score ?? 0));
  return hits.map(({ score, why }) => {
    if (why === 'exact') return STEPS;
    if (best <= 0 || score === null) return 1;
    return clamp(Math.ceil((score / best) * STEPS));
  });
}

function clamp(step: number): Step {
  return Math.min(STEPS, Math.max(1, step)) as Step;
}
