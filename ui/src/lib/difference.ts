import type { Span } from '../backend';

/** Words and the space between them; joined again they are the text. */
const PARTS = /\s+|[^\s]+/g;

/** Both texts with what they do not share marked: from the first word that differs to the last one. */
export function difference(mine: string, theirs: string): [Span[], Span[]] {
  const a: string[] = mine.match(PARTS) ?? [];
  const b: string[] = theirs.match(PARTS) ?? [];
  const least = Math.min(a.length, b.length);
  let head = 0;
  while (head < least && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < least - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  const spans = (parts: string[]): Span[] =>
    [
      { text: parts.slice(0, head).join(''), marked: false },
      { text: parts.slice(head, parts.length - tail).join(''), marked: true },
      { text: parts.slice(parts.length - tail).join(''), marked: false },
    ].filter(({ text }) => text !== '');
  return [spans(a), spans(b)];
}
