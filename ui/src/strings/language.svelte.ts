/** Which language the windows speak: what was chosen, what the system speaks, and what comes of both. */
import { english, type Entries } from './en';

export type Language = 'en' | 'de';
export type Choice = Language | 'system';

interface Spoken {
  dir: 'ltr' | 'rtl';
  /** For dates and numbers where the system names no country: one that puts the day first. */
  locale: string;
  load: () => Promise<Entries>;
}

const spoken: Record<Language, Spoken> = {
  en: { dir: 'ltr', locale: 'en-GB', load: async () => english },
  de: { dir: 'ltr', locale: 'de-DE', load: async () => (await import('./de')).german },
};

export const LANGUAGES = Object.keys(spoken) as Language[];

/** What one language needs to speak, always changed as a whole. */
interface Voice {
  language: Language;
  locale: string;
  entries: Entries;
  plural: Intl.PluralRules;
  numbers: Intl.NumberFormat;
}

let chosen: Choice = 'system';
let turn = 0;
// English is always at hand, so that there is never nothing to say.
let current = $state.raw(speak('en', english));

/** The voice of now. Read where something is rendered, it renders it again when the language changes. */
export function voice(): Voice {
  return current;
}

/** The language that is spoken now. */
export function language(): Language {
  return current.language;
}

/** The tag for dates and numbers: the person's own kind of the language that is spoken. */
export function locale(): string {
  return current.locale;
}

/**
 * Speaks the chosen language in this window from the moment its words are there; until then the one before it stays.
 * The last choice wins, however long an earlier one takes.
 */
export async function setLanguage(choice: Choice): Promise<void> {
  chosen = choice;
  const mine = ++turn;
  const next = choice === 'system' ? systemLanguage() : choice;
  const entries = await spoken[next].load();
  if (mine !== turn) return;
  current = speak(next, entries);
  document.documentElement.lang = next;
  document.documentElement.dir = spoken[next].dir;
}

/** The first of the system's languages that is spoken here; English if none is. */
export function systemLanguage(tags: readonly string[] = systemTags()): Language {
  for (const tag of tags) {
    const known = LANGUAGES.find((name) => isOf(tag, name));
    if (known) return known;
  }
  return 'en';
}

function speak(name: Language, entries: Entries): Voice {
  const tag = systemTags().find((tag) => isOf(tag, name) && tag.length > name.length) ?? spoken[name].locale;
  return {
    language: name,
    locale: tag,
    entries,
    plural: new Intl.PluralRules(name),
    numbers: new Intl.NumberFormat(tag, { maximumFractionDigits: 2 }),
  };
}

function isOf(tag: string, name: Language): boolean {
  return tag.toLowerCase().split('-')[0] === name;
}

function systemTags(): readonly string[] {
  return globalThis.navigator?.languages ?? [];
}

// The system's language can change while the app runs, and the person's kind of it too.
globalThis.addEventListener?.('languagechange', () => void setLanguage(chosen));
