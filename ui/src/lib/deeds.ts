import type { Memory, Tier } from '../backend';
import { t } from '../strings';
import { copyText } from './clipboard';
import type { Deeds } from './commands';
import type { Doctor } from './doctor.svelte';
import type { Library } from './library.svelte';
import type { Memories } from './memories.svelte';
import type { Papr } from './papr.svelte';
import type { Search } from './search.svelte';
import type { Shortcut } from './shortcuts';
import type { Toasts } from './toasts.svelte';
import type { View } from './views';

/** What the deeds are done with, and to. */
interface Parts {
  search: Search;
  library: Library;
  memories: Memories;
  papr: Papr;
  doctor: Doctor;
  toasts: Toasts;
  press: (shortcut: Shortcut) => void;
  view: () => View;
  reading: () => Memory | null;
  /** The library while it is on screen. */
  inLibrary: () => { move: (tier: Tier) => void; exportSelected: () => void } | undefined;
  go: (view: View) => Promise<void>;
  openSync: () => Promise<void>;
}

/** What the command palette does in the main window. What can fail is done where its failure is shown. */
export function deedsOf(parts: Parts): Deeds {
  const { search, library, memories, papr, doctor, toasts, go, openSync } = parts;

  async function copy(): Promise<void> {
    const memory = parts.reading();
    if (!memory) return;
    toasts.show({ text: t((await copyText(memory.content)) ? 'action.copied' : 'action.copyFailed') });
  }

  return {
    press: parts.press,
    copy: () => void copy(),
    setMode: (mode) => void go('search').then(() => search.setMode(mode)),
    setTier: (tier) => {
      if (parts.view() === 'library') library.setFilters({ ...library.filters, tier });
      else search.setTier(tier);
    },
    selectAll: () => void go('library').then(() => library.selectAll()),
    move: (tier) => parts.inLibrary()?.move(tier),
    export: () => parts.inLibrary()?.exportSelected(),
    clearSelection: () => library.selection.clear(),
    syncNow: () => void openSync().then(() => papr.syncNow(false)),
    pauseSync: (paused) => void openSync().then(() => papr.pause(paused)),
    localOnly: (on) => void go('privacy').then(() => papr.setLocalOnly(on)),
    doctor: () => void go('models').then(() => doctor.run()),
    addSamples: () => void memories.addSamples(),
    removeSamples: () => void memories.removeSamples(),
  };
}
