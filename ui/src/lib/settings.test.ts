/** How what a person chose is followed, changed and taken back. */
import { describe, expect, it, vi } from 'vitest';
import { Failure, type Settings } from '../backend';
import { settings } from '../testing/desk';
import { FakeBackend } from '../testing/fake';
import { SettingsWatch } from './settings.svelte';

const refused = { code: 'INVALID_INPUT', message: 'no' } as const;

async function watch(fake = new FakeBackend()) {
  const heard: Settings[] = [];
  const watched = new SettingsWatch(fake, (now) => heard.push(now));
  const stop = watched.start();
  await vi.waitFor(() => expect(watched.current).not.toBeNull());
  return { fake, watched, heard, stop };
}

describe('settings', () => {
  it('are loaded once and then followed', async () => {
    const { fake, watched, stop } = await watch();
    fake.setSettings({ theme: 'dark' });
    expect(watched.current?.theme).toBe('dark');
    expect(fake.called('settings')).toHaveLength(1);
    stop();
    fake.setSettings({ theme: 'light' });
    expect(watched.current?.theme).toBe('dark');
  });

  it('that an event tells are newer than an answer that it overtook', async () => {
    const fake = new FakeBackend();
    let answer: (settings: Settings) => void = () => {};
    fake.settings = () => new Promise((resolve) => (answer = resolve));
    const watched = new SettingsWatch(fake);
    watched.start();
    fake.setSettings({ theme: 'dark' });
    answer(settings());
    await Promise.resolve();
    expect(watched.current?.theme).toBe('dark');
  });

  it('show a change before it is answered, and say when it is kept', async () => {
    const { fake, watched } = await watch();
    const done = watched.change({ startHidden: true });
    expect(watched.current?.startHidden).toBe(true);
    expect(watched.saved).toBeNull();
    expect(await done).toBe(true);
    expect(watched.saved?.name).toBe('startHidden');
    expect(fake.chosen.startHidden).toBe(true);
  });

  it('take a refused change back and keep the reason with it, until it is tried again', async () => {
    const { fake, watched } = await watch();
    fake.failNext('changeSettings', refused);
    expect(await watched.change({ launchAtLogin: true })).toBe(false);
    expect(watched.current?.launchAtLogin).toBe(false);
    expect(watched.failures.launchAtLogin).toBeInstanceOf(Failure);
    expect(watched.saved).toBeNull();
    await watched.change({ launchAtLogin: true });
    expect(watched.failures.launchAtLogin).toBeUndefined();
  });

  it('keep a later change where an earlier one is refused', async () => {
    const { fake, watched } = await watch();
    fake.failNext('changeSettings', refused);
    const first = watched.change({ theme: 'dark' });
    const second = watched.change({ closeToTray: false });
    expect([await first, await second]).toEqual([false, true]);
    expect([watched.current?.theme, watched.current?.closeToTray]).toEqual(['system', false]);
  });

  it('do not claim a shortcut before the system gave it', async () => {
    const { watched } = await watch();
    const done = watched.change({ shortcut: 'Alt+Space' });
    expect(watched.current?.shortcut).toBe('CmdOrCtrl+Shift+Space');
    await done;
    expect(watched.current?.shortcut).toBe('Alt+Space');
  });

  it('that cannot be read are told, and can be read again', async () => {
    const fake = new FakeBackend();
    fake.failNext('settings', refused);
    const watched = new SettingsWatch(fake);
    watched.start();
    await vi.waitFor(() => expect(watched.error).not.toBeNull());
    await watched.load();
    expect([watched.error, watched.current?.theme]).toEqual([null, 'system']);
  });
});
