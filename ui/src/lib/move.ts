export type Step = 'up' | 'down' | 'first' | 'last' | 'pageUp' | 'pageDown';

/** Where the selection goes in a list of `count`. It stops at both ends; -1 means none is selected. */
export function move(from: number, step: Step, count: number, page: number): number {
  if (count === 0) return -1;
  const to = {
    up: from < 0 ? count - 1 : from - 1,
    down: from + 1,
    first: 0,
    last: count - 1,
    pageUp: from - page,
    pageDown: from + page,
  }[step];
  return Math.min(count - 1, Math.max(0, to));
}
