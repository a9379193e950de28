/**
 * Every key of both windows, in one table: what a key does and what the list of shortcuts says are read
 * from the same lines, so that they cannot disagree. `keys.ts` compares an event with it.
 */
import type { MainView } from '../backend';
import type { Key } from '../strings';

export interface Binding<Does extends string = string> {
  does: Does;
  /** "Mod+Shift+P": Mod is ⌘ on a Mac and Ctrl elsewhere. The first one is shown beside a command. */
  keys: readonly string[];
  name: Key;
  /** Not while the focus is in a text field, where these keys are the text's. A bare letter or sign never is. */
  outside?: true;
}

export type Shortcut = 'focus' | 'add' | 'edit' | 'delete' | 'undo' | 'palette' | 'help' | MainView;

/** The main window's, wherever the focus is. */
export const WINDOW: readonly Binding<Shortcut>[] = [
  { does: 'palette', keys: ['Mod+Shift+P', 'Mod+P'], name: 'keys.palette' },
  { does: 'focus', keys: ['Mod+K', 'Mod+F', '/'], name: 'keys.focus' },
  { does: 'add', keys: ['Mod+N'], name: 'keys.add' },
  { does: 'edit', keys: ['Mod+E'], name: 'keys.edit' },
  { does: 'delete', keys: ['Delete', 'Mod+Backspace'], name: 'keys.delete', outside: true },
  { does: 'undo', keys: ['Mod+Z'], name: 'keys.undo', outside: true },
  { does: 'help', keys: ['F1', '?'], name: 'keys.help' },
  { does: 'search', keys: ['Mod+1'], name: 'nav.search' },
  { does: 'library', keys: ['Mod+2'], name: 'nav.library' },
  { does: 'models', keys: ['Mod+3'], name: 'nav.models' },
  { does: 'sync', keys: ['Mod+4'], name: 'nav.sync' },
  { does: 'privacy', keys: ['Mod+5'], name: 'nav.privacy' },
  { does: 'settings', keys: ['Mod+6', 'Mod+,'], name: 'nav.settings' },
];

export type ListDoes = 'up' | 'down' | 'pageUp' | 'pageDown' | 'first' | 'last' | 'open' | 'clear';

/** Those of a list of memories, in either window. */
export const LIST: readonly Binding<ListDoes>[] = [
  { does: 'up', keys: ['ArrowUp'], name: 'keys.move' },
  { does: 'down', keys: ['ArrowDown'], name: 'keys.move' },
  { does: 'pageUp', keys: ['PageUp'], name: 'keys.page' },
  { does: 'pageDown', keys: ['PageDown'], name: 'keys.page' },
  { does: 'first', keys: ['Home', 'Mod+Home'], name: 'keys.ends' },
  { does: 'last', keys: ['End', 'Mod+End'], name: 'keys.ends' },
  { does: 'open', keys: ['Enter'], name: 'keys.open' },
  { does: 'clear', keys: ['Escape'], name: 'keys.clear' },
];

export type ChooseDoes = 'toggle' | 'extend' | 'all';

/** What the library's list has beside them, where several can be selected. */
export const CHOOSE: readonly Binding<ChooseDoes>[] = [
  { does: 'toggle', keys: ['Space'], name: 'keys.toggle' },
  {
    does: 'extend',
    keys: ['Shift+ArrowUp', 'Shift+ArrowDown', 'Shift+PageUp', 'Shift+PageDown', 'Shift+Home', 'Shift+End'],
    name: 'keys.extend',
  },
  { does: 'all', keys: ['Mod+A'], name: 'keys.all' },
];

export type FormDoes = 'save' | 'leave';

/** Those of a form. */
export const FORM: readonly Binding<FormDoes>[] = [
  { does: 'save', keys: ['Mod+Enter'], name: 'keys.save' },
  { does: 'leave', keys: ['Escape'], name: 'keys.leave' },
];

export type QuickDoes =
  | 'other'
  | 'actions'
  | 'copy'
  | 'quote'
  | 'pin'
  | 'move'
  | 'edit'
  | 'delete'
  | 'why'
  | 'preview'
  | 'add'
  | 'undo'
  | 'tier'
  | 'tierBack'
  | 'older'
  | 'newer'
  | 'readDown'
  | 'readUp';

/** What the quick window has beside the keys of its list. The focus is always in its field, so no key is one of the text's. */
export const QUICK: readonly Binding<QuickDoes>[] = [
  { does: 'other', keys: ['Mod+Enter'], name: 'quick.keyOther' },
  { does: 'actions', keys: ['Mod+K'], name: 'quick.keyActions' },
  { does: 'copy', keys: ['Mod+C'], name: 'quick.actionCopy' },
  { does: 'quote', keys: ['Mod+Shift+C'], name: 'quick.actionQuote' },
  { does: 'pin', keys: ['Mod+P'], name: 'quick.keyPin' },
  { does: 'move', keys: ['Mod+Shift+M'], name: 'quick.keyMove' },
  { does: 'edit', keys: ['Mod+E'], name: 'quick.actionEdit' },
  { does: 'why', keys: ['Mod+J'], name: 'quick.actionWhy' },
  { does: 'delete', keys: ['Mod+Shift+Backspace'], name: 'quick.actionDelete' },
  { does: 'preview', keys: ['Mod+I'], name: 'quick.actionPreview' },
  { does: 'add', keys: ['Mod+N'], name: 'quick.actionAdd' },
  { does: 'undo', keys: ['Mod+Z'], name: 'quick.keyUndo' },
  { does: 'tier', keys: ['Tab'], name: 'quick.keyTier' },
  { does: 'tierBack', keys: ['Shift+Tab'], name: 'quick.keyTier' },
  { does: 'older', keys: ['Alt+ArrowUp'], name: 'quick.keyHistory' },
  { does: 'newer', keys: ['Alt+ArrowDown'], name: 'quick.keyHistory' },
  { does: 'readDown', keys: ['Shift+PageDown'], name: 'quick.keyRead' },
  { does: 'readUp', keys: ['Shift+PageUp'], name: 'quick.keyRead' },
];

export function keysOfQuick(does: QuickDoes): string {
  return first(QUICK, does);
}

/** The first key of an action of the main window, to be shown beside its name. */
export function keysOf(does: Shortcut): string {
  return first(WINDOW, does);
}

export function keysOfForm(does: FormDoes): string {
  return first(FORM, does);
}

function first<Does extends string>(table: readonly Binding<Does>[], does: Does): string {
  return table.find((one) => one.does === does)?.keys[0] ?? '';
}

/** All of them, in the order they are listed. */
export const SHOWN: readonly { title: Key; table: readonly Binding[] }[] = [
  { title: 'keys.everywhere', table: WINDOW },
  { title: 'keys.inLists', table: LIST },
  { title: 'keys.inLibrary', table: CHOOSE },
  { title: 'keys.inForms', table: FORM },
  { title: 'keys.inQuick', table: QUICK },
];
