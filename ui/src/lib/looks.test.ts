/** Theme and language, before and after the settings are known. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { language } from '../strings';
import { showKeptLooks, showLooks } from './looks';

const root = document.documentElement;
const speaks = (name: string) => vi.waitFor(() => expect(language()).toBe(name));

afterEach(async () => {
  showLooks({ theme: 'system', language: 'en' });
  await speaks('en');
  localStorage.clear();
});

describe('looks', () => {
  it('follow the choice, and the system where there is none', async () => {
    showLooks({ theme: 'dark', language: 'de' });
    expect(root.dataset.theme).toBe('dark');
    await speaks('de');
    expect(root.lang).toBe('de');
    showLooks({ theme: 'system', language: 'system' });
    expect('theme' in root.dataset, 'the style sheet asks the system').toBe(false);
    await speaks('en');
  });

  it('of last time hold before the settings are read', async () => {
    localStorage.setItem('papr.looks', JSON.stringify({ theme: 'light', language: 'de' }));
    await showKeptLooks();
    expect([root.dataset.theme, language()]).toEqual(['light', 'de']);
    showLooks({ theme: 'dark', language: 'de' });
    delete root.dataset.theme;
    await showKeptLooks();
    expect(root.dataset.theme).toBe('dark');
  });

  it.each(['{ half', '{"theme":"sepia","language":7}', 'null'])('kept as %s mean nothing', async (text) => {
    localStorage.setItem('papr.looks', text);
    await showKeptLooks();
    expect('theme' in root.dataset).toBe(false);
  });
});
