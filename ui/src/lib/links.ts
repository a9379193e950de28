/** Links in a text. A memory's text is anybody's: nothing is opened but what is plainly a web or mail address. */

export interface Piece {
  text: string;
  /** Where it leads; null for what is only text. */
  url: string | null;
}

const CANDIDATE = /(?:https?:\/\/|mailto:)[^\s<>"“”«»]+/gi;
const PAIRS: Record<string, string> = { ')': '(', ']': '[', '}': '{' };

/** A text in pieces that make it up again. */
export function linked(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const found of text.matchAll(CANDIDATE)) {
    const shown = withoutTail(found[0]);
    const url = safeUrl(shown);
    // In the middle of a word it is no address: "xhttp://".
    const before = text[found.index - 1] ?? '';
    if (url === null || /[\p{L}\p{N}]/u.test(before)) continue;
    if (found.index > end) pieces.push({ text: text.slice(end, found.index), url: null });
    pieces.push({ text: shown, url });
    end = found.index + shown.length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), url: null });
  return pieces;
}

/** The address as the system would open it; null if that is nothing the app opens. */
export function safeUrl(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.protocol === 'mailto:') return url.pathname.includes('@') ? url.href : null;
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null;
  return url.hostname === '' ? null : url.href;
}

/** Whom a link leads to: the host as it really is, behind any name that stands before an `@`; or a mail address. */
export function leadsTo(url: string): { mail: boolean; place: string } {
  const { protocol, host, pathname } = new URL(url);
  const mail = protocol === 'mailto:';
  return { mail, place: mail ? decoded(pathname) : host };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Without the full stop, comma or bracket of the sentence it stands in. */
function withoutTail(text: string): string {
  const counts = new Map<string, number>();
  for (const sign of text) counts.set(sign, (counts.get(sign) ?? 0) + 1);
  const count = (sign: string) => counts.get(sign) ?? 0;
  let end = text.length;
  for (; end > 0; end -= 1) {
    const last = text[end - 1] ?? '';
    const opener = PAIRS[last];
    const tail = opener ? count(last) > count(opener) : /[.,;:!?'’…*_~]/.test(last);
    if (!tail) break;
    counts.set(last, count(last) - 1);
  }
  return text.slice(0, end);
}
