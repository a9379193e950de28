import { MediaQuery } from 'svelte/reactivity';

/** Below 900 px; in em, so that larger text counts as less room. */
const NARROW = 'max-width: 56.24em';

/** True while the detail has no room beside the list. Made inside a component. */
export function narrow(): { readonly current: boolean } {
  return new MediaQuery(NARROW);
}
