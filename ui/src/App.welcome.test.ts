/** The first steps: at most four, each can be left out, and none is a dead end. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Settings, Status } from './backend';
import { FakeBackend } from './testing/fake';
import { memories, noModel, NOW, opening, status } from './testing/fixtures';
import { button, tap } from './testing/modelsScreen';
import { keyField, writeKey } from './testing/paprScreen';
import { field, openApp, rows, settle } from './testing/screen';
import { changes, recorder, strike, turn } from './testing/settingsScreen';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
});
afterEach(() => {
  localStorage.clear();
  vi.useRealTimers();
});

async function begin(
  info: Partial<Status> = {},
  chosen: Partial<Settings> = {},
  prepare: (fake: FakeBackend) => void = () => {},
): Promise<FakeBackend> {
  const fake = new FakeBackend([], info);
  fake.chosen = { ...fake.chosen, firstRunDone: false, ...chosen };
  prepare(fake);
  await openApp(fake);
  return fake;
}

const heading = () => document.querySelector<HTMLElement>('main h1')!;
const progress = () => document.querySelector('.progress')?.textContent.trim();
const text = () => document.querySelector('main')?.textContent.replace(/\s+/g, ' ') ?? '';
const next = async (times = 1) => {
  for (let i = 0; i < times; i++) await tap('Next');
};
const escape = async () => {
  await fireEvent.keyDown(document.activeElement ?? document.body, { key: 'Escape' });
  await settle();
};

describe('the first steps', () => {
  it('are four, each told where it is, and the focus goes along', async () => {
    await begin();
    const seen = [];
    for (let i = 0; i < 4; i++) {
      expect(document.activeElement, 'a screen reader begins with what it is').toBe(heading());
      seen.push([progress(), heading().textContent]);
      await next();
    }
    expect(seen).toEqual([
      ['Step 1 of 4', 'Your memories, found in a blink'],
      ['Step 2 of 4', 'Search from anywhere'],
      ['Step 3 of 4', 'Finding by meaning'],
      ['Step 4 of 4', 'With Papr, or only here'],
    ]);
    expect([progress(), heading().textContent]).toEqual(['', 'Try a search']);
    await tap('Back');
    expect(progress()).toBe('Step 4 of 4');
    await tap('Skip');
    expect(heading().textContent).toBe('Try a search');
  });

  it('say first what leaves the computer', async () => {
    await begin();
    expect(text()).toContain('Everything stays on this computer.');
    expect(text()).toContain('Only two things ever leave it');
  });

  it.each([0, 1, 2, 3])('are all left out with Escape, from step %i on', async (step) => {
    const fake = await begin();
    await next(step);
    await escape();
    expect(changes(fake)).toEqual([{ firstRunDone: true }]);
    expect(document.activeElement).toBe(field());
    expect(screen.getByText('Keep something worth remembering')).toBeTruthy();
  });

  it('or with their button', async () => {
    const fake = await begin();
    await tap('Skip all steps');
    expect(fake.chosen.firstRunDone).toBe(true);
    expect(field()).toBeTruthy();
  });

  it('do not come again, and are over even where that cannot be kept', async () => {
    const fake = await begin();
    fake.failNext('changeSettings', { code: 'DISK_FULL' });
    await tap('Skip all steps');
    expect(field()).toBeTruthy();
    fake.setSettings({ theme: 'system' });
    await settle();
    expect(field(), 'nor do they come back by themselves').toBeTruthy();
  });

  it('are not shown to somebody who had them', async () => {
    await begin({}, { firstRunDone: true });
    expect(field()).toBeTruthy();
  });

  it('keep the window’s shortcuts to themselves', async () => {
    await begin();
    await fireEvent.keyDown(document.body, { key: 'n', ctrlKey: true });
    await settle();
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(progress()).toBe('Step 1 of 4');
  });
});

describe('the shortcut', () => {
  it('is tried, and it is noticed', async () => {
    const fake = await begin();
    await next();
    expect(text()).toContain('Try it now: press Ctrl+Shift+Space.');
    fake.emitQuickShown();
    await settle();
    expect(text()).toContain('It works. That was the quick search.');
  });

  it('can be changed; Escape ends the recording and not the steps', async () => {
    const fake = await begin();
    await next();
    await fireEvent.click(recorder());
    await strike('Escape', 'Escape');
    expect(progress()).toBe('Step 2 of 4');
    await fireEvent.click(recorder());
    await strike('KeyP', 'p', { ctrlKey: true, altKey: true });
    expect(changes(fake)).toEqual([{ shortcut: 'CmdOrCtrl+Alt+P' }]);
    expect(text()).toContain('Try it now: press Ctrl+Alt+P.');
  });

  it('that does not work says so, why, and how else it goes', async () => {
    const problem = 'Wayland lets no app take a shortcut by itself.';
    await begin({ shortcut: { keys: 'Ctrl+Shift+Space', registered: false, problem } });
    await next();
    expect(text()).toContain(`Ctrl+Shift+Space doesn’t work on this computer. ${problem}`);
    expect(text()).toContain('the menu bar opens the quick search');
    expect(text()).not.toContain('Try it now');
    await next();
    expect(progress()).toBe('Step 3 of 4');
  });

  it('that is off says so', async () => {
    await begin({}, { shortcut: null });
    await next();
    expect(text()).toContain('No shortcut is set');
  });
});

describe('the model', () => {
  it('is ready, and others are looked at without losing the place', async () => {
    const fake = await begin();
    await next(2);
    expect(text()).toContain('all-MiniLM-L6-v2 is ready.');
    await tap('Look at the models');
    expect(heading().textContent).toBe('Models');
    expect(fake.called('installModel'), 'nothing is fetched by itself').toEqual([]);
    await tap('Go on with them');
    expect(progress()).toBe('Step 3 of 4');
    expect(document.activeElement).toBe(heading());
  });

  it('that is missing is no end: words do for now', async () => {
    await begin({ model: noModel });
    await next(2);
    expect(text()).toContain('search goes by words only for now');
    await next();
    expect(progress()).toBe('Step 4 of 4');
  });

  it('that is being loaded need not be waited for', async () => {
    await begin({ model: { ...status().model, state: 'loading' } });
    await next(2);
    expect(text()).toContain('You need not wait for it.');
  });
});

describe('the key', () => {
  it('is verified there, or left out', async () => {
    const fake = await begin();
    await next(3);
    await writeKey('papr_live_3f9c');
    button('Verify').focus();
    await tap('Verify');
    expect(fake.called('signIn')).toEqual([['…3f9c', false]]);
    expect(text()).toContain('You are signed in.');
    expect([keyField(), document.activeElement]).toEqual([null, heading()]);
  });

  it('that is not accepted keeps nobody', async () => {
    const fake = await begin();
    await next(3);
    fake.failNext('signIn', { code: 'UNAUTHORISED' });
    await writeKey('wrong');
    await tap('Verify');
    expect(text()).toContain('Papr doesn’t accept this key.');
    await tap('Skip');
    expect(heading().textContent).toBe('Try a search');
  });

  it('need not be: local only is a full way', async () => {
    const fake = await begin();
    await next(3);
    await turn('Local only');
    expect(fake.info.sync.localOnly).toBe(true);
    await next();
    expect(heading().textContent).toBe('Try a search');
  });
});

describe('the first search', () => {
  it('is on samples, which come only when they are wanted', async () => {
    const fake = await begin();
    await next(4);
    expect(fake.called('addSamples')).toEqual([]);
    await tap('Add the samples and search');
    expect(fake.called('addSamples')).toHaveLength(1);
    expect(document.activeElement).toBe(heading());
    const questions = [...document.querySelectorAll('main li button')].map((one) => one.textContent);
    expect(questions).toHaveLength(3);
    await tap('What are we promising for API speed?');
    expect(field().value).toBe('What are we promising for API speed?');
    expect(document.activeElement).toBe(field());
    expect(fake.called('search')).toHaveLength(1);
    expect(fake.chosen.firstRunDone).toBe(true);
  });

  it('can be without them', async () => {
    const fake = await begin();
    await next(4);
    await tap('Start without samples');
    expect([fake.called('addSamples'), field().value]).toEqual([[], '']);
  });

  it('goes on in the window where samples cannot be added, which says why', async () => {
    const fake = await begin();
    await next(4);
    fake.failNext('addSamples', { code: 'DISK_FULL', message: 'the disk is full' });
    await tap('Add the samples and search');
    expect(field()).toBeTruthy();
    expect(screen.getByRole('alert').textContent).toContain('The disk is full.');
  });

  it('waits for nothing while the memories are being opened', async () => {
    const fake = await begin(opening);
    await next(4);
    expect(text()).toContain('Your memories are being opened.');
    fake.kept = memories();
    fake.setStatus(status());
    await settle();
    expect(button('Add the samples and search')).toBeTruthy();
    await tap('Start without samples');
    expect(rows()).toHaveLength(12);
  });
});
