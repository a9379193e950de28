/** What can be done from the quick window's panel of actions, and by which key. */
import type { OnEnter } from '../../backend';
import { t, type Key } from '../../strings';
import { keysOfQuick, type QuickDoes } from '../shortcuts';
import type { Row } from '../search.svelte';

export type Deed = Extract<
  QuickDoes,
  'copy' | 'quote' | 'pin' | 'move' | 'edit' | 'delete' | 'why' | 'preview' | 'add'
>;
export type Does = Deed | 'open' | 'main';

export interface Action {
  does: Does;
  name: string;
  /** As in the table of shortcuts; empty if there is none. */
  keys: string;
  /** It takes something away. */
  harm?: boolean;
}

interface Now {
  onEnter: OnEnter;
  pinned: boolean;
  preview: boolean;
}

/** Those for a memory, what Enter does first; then those of the window. Without a memory, the latter alone. */
export function actions(row: Row | null, { onEnter, pinned, preview }: Now): Action[] {
  const deed = (does: Deed, name: Key): Action => ({ does, name: t(name), keys: keysOfQuick(does) });
  const open: Action = { does: 'open', name: t('quick.actionOpen'), keys: keysOfQuick('other') };
  const copy = deed('copy', 'quick.actionCopy');
  const first = onEnter === 'open' ? [open, copy] : [copy, open];
  if (first[0]) first[0].keys = 'Enter';
  const window = [
    deed('preview', preview ? 'quick.actionPreviewOff' : 'quick.actionPreview'),
    deed('add', 'quick.actionAdd'),
  ];
  if (!row) return [...window, { does: 'main', name: t('quick.openMain'), keys: '' }];
  return [
    ...first,
    deed('quote', 'quick.actionQuote'),
    deed('pin', pinned ? 'quick.actionUnpin' : 'quick.actionPin'),
    deed('move', row.memory.tier === 'goals' ? 'quick.actionToMemories' : 'quick.actionToGoals'),
    deed('edit', 'quick.actionEdit'),
    deed('why', 'quick.actionWhy'),
    { ...deed('delete', 'quick.actionDelete'), harm: true },
    ...window,
  ];
}

/** Those whose name holds every word that was typed. */
export function narrowed(all: Action[], typed: string): Action[] {
  const words = typed.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  return all.filter(({ name }) => words.every((word) => name.toLocaleLowerCase().includes(word)));
}
