/** What tests and mocks know of settings, files and backups. */
import type { Backup, ImportPreview, Settings, Sizes } from '../backend';
import { NOW } from './fixtures';

/** Somebody who has been here before and changed nothing. */
export function settings(over: Partial<Settings> = {}): Settings {
  return {
    shortcut: 'CmdOrCtrl+Shift+Space',
    launchAtLogin: false,
    startHidden: false,
    closeToTray: true,
    notifications: true,
    theme: 'system',
    language: 'system',
    results: 50,
    quick: { onEnter: 'copy', stayOpen: false, compact: false, preview: false },
    recentFirst: false,
    goalsFirst: false,
    device: 'auto',
    devices: ['auto', 'cpu'],
    unloadMinutes: 15,
    syncMinutes: 0,
    operationsPerMonth: 1000,
    localOnly: false,
    ledgerDays: 90,
    pinned: [],
    firstRunDone: true,
    damaged: null,
    ...over,
  };
}

export function sizes(over: Partial<Sizes> = {}): Sizes {
  return {
    folder: '/home/anna/.local/share/ai.papr.desktop',
    parts: [
      { part: 'memories', kilobytes: 4210 },
      { part: 'backups', kilobytes: 1830 },
      { part: 'setAside', kilobytes: 0 },
      { part: 'graphs', kilobytes: 0 },
      { part: 'models', kilobytes: 91_400 },
      { part: 'logs', kilobytes: 212 },
      { part: 'web', kilobytes: 640 },
      { part: 'other', kilobytes: 12 },
    ],
    free: 48_200_000,
    ...over,
  };
}

/** Newest first, the newest a day old at `now`. */
export function backups(count = 2, now = NOW): Backup[] {
  return Array.from({ length: count }, (_, i) => {
    const madeAt = new Date(now - (i + 1) * 24 * 3_600_000).toISOString();
    return { name: `memories-${madeAt.slice(0, 10)}.jsonl.zst`, madeAt, kilobytes: 915 - i * 40 };
  });
}

export function importPreview(over: Partial<ImportPreview> = {}): ImportPreview {
  return {
    format: 'lines',
    fresh: 12,
    known: 3,
    bad: 2,
    badLines: [
      { line: 4, reason: 'it has no content' },
      { line: 9, reason: 'it is not JSON' },
    ],
    examples: ['The boiler is serviced in October', 'Tomas takes his coffee without milk'],
    ...over,
  };
}
