/** Files of text that become memories. */
import { t } from '../strings';
import { bytes } from './amounts';

/** As many as a memory holds. */
export const MOST_BYTES = 15_000;
const ENDINGS = /\.(txt|md|markdown)$/i;

export interface TextFile {
  name: string;
  text: string;
}

export interface Refused {
  name: string;
  reason: string;
}

export interface Pile {
  texts: TextFile[];
  refused: Refused[];
}

/** Reads them, in the order of their names; what cannot become a memory is refused with why. */
export async function readTexts(files: readonly File[]): Promise<Pile> {
  const ordered = [...files].sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
  const read = await Promise.all(ordered.map(readText));
  return {
    texts: read.filter((one): one is TextFile => 'text' in one),
    refused: read.filter((one): one is Refused => 'reason' in one),
  };
}

async function readText(file: File): Promise<TextFile | Refused> {
  const { name } = file;
  if (!ENDINGS.test(name)) return { name, reason: t('files.kind') };
  if (file.size > MOST_BYTES) return { name, reason: tooLarge(file.size) };
  let text: string;
  try {
    text = await file.text();
  } catch {
    return { name, reason: t('files.unread') };
  }
  return judge(name, text);
}

/** A text from elsewhere, as one that may become a memory. */
export function judge(name: string, whole: string): TextFile | Refused {
  const text = whole.replace(/^\uFEFF/, '').trim();
  const size = new TextEncoder().encode(text).length;
  if (size > MOST_BYTES) return { name, reason: tooLarge(size) };
  if (text === '') return { name, reason: t('files.empty') };
  // What is no text, or none in UTF-8.
  if (/[\0\uFFFD]/.test(text)) return { name, reason: t('files.binary') };
  return { name, text };
}

function tooLarge(size: number): string {
  return t('files.large', { size: bytes(size), limit: bytes(MOST_BYTES) });
}
