/** Everything that can be done by its name: what the command palette lists. */
import type { Mode, Status, Tier } from '../backend';
import { t, type Key } from '../strings';
import { fold } from './filters';
import { keysOf, type Shortcut } from './shortcuts';
import { VIEWS, type View } from './views';

/** How the window stands. */
export interface Standing {
  view: View;
  status: Status | null;
  /** A memory is being read. */
  reading: boolean;
  /** How many are selected in the library. */
  selected: number;
  canUndo: boolean;
}

/** What the window can do. */
export interface Deeds {
  press: (shortcut: Shortcut) => void;
  copy: () => void;
  setMode: (mode: Mode) => void;
  setTier: (tier: Tier | null) => void;
  selectAll: () => void;
  move: (tier: Tier) => void;
  export: () => void;
  clearSelection: () => void;
  syncNow: () => void;
  pauseSync: (paused: boolean) => void;
  localOnly: (on: boolean) => void;
  doctor: () => void;
  addSamples: () => void;
  removeSamples: () => void;
}

export interface Command {
  id: string;
  name: string;
  /** The keys that do it too. */
  keys: string | null;
  run: () => void;
}

interface Entry {
  name: Key;
  /** Shown, and run, as the shortcut of that name. */
  shortcut?: Shortcut;
  /** Only then. */
  when?: (standing: Standing) => boolean;
  run?: (deeds: Deeds) => void;
}

const inLists = ({ view }: Standing) => view === 'search' || view === 'library';
const reading = (standing: Standing) => inLists(standing) && standing.reading;
const chosen = ({ view, selected }: Standing) => view === 'library' && selected > 0;
const movable = (standing: Standing) =>
  standing.view === 'library' && (standing.selected > 0 || standing.reading);
const account = ({ status }: Standing) => status !== null && status.sync.account !== null;
const local = ({ status }: Standing) => status?.sync.localOnly === true;

const ENTRIES: readonly Entry[] = [
  { name: 'keys.add', shortcut: 'add' },
  { name: 'keys.focus', shortcut: 'focus' },
  { name: 'keys.edit', shortcut: 'edit', when: reading },
  { name: 'palette.copy', when: reading, run: (deeds) => deeds.copy() },
  { name: 'keys.delete', shortcut: 'delete', when: (standing) => reading(standing) || chosen(standing) },
  { name: 'keys.undo', shortcut: 'undo', when: ({ canUndo }) => canUndo },
  { name: 'palette.everything', when: inLists, run: (deeds) => deeds.setTier(null) },
  { name: 'palette.goals', when: inLists, run: (deeds) => deeds.setTier('goals') },
  { name: 'palette.memories', when: inLists, run: (deeds) => deeds.setTier('memories') },
  { name: 'palette.meaning', run: (deeds) => deeds.setMode('hybrid') },
  { name: 'palette.words', run: (deeds) => deeds.setMode('words') },
  { name: 'palette.selectAll', run: (deeds) => deeds.selectAll() },
  { name: 'library.none', when: chosen, run: (deeds) => deeds.clearSelection() },
  { name: 'library.toGoals', when: movable, run: (deeds) => deeds.move('goals') },
  { name: 'library.toMemories', when: movable, run: (deeds) => deeds.move('memories') },
  { name: 'library.export', when: chosen, run: (deeds) => deeds.export() },
  {
    name: 'palette.syncNow',
    when: (standing) => account(standing) && !local(standing),
    run: (deeds) => deeds.syncNow(),
  },
  {
    name: 'palette.syncPause',
    when: (standing) => account(standing) && !standing.status?.sync.paused,
    run: (deeds) => deeds.pauseSync(true),
  },
  {
    name: 'palette.syncResume',
    when: (standing) => account(standing) && standing.status?.sync.paused === true,
    run: (deeds) => deeds.pauseSync(false),
  },
  { name: 'palette.localOn', when: (standing) => !local(standing), run: (deeds) => deeds.localOnly(true) },
  { name: 'palette.localOff', when: local, run: (deeds) => deeds.localOnly(false) },
  { name: 'palette.importModel', run: (deeds) => deeds.press('models') },
  { name: 'palette.doctor', run: (deeds) => deeds.doctor() },
  {
    name: 'palette.samplesAdd',
    when: ({ status }) => status?.samples === 0,
    run: (deeds) => deeds.addSamples(),
  },
  {
    name: 'samples.remove',
    when: ({ status }) => (status?.samples ?? 0) > 0,
    run: (deeds) => deeds.removeSamples(),
  },
  { name: 'keys.title', shortcut: 'help' },
];

/** What can be done now, the likeliest first. */
export function commands(standing: Standing, deeds: Deeds): Command[] {
  const here = ENTRIES.filter(({ when }) => when?.(standing) ?? true).map(
    ({ name, shortcut, run }): Command => ({
      id: name,
      name: t(name),
      keys: shortcut ? keysOf(shortcut) : null,
      run: () => (run ? run(deeds) : shortcut && deeds.press(shortcut)),
    }),
  );
  const views = VIEWS.filter(({ view }) => view !== standing.view).map(({ view, name }): Command => ({
    id: view,
    name: t('palette.go', { view: t(name) }),
    keys: keysOf(view),
    run: () => deeds.press(view),
  }));
  return [...here, ...views];
}

/** Those with all the words in their names, first the ones where a word begins so. */
export function matching(all: Command[], text: string): Command[] {
  const words = fold(text).split(/\s+/).filter(Boolean);
  const rank = ({ name }: Command) => {
    const folded = fold(name);
    if (!words.every((word) => folded.includes(word))) return null;
    return words.filter((word) => !` ${folded}`.includes(` ${word}`)).length;
  };
  return all
    .map((command, at) => ({ command, at, rank: rank(command) }))
    .filter((one): one is typeof one & { rank: number } => one.rank !== null)
    .sort((a, b) => a.rank - b.rank || a.at - b.at)
    .map(({ command }) => command);
}
