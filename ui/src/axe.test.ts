/** What axe finds in every view and dialog, as far as it can be judged where nothing is laid out: nothing. */
import { fireEvent } from '@testing-library/svelte';
import axe from 'axe-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Settings, Status } from './backend';
import { FakeBackend } from './testing/fake';
import { memories, noModel, NOW, opening } from './testing/fixtures';
import { change, download } from './testing/models';
import { tap } from './testing/modelsScreen';
import { account, conflictsOf, ledger, outboxOf, synced, same, serverSpace } from './testing/papr';
import { openApp, openQuick, press, settle, type } from './testing/screen';
import { recorder } from './testing/settingsScreen';
import { setLanguage } from './strings';

// Everything on screen is looked at by some ninety rules, and none of it is quick without a layout.
vi.setConfig({ testTimeout: 60_000 });
// It would be measured whether letters are drawn as signs.
beforeAll(() => void (HTMLCanvasElement.prototype.getContext = () => null));

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
});
afterEach(() => {
  localStorage.clear();
  vi.useRealTimers();
});

/** They need a layout, a style sheet or media, or a page that is more than a window of an app. */
const ELSEWHERE = [
  'avoid-inline-spacing',
  'bypass',
  'color-contrast',
  'css-orientation-lock',
  'document-title',
  'html-has-lang',
  'link-in-text-block',
  'meta-viewport',
  'no-autoplay-audio',
  'page-has-heading-one',
  'region',
  'scrollable-region-focusable',
  'target-size',
];

/** What is wrong on screen, one line each. */
async function found(): Promise<string[]> {
  vi.useRealTimers();
  // What is behind a dialog is out of reach, and was looked at without it.
  const { violations } = await axe.run(document.querySelector('dialog[open]') ?? document.body, {
    preload: false,
    rules: Object.fromEntries(ELSEWHERE.map((id) => [id, { enabled: false }])),
    resultTypes: ['violations'],
  });
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 160)}`));
}

interface Opened {
  info?: Partial<Status>;
  chosen?: Partial<Settings>;
  prepare?: (fake: FakeBackend) => void;
  /** Buttons that lead there. */
  press?: string[];
}

async function open({
  info = {},
  chosen = {},
  prepare = () => {},
  press: names = [],
}: Opened): Promise<void> {
  const fake = new FakeBackend(memories(), { sync: synced(), ...info });
  fake.who = account();
  fake.chosen = { ...fake.chosen, ...chosen };
  prepare(fake);
  await openApp(fake);
  for (const name of names) await tap(name);
}

const busy = (fake: FakeBackend) => {
  fake.waits = outboxOf(fake.kept);
  fake.disputes = conflictsOf(fake.kept);
};
const noted = (fake: FakeBackend) => void (fake.made = ledger());
const first = { firstRunDone: false };
const paths = (fake: FakeBackend) => void (fake.paths = ['/home/anna/a.jsonl']);

const places: Record<string, Opened> = {
  'the recent memories': {},
  'the filters': { press: ['Filter'] },
  'no memories': { prepare: (fake) => (fake.kept = []) },
  'memories being opened': { info: opening },
  'a window that cannot work': {
    info: {
      state: 'failed',
      fatal: { code: 'STORE_LOCKED', message: 'It is open elsewhere.', hint: null, retryable: true },
    },
  },
  'the library': { press: ['Library'] },
  'the form': { press: ['Add a memory'] },
  models: {
    press: ['Models'],
    info: { downloads: [download()], switch: change() },
  },
  'no model': { press: ['Models'], info: { model: noModel } },
  'Papr’s vectors': {
    press: ['Models'],
    prepare: (fake) =>
      (fake.vectors = serverSpace({ form: 'int8', count: 9, kilobytes: 46, dims: 384, measured: same })),
  },
  'installing a model': { press: ['Models', 'Install bge-small-en-v1.5'] },
  'importing a model': { press: ['Models', 'Import from a folder'] },
  sync: {
    press: ['Sync'],
    info: { sync: synced({ phase: 'attention', conflicts: 3, pending: 5 }) },
    prepare: busy,
  },
  'a merge': { press: ['Sync', 'Merge'], info: { sync: synced({ conflicts: 3 }) }, prepare: busy },
  'replacing the key': { press: ['Sync', 'Replace key'] },
  'signing out': { press: ['Sync', 'Sign out'] },
  'the monthly limit': { press: ['Sync', 'Change the monthly limit'] },
  privacy: { press: ['Privacy'], prepare: noted },
  'exporting requests': { press: ['Privacy', 'Export'], prepare: noted },
  settings: { press: ['Settings'], chosen: { damaged: '/a/desktop.json.damaged-1' } },
  'exporting memories': { press: ['Settings', 'Export…'] },
  'importing memories': { press: ['Settings', 'Import…'], prepare: paths },
  'moving the data': { press: ['Settings', 'Move…'], prepare: paths },
  'the diagnostics': { press: ['Settings', 'Copy diagnostics…'] },
  'deleting everything': { press: ['Settings', 'Delete everything…'] },
  'the first step': { chosen: first },
  'the step about the shortcut': { chosen: first, press: ['Next'] },
  'the step about the model': { chosen: first, press: ['Next', 'Next'] },
  'the step about Papr': { chosen: first, press: ['Next', 'Next', 'Next'], info: {} },
  'the first search': {
    chosen: first,
    press: ['Next', 'Next', 'Next', 'Next', 'Add the samples and search'],
  },
};

describe('nothing is in the way of a screen reader in', () => {
  it.each(Object.entries(places))('%s', async (_name, place) => {
    await open(place);
    expect(await found()).toEqual([]);
  });

  it('results, and none', async () => {
    await open({});
    await type('api');
    expect(await found()).toEqual([]);
    await type('zebra');
    expect(await found()).toEqual([]);
  });

  it('settings where a change was refused and keys are recorded', async () => {
    await open({
      press: ['Settings'],
      prepare: (fake) => fake.failNext('changeSettings', { code: 'INTERNAL' }),
    });
    await fireEvent.click(document.querySelector('[role=switch]')!);
    await settle();
    await fireEvent.click(recorder());
    expect(await found()).toEqual([]);
  });

  it('a failure that is told in two languages', async () => {
    await open({
      press: ['Settings'],
      prepare: (fake) => fake.failNext('backups', { code: 'INTERNAL', message: 'it broke' }),
    });
    await setLanguage('de');
    await settle();
    expect(document.querySelector('.notice [lang=en]')?.textContent).toBe('It broke.');
    expect(await found()).toEqual([]);
    await setLanguage('en');
  });

  it.each([
    ['the commands', 'P', { ctrlKey: true, shiftKey: true }],
    ['the list of shortcuts', 'F1', {}],
  ])('%s', async (_name, key, held) => {
    await open({});
    await press(key, held);
    expect(document.querySelector('dialog')).not.toBeNull();
    expect(await found()).toEqual([]);
  });

  it('restoring a backup', async () => {
    await open({ press: ['Settings'] });
    await fireEvent.click(document.querySelector('section[aria-label="Backups"] li button')!);
    expect(await found()).toEqual([]);
  });

  it('the quick window', async () => {
    await openQuick(new FakeBackend(memories()));
    expect(await found()).toEqual([]);
    await type('api');
    await press('ArrowDown');
    expect(await found()).toEqual([]);
  });
});

it('would be told of what is', async () => {
  document.body.innerHTML = '<main><button></button><div role="switch"></div></main>';
  expect((await found()).map((one) => one.split(':')[0])).toEqual(
    expect.arrayContaining(['button-name', 'aria-required-attr']),
  );
  document.body.innerHTML = '';
});
