import type { Download, ModelInfo, Status, Switch } from '../backend';

/** Where a model stands, as one word in the list. */
export type Standing =
  | 'inUse'
  | 'next'
  | 'downloading'
  | 'paused'
  | 'failed'
  | 'damaged'
  | 'installed'
  | 'absent'
  | 'lost'
  | 'unusable';

export type Action =
  'install' | 'import' | 'pause' | 'resume' | 'retry' | 'cancel' | 'use' | 'verify' | 'remove';

const downloads = { running: 'downloading', paused: 'paused', failed: 'failed' } as const;

export function standing(model: ModelInfo, download: Download | null, change: Switch | null): Standing {
  if (model.serving) return 'inUse';
  if (model.disabled !== null) return 'unusable';
  if (download) return downloads[download.state];
  if (change?.model === model.id && !change.error) return 'next';
  if (model.problem) return 'damaged';
  if (model.installed) return 'installed';
  // What comes with the app is not fetched: it is there, or the app is not whole.
  return model.builtIn ? 'lost' : 'absent';
}

/** What can be done with a model, the most likely first. The one in use is never removed. */
export function actions(model: ModelInfo, stands: Standing): Action[] {
  const removable: Action[] = model.builtIn || model.chosen || model.serving ? [] : ['remove'];
  switch (stands) {
    case 'inUse':
    case 'next':
      return ['verify'];
    case 'downloading':
      return ['pause', 'cancel'];
    case 'paused':
      return ['resume', 'cancel'];
    case 'failed':
      return ['retry', 'import', 'cancel'];
    case 'damaged':
      return model.builtIn ? [] : ['install', 'import', ...removable];
    case 'installed':
      return ['use', 'verify', ...removable];
    case 'absent':
      return ['install', 'import'];
    case 'unusable':
      return model.installed ? removable : [];
    case 'lost':
      return [];
  }
}

/** Whether a new status can mean another list of models. Progress alone does not. */
export function affectsModels(before: Status | null, now: Status): boolean {
  return before === null || mark(before) !== mark(now);
}

function mark({ state, model, downloads, switch: change }: Status): string {
  const loads = downloads.map((download) => [download.model, download.state]);
  return JSON.stringify([state, model.id, model.state, change?.model, change?.error?.message, loads]);
}

/** The downloads that are gone from the status: done, or given up. */
export function endedDownloads(before: Status, now: Status): string[] {
  const still = new Set(now.downloads.map((download) => download.model));
  return before.downloads.map((download) => download.model).filter((id) => !still.has(id));
}
