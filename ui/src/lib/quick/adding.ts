import type { Draft, Tier } from '../../backend';

/** Also the wide signs that an input method for Chinese or Japanese writes. */
const PLUS = /^[+＋]/;
const GOAL_SIGN = /^[!！]/;

/**
 * What the field's text is to be kept as when it begins with a plus, and null when it is a question: "+ text" a memory,
 * "+! text" a goal, and so is "+goal text", with `word` as the person's own word for it. The content may be empty still.
 */
export function adding(text: string, word: string): Draft | null {
  if (!PLUS.test(text)) return null;
  const rest = text.slice(1);
  if (GOAL_SIGN.test(rest)) return draft(rest.slice(1), 'goals');
  const named = [word, 'goal'].find((name) => rest.toLowerCase().startsWith(`${name.toLowerCase()} `));
  return named ? draft(rest.slice(named.length), 'goals') : draft(rest, 'memories');
}

function draft(text: string, tier: Tier): Draft {
  return { content: text.trim(), tier, topics: [] };
}
