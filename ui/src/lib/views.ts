import type { MainView } from '../backend';
import type { Key } from '../strings';

export type View = MainView;

/** The views of the main window, in order. */
export const VIEWS: readonly { view: View; name: Key }[] = [
  { view: 'search', name: 'nav.search' },
  { view: 'library', name: 'nav.library' },
  { view: 'models', name: 'nav.models' },
  { view: 'sync', name: 'nav.sync' },
  { view: 'privacy', name: 'nav.privacy' },
  { view: 'settings', name: 'nav.settings' },
];
