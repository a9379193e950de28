/** Failures in a German window: told in German, with the engine’s own words marked as English. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AppError, Status } from './backend';
import { setLanguage } from './strings';
import { FakeBackend } from './testing/fake';
import { memories, notes, NOW } from './testing/fixtures';
import { catalogue } from './testing/models';
import { openSignedOut, writeKey } from './testing/paprScreen';
import { openApp, openQuick, settle } from './testing/screen';
import { tap } from './testing/modelsScreen';

const broke = { code: 'INTERNAL', message: 'it broke', hint: 'Wait a little.' } as const;

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
});
afterEach(async () => {
  localStorage.clear();
  vi.useRealTimers();
  await setLanguage('en');
});

type Prepare = (fake: FakeBackend) => void;

async function open(
  prepare: Prepare,
  names: string[] = [],
  info: Partial<Status> = {},
): Promise<FakeBackend> {
  const fake = new FakeBackend(memories(), info);
  prepare(fake);
  await openApp(fake);
  await setLanguage('de');
  await settle();
  for (const name of names) await tap(name);
  return fake;
}

/** What stands on screen in German, and what is marked as English. */
function heard(): { german: string; english: string } {
  const copy = document.body.cloneNode(true) as HTMLElement;
  const marked = [...copy.querySelectorAll('[lang=en]')].map((one) => {
    one.remove();
    return one.textContent;
  });
  return { german: copy.textContent.replace(/\s+/g, ' '), english: marked.join(' ') };
}

function expectTold(): void {
  const { german, english } = heard();
  expect(german).toContain('Etwas Unerwartetes ging schief. Versuche es noch einmal.');
  expect(german, 'what is to come').toContain('Technisch:');
  expect(english, 'a screen reader says it as English').toContain('It broke. Wait a little.');
  expect(german, 'and nothing of it in German').not.toMatch(/broke|Wait a/);
}

const fails =
  (call: Parameters<FakeBackend['failNext']>[0], error: Partial<AppError> & Pick<AppError, 'code'> = broke) =>
  (fake: FakeBackend) =>
    fake.failNext(call, error);

describe('a failure is told in German', () => {
  it.each<[string, Prepare, string[]]>([
    ['where the list is', fails('list'), []],
    ['where filters are counted', fails('facets'), ['Filter']],
    ['in the library', fails('ids'), ['Bibliothek']],
    ['where models are', fails('models'), ['Modelle']],
    ['in the ledger', fails('ledger'), ['Datenschutz']],
    ['beside what waits', fails('outbox'), ['Abgleich']],
    ['over the settings', fails('sizes'), ['Einstellungen']],
    ['over the backups', fails('backups'), ['Einstellungen']],
  ])('%s', async (_place, prepare, names) => {
    await open(prepare, names);
    expectTold();
  });

  it('under a list that goes on', async () => {
    const fake = new FakeBackend(notes(60));
    await openApp(fake);
    await setLanguage('de');
    fake.failNext('list', broke);
    await tap('Mehr zeigen');
    expectTold();
    expect(heard().german).toContain('Der Rest ließ sich nicht laden.');
  });

  it('in a form', async () => {
    const fake = await open(() => {}, ['Erinnerung hinzufügen']);
    fake.failNext('add', broke);
    await fireEvent.input(document.querySelector('#memory-content')!, { target: { value: 'Buy milk' } });
    await fireEvent.submit(document.querySelector('dialog form')!);
    await settle();
    expectTold();
  });

  it('beside what helps', async () => {
    const fake = await open(() => {}, ['Einstellungen']);
    fake.failNext('diagnostics', broke);
    await tap('Diagnose kopieren …');
    expectTold();
  });

  it('beside a setting', async () => {
    const fake = await open(() => {}, ['Einstellungen']);
    fake.failNext('changeSettings', broke);
    document.querySelector<HTMLElement>('main [role=switch]')!.click();
    await settle();
    expectTold();
  });

  it('and needs no English where the shell speaks German', async () => {
    const fake = await open(() => {}, ['Einstellungen']);
    const message = 'Strg+K gehört schon einem anderen Programm.';
    fake.failNext('changeSettings', { code: 'REFUSED', message, hint: 'Wähle ein anderes.' });
    document.querySelector<HTMLElement>('main [role=switch]')!.click();
    await settle();
    expect(screen.getByRole('alert').textContent.trim()).toBe(`${message} Wähle ein anderes.`);
  });

  it('where nothing works', async () => {
    const fatal = {
      code: 'STORE_DAMAGED',
      message: 'a page is cut short',
      hint: null,
      retryable: false,
    } as const;
    await open(() => {}, [], { state: 'failed', fatal });
    const { german, english } = heard();
    expect(german).toContain('Die Erinnerungen sind beschädigt und ließen sich nicht öffnen.');
    expect(german).toContain('Nichts wurde gelöscht.');
    expect(english).toBe('A page is cut short.');
  });

  it('in the quick window', async () => {
    const fake = new FakeBackend(memories());
    fake.failNext('list', broke);
    await openQuick(fake);
    await setLanguage('de');
    await settle();
    expectTold();
  });

  it('and again in English when that is spoken', async () => {
    await open(fails('list'));
    await setLanguage('en');
    await settle();
    const alert = screen.getByRole('alert');
    expect(alert.textContent).toContain('It broke. Wait a little.');
    expect(alert.querySelector('[lang]'), 'the page’s own language').toBeNull();
  });
});

describe('what only the engine can say is marked as English', () => {
  it('of models', async () => {
    await open(() => {}, ['Modelle']);
    const { german, english } = heard();
    for (const { summary, notes, disabled } of catalogue()) {
      for (const text of [summary, ...notes]) {
        expect(english).toContain(text);
        expect(german).not.toContain(text);
      }
      if (disabled) expect(english.toLowerCase()).toContain(disabled.toLowerCase());
    }
  });

  it('of a check-up, whose looks have German names', async () => {
    await open(() => {}, ['Modelle', 'Alles prüfen']);
    const { german, english } = heard();
    expect(german).toContain('Dateien der Modelle');
    expect(german, 'every look has one').not.toMatch(/model files|runtime|device/);
    expect(english).toContain('every byte as in the manifest');
  });

  it('of a repair', async () => {
    await open(() => {}, [], { recovered: '12 memories were repaired.' });
    expect(heard().german).toContain('Bei diesem Start war etwas beschädigt');
    expect(heard().english).toContain('12 memories were repaired.');
  });

  it('of a key that is not kept is said in German', async () => {
    const note = 'This key is kept in memory only.';
    const fake = await openSignedOut((made) => Object.assign(made, { note }));
    await fireEvent.click(screen.getByRole('checkbox'));
    await writeKey('sk-papr-0123456789abcdef3f9c');
    await tap('Verify');
    expect(fake.who?.keySource, 'as it was asked').toBe('memory');
    await setLanguage('de');
    await settle();
    expect(heard().german).toContain('wird vergessen, sobald die App endet.');
    expect(heard().german).not.toContain(note);
  });
});
