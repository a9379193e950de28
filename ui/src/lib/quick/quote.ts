import type { Memory, Source } from '../../backend';
import { t, type Key } from '../../strings';
import { longDate } from '../dates';

const FROM: Record<Source, Key> = {
  user: 'quick.fromUser',
  import: 'quick.fromImport',
  sample: 'quick.fromSample',
  papr: 'quick.fromPapr',
};

/** A memory as it is quoted in a message or a note, with where it is from and since when. */
export function quote(memory: Memory, locale: string): string {
  const lines = memory.content.trimEnd().split(/\r\n|\r|\n/);
  const from = t('quick.quoteFrom', {
    source: t(FROM[memory.source]),
    date: longDate(memory.updatedAt, locale),
  });
  return [...lines, from].map((line) => (line === '' ? '>' : `> ${line}`)).join('\n');
}
