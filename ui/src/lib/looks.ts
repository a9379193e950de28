/** How a window looks and speaks: what was chosen, kept beside the page so that it holds before anything is shown. */
import type { Language, Settings, Theme } from '../backend';
import { setLanguage } from '../strings';

type Looks = Pick<Settings, 'theme' | 'language'>;

const KEPT = 'papr.looks';
const THEMES: readonly unknown[] = ['system', 'light', 'dark'] satisfies Theme[];
const LANGUAGES: readonly unknown[] = ['system', 'en', 'de'] satisfies Language[];
let spoken: Language | null = null;

/** As it was last time; to be waited for before the window is mounted. */
export async function showKeptLooks(): Promise<void> {
  await show(kept());
}

/** As the settings say. */
export function showLooks({ theme, language }: Looks): void {
  void show({ theme, language });
  try {
    localStorage.setItem(KEPT, JSON.stringify({ theme, language }));
  } catch {
    // Without a place to keep it, it is only known a moment later next time.
  }
}

async function show({ theme, language }: Looks): Promise<void> {
  const root = document.documentElement;
  // Nothing said: tokens.css goes by the system, and goes on doing so when that changes.
  if (theme === 'system') delete root.dataset.theme;
  else root.dataset.theme = theme;
  if (language === spoken) return;
  spoken = language;
  // Where the words cannot be fetched, those that are there go on.
  await setLanguage(language).catch(() => (spoken = null));
}

function kept(): Looks {
  try {
    const { theme, language } = JSON.parse(localStorage.getItem(KEPT) ?? '{}') as Partial<Looks>;
    return {
      theme: theme !== undefined && THEMES.includes(theme) ? theme : 'system',
      language: language !== undefined && LANGUAGES.includes(language) ? language : 'system',
    };
  } catch {
    return { theme: 'system', language: 'system' };
  }
}
