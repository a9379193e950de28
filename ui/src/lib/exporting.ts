import type { Backend, Format } from '../backend';
import { t } from '../strings';
import type { Toasts } from './toasts.svelte';

const ENDINGS: Record<Format, string> = { lines: 'jsonl', markdown: 'md', omo: 'omo.json' };

/** Asks for a file and writes those memories to it, or all. False if the person chose none. */
export async function exportTo(
  backend: Backend,
  toasts: Toasts,
  format: Format,
  ids: string[] | null,
): Promise<boolean> {
  const path = await backend.choose('export', `papr-memories.${ENDINGS[format]}`);
  if (path === null) return false;
  const n = await backend.exportMemories(path, format, ids);
  toasts.show({ text: t('export.done', { n, path }) });
  return true;
}
