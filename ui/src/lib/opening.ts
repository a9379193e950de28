import type { Status } from '../backend';

/** Whether it is too early to say what there is. Until the index is built, `nothing` found means nothing. */
export function tooEarly(status: Status | null, nothing: boolean): boolean {
  if (status?.state === 'open') return nothing && status.index === 'building';
  return status?.state === 'opening';
}
