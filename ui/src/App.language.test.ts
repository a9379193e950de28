/** The windows over a made-up backend: a change of language reaches everything that is shown. */
import { screen } from '@testing-library/svelte';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { setLanguage } from './strings';
import { FakeBackend } from './testing/fake';
import { memories, NOW } from './testing/fixtures';
import { click, openApp, openQuick, rows, settle, type } from './testing/screen';

let fake: FakeBackend;

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
  fake = new FakeBackend(memories());
});
afterEach(async () => {
  vi.useRealTimers();
  await setLanguage('en');
});

async function speak(language: 'en' | 'de'): Promise<void> {
  await setLanguage(language);
  await settle();
}

it('renders the main window again, words, plurals, numbers and dates', async () => {
  await openApp(fake);
  await type('api latency');
  const before = rows().map((row) => row.textContent);
  expect(screen.getByText(/^3 results \(1 goal, 2 memories\)/)).toBeTruthy();
  await speak('de');
  expect(screen.getByText(/^3 Treffer \(1 Ziel, 2 Erinnerungen\)/)).toBeTruthy();
  expect(screen.getByRole('button', { name: /^Abgleich/ })).toBeTruthy();
  expect(screen.getByRole('combobox', { name: 'Erinnerungen durchsuchen' })).toBeTruthy();
  expect(rows()[0]!.textContent).toContain('Ziel');
  expect(rows()[0]!.querySelector('[role=img]')!.getAttribute('aria-label')).toBe('Stärke 5 von 5');
  expect(document.querySelector('main')!.textContent).not.toMatch(/\b(results?|Goal|Memory|meaning|ago)\b/);
  await speak('en');
  expect(rows().map((row) => row.textContent)).toEqual(before);
});

it.each([
  ['Models', 'Modelle', 'Alle Modelle'],
  ['Sync', 'Abgleich', 'Konto'],
  ['Privacy', 'Datenschutz', 'Was diesen Computer verlässt'],
])('renders the view %s again', async (english, german, inside) => {
  await openApp(fake);
  await click(new RegExp(`^${english}`));
  await speak('de');
  expect(screen.getAllByRole('button', { name: new RegExp(`^${german}`) }).length).toBeGreaterThan(0);
  expect(screen.getAllByText(inside).length).toBeGreaterThan(0);
});

it('renders the quick window again', async () => {
  await openQuick(fake);
  await speak('de');
  expect(screen.getByRole('listbox', { name: 'Neueste Erinnerungen' })).toBeTruthy();
});
