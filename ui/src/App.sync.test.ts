/** Sync at one glance: the status line, the Sync view, what waits, and conflicts. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeBackend } from './testing/fake';
import { memories, memory, NOW } from './testing/fixtures';
import { focused, tap } from './testing/modelsScreen';
import { conflictsOf, nobody, outboxOf, problem, synced } from './testing/papr';
import { fact, has, heard, isThere, openSync, region, syncLine, tapIn } from './testing/paprScreen';
import { openApp, press, settle } from './testing/screen';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
});
afterEach(() => void vi.useRealTimers());

const state = () => region('State of sync');
const icon = () => syncLine().querySelector('svg')?.getAttribute('class');
const disputed = (fake: FakeBackend) => void (fake.disputes = conflictsOf(fake.kept));

describe('the status line', () => {
  it.each([
    ['signed out', nobody(), 'Signed out'],
    ['all well', synced(), 'Synced 2 min ago'],
    ['nothing yet', synced({ succeededAt: null }), 'Not synced yet'],
    ['changes to send', synced({ pending: 3 }), '3 changes to send'],
    ['one change', synced({ pending: 1 }), '1 change to send'],
    ['at work', synced({ phase: 'syncing', received: 0, sent: 0 }), 'Syncing…'],
    ['far on', synced({ phase: 'syncing', received: 1640, sent: 3 }), 'Syncing: 1,640 received, 3 sent'],
    ['paused', synced({ phase: 'paused', pending: 2 }), 'Sync paused · 2 changes to send'],
    ['offline', synced({ phase: 'offline' }), 'Offline'],
    ['metered', synced({ phase: 'metered' }), 'Waiting for an unmetered network'],
    ['local only', synced({ phase: 'localOnly' }), 'Local only'],
    ['conflicts', synced({ phase: 'attention', conflicts: 2 }), '2 conflicts'],
    ['refused', synced({ phase: 'attention', refused: 1 }), '1 change refused'],
    ['no key', synced({ phase: 'attention', error: problem('SIGNED_OUT') }), 'Papr key missing'],
    ['quota', synced({ phase: 'attention', error: problem('QUOTA') }), 'Operations used up'],
    ['other', synced({ phase: 'attention', error: problem('INTERNAL') }), 'Sync failed'],
  ])('says in words, beside a sign: %s', async (_name, sync, words) => {
    await openApp(new FakeBackend(memories(), { sync }));
    expect(syncLine().textContent.replaceAll('.', '').trim()).toBe(words.replaceAll('.', ''));
    expect(icon(), 'not by colour alone').toBeTruthy();
  });

  it('leads to the Sync view, with the keyboard', async () => {
    await openSync({}, () => {}, 'Search');
    await fireEvent.click(syncLine());
    await settle();
    expect(focused()).toBe('Sync');
    expect(syncLine(), 'it stays where it is').toBeTruthy();
  });

  it('leads to the conflict where that is what is to be done', async () => {
    await openSync({ phase: 'attention', conflicts: 3 }, disputed, 'Search');
    await fireEvent.click(syncLine());
    await settle();
    expect(focused()).toBe('Changed here and at Papr');
  });
});

describe('the Sync view', () => {
  it('keeps apart when it was tried and when it went through, and tells the next time', async () => {
    const before = new Date(NOW - 26 * 3_600_000).toISOString();
    await openSync({ succeededAt: before });
    expect(fact(state(), 'Last tried')).toMatch(/^2 min/);
    expect(fact(state(), 'Last succeeded'), 'the day where it is another').toMatch(/14|Jun/);
    expect(fact(state(), 'Next')).toMatch(/^in 13 min/);
    expect(fact(state(), 'Waiting to be sent')).toBe('nothing');
    expect(fact(state(), 'Operations this month')).toContain('214 of 1,000');
    expect(fact(state(), 'Forecast for the month')).toBe('431');
  });

  it('syncs at a press, once, and everything at another', async () => {
    const fake = await openSync();
    await tapIn(state(), 'Sync now');
    expect(fake.called('syncNow')).toEqual([[false]]);
    expect(focused()?.trim(), 'the focus stays').toBe('Syncing…');
    await tapIn(state(), 'Syncing…');
    expect(fake.called('syncNow'), 'not twice at a time').toHaveLength(1);
    fake.setSync({ phase: 'idle', received: 0, sent: 0 });
    await settle(1000);
    expect(heard(), 'who asked is told, also that nothing was new').toContain('Synced. Nothing was new.');
    await tapIn(state(), 'Sync everything');
    expect(fake.called('syncNow').at(-1)).toEqual([true]);
  });

  it('says what came of a sync by itself only where something came', async () => {
    const fake = await openSync();
    fake.setSync({ phase: 'syncing', received: 0, sent: 0 });
    fake.setSync({ phase: 'idle' });
    await settle(1000);
    expect(heard(), 'an idle look is not worth a word').not.toContain('Synced');
    fake.setSync({ phase: 'syncing' });
    fake.setSync({ phase: 'idle', received: 7, sent: 2 });
    await settle(1000);
    expect(heard()).toContain('Synced: 7 received, 2 sent.');
    fake.setSync({ phase: 'offline' });
    await settle(1000);
    expect(heard()).toContain('Offline');
  });

  it('is paused and resumed with the same button', async () => {
    const fake = await openSync();
    await tapIn(state(), 'Pause');
    expect(fake.called('pauseSync')).toEqual([[true]]);
    expect(fact(state(), 'Next')).toBe('when you resume it');
    expect(focused()?.trim()).toBe('Resume');
    await tapIn(state(), 'Resume');
    expect(fake.called('pauseSync').at(-1)).toEqual([false]);
  });

  it('is calm about a missing network', async () => {
    await openSync({ phase: 'offline', error: problem('OFFLINE') });
    expect(screen.queryByRole('alert'), 'no alarm').toBeNull();
    expect(state().textContent).toContain('Your changes are kept here and will be sent when you’re online.');
  });

  it('tells when it goes on after Papr asked to wait, and offers nothing that makes it longer', async () => {
    await openSync({ phase: 'attention', error: problem('RATE_LIMITED') });
    expect(state().textContent).toMatch(/It goes on in 13 min/);
    expect(has(state(), 'Try again')).toBe(false);
  });

  it('whose operations are used up leads to the limit, which takes whole numbers only', async () => {
    const fake = await openSync({ phase: 'attention', error: problem('QUOTA'), spent: 1000, forecast: 1340 });
    expect(fact(state(), 'Forecast for the month')).toContain('1,340 · more than the limit');
    await tapIn(state(), 'Change the limit');
    const field = screen.getByLabelText<HTMLInputElement>('What your Papr plan allows');
    expect(document.activeElement).toBe(field);
    await fireEvent.input(field, { target: { value: 'many' } });
    await tap('Save');
    expect(fake.called('setBudget'), 'not a number').toEqual([]);
    expect(field.getAttribute('aria-invalid')).toBe('true');
    await fireEvent.input(field, { target: { value: '5,000' } });
    await tap('Save');
    expect(fake.called('setBudget')).toEqual([[5000]]);
    expect(fact(state(), 'Operations this month')).toContain('1,000 of 5,000');
  });

  it('whose last try failed says why and tries again', async () => {
    const error = problem('INTERNAL', { message: 'the answer made no sense', hint: 'Try later.' });
    const fake = await openSync({ phase: 'attention', error });
    expect(screen.getByRole('alert').textContent).toContain('The answer made no sense. Try later.');
    await tapIn(state(), 'Try again');
    expect(fake.called('syncNow')).toEqual([[false]]);
  });

  it('that local only keeps from working says so, with the way out', async () => {
    const fake = await openSync({ phase: 'localOnly', localOnly: true });
    expect(has(state(), 'Sync now'), 'nothing could come of it').toBe(false);
    await tapIn(state(), 'Turn off local only');
    expect(fake.called('setLocalOnly')).toEqual([[false]]);
    expect(has(state(), 'Sync now')).toBe(true);
  });

  it('hears of the network only when it changes', async () => {
    const fake = await openSync();
    expect(fake.called('tellNetwork'), 'it is there, which is no news').toEqual([]);
    window.dispatchEvent(new Event('offline'));
    window.dispatchEvent(new Event('offline'));
    window.dispatchEvent(new Event('online'));
    expect(fake.called('tellNetwork')).toEqual([[false], [true]]);
  });

  it('is told at the start where there is no network', async () => {
    vi.spyOn(navigator, 'onLine', 'get').mockReturnValue(false);
    const fake = await openSync();
    expect(fake.called('tellNetwork')).toEqual([[false]]);
  });
});

describe('what waits', () => {
  const waiting = (fake: FakeBackend) => void (fake.waits = outboxOf(fake.kept));

  it('is listed with its state in a word, and why Papr refused', async () => {
    await openSync({ pending: 5, refused: 2 }, waiting);
    const rows = [...region('Waiting to be sent').querySelectorAll('li')].map((row) => row.textContent);
    expect(rows.map((row) => row.trim().split(/\s/)[0])).toEqual([
      'waiting',
      'checking',
      'waiting',
      'refused',
      'refused',
    ]);
    expect(rows[2], 'a deletion is a change too').toContain('deleted here');
    expect(rows[3]).toContain('It is longer than Papr takes.');
    expect(rows[4]).toContain('Papr answered with error 422.');
  });

  it('opens the memory it is about', async () => {
    const fake = await openSync({ pending: 5 }, waiting);
    const [, third] = fake.waits;
    await tap(`Open ${third!.memory.content.slice(0, 60)}`);
    expect(screen.getByRole('complementary', { name: 'Memory' }).textContent).toContain(
      third!.memory.content,
    );
    expect(document.activeElement, 'the keyboard came along').not.toBe(document.body);
  });

  it('is long only where one wants it long', async () => {
    await openSync({ pending: 134 }, (fake) => {
      fake.waits = Array.from({ length: 134 }, (_, i) => ({
        memory: memory({ id: `m-${i}`, content: `Note ${i}` }),
        deleted: false,
        state: 'waiting' as const,
        status: null,
      }));
    });
    const list = region('Waiting to be sent');
    expect(list.querySelectorAll('li')).toHaveLength(20);
    await tapIn(list, 'Show more');
    expect(list.querySelectorAll('li')).toHaveLength(120);
  });

  it('is said of a single memory where it is read, and leads here', async () => {
    const fake = await openSync({ pending: 5 }, waiting, 'Search');
    const aside = screen.getByRole('complementary', { name: 'Memory' });
    expect(has(aside, 'Waiting to be sent')).toBe(true);
    fake.waits = [];
    fake.setSync({ pending: 0 });
    await settle();
    expect(has(aside, 'Waiting to be sent'), 'Papr has heard of it').toBe(false);
    const asked = fake.called('waiting').length;
    await press('ArrowDown');
    expect(fake.called('waiting').length, 'nothing waits, so nothing is asked').toBe(asked);
    disputed(fake);
    fake.setSync({ conflicts: 3, phase: 'attention' });
    await settle();
    await press('ArrowUp');
    await tapIn(aside, 'In conflict');
    expect(focused(), 'at the choice itself').toBe('Changed here and at Papr');
  });

  it('that cannot be listed says so', async () => {
    const fake = await openSync({ pending: 5 }, (made) => {
      waiting(made);
      made.failNext('outbox', { code: 'INTERNAL', message: 'the store is busy' });
    });
    expect(screen.getByRole('alert').textContent).toContain('The store is busy.');
    await tap('Try again');
    expect(fake.called('outbox')).toHaveLength(2);
    expect(isThere('Waiting to be sent')).toBe(true);
  });
});

describe('a conflict', () => {
  const cards = () => [...region('Conflicts').querySelectorAll('li')];

  it('shows both versions, what differs marked, deletions in words', async () => {
    await openSync({ phase: 'attention', conflicts: 3 }, disputed);
    const [both, deletedHere, deletedThere] = cards();
    const marked = [...both!.querySelectorAll('mark')].map((mark) => mark.textContent);
    expect(marked, 'only what differs').toEqual(['100 ms this quarter', '80 ms by the end of August']);
    expect(deletedHere!.textContent).toContain('Deleted here, changed at Papr');
    expect(has(deletedHere!, 'Delete at Papr too')).toBe(true);
    expect(has(deletedHere!, 'Merge'), 'there is nothing to merge with').toBe(false);
    expect(deletedThere!.textContent).toContain('Changed here, deleted at Papr');
    expect(has(deletedThere!, 'Delete here too')).toBe(true);
  });

  it('is resolved with a press; the keyboard goes on to the next one', async () => {
    const fake = await openSync({ phase: 'attention', conflicts: 3 }, disputed);
    const [first, second, third] = fake.disputes.map(({ mine }) => mine.id);
    await tapIn(cards()[0]!, 'Keep mine');
    expect(fake.called('resolve')).toEqual([[first, { choice: 'mine' }]]);
    expect(screen.getByText('Conflict resolved')).toBeTruthy();
    expect(focused()).toBe('Deleted here, changed at Papr');
    await tapIn(cards()[0]!, 'Keep Papr’s');
    expect(fake.called('resolve').at(-1)).toEqual([second, { choice: 'theirs' }]);
    await tapIn(cards()[0]!, 'Delete here too');
    expect(fake.called('resolve').at(-1)).toEqual([third, { choice: 'theirs' }]);
    expect(isThere('Conflicts')).toBe(false);
    expect(focused(), 'none is left').toContain('Synced');
  });

  it('can be merged by hand, from both texts', async () => {
    const fake = await openSync({ phase: 'attention', conflicts: 3 }, disputed);
    const [{ mine, theirs } = fake.disputes[1]!] = fake.disputes;
    await tapIn(cards()[0]!, 'Merge');
    const area = screen.getByLabelText<HTMLTextAreaElement>('One text for both');
    expect(area.value).toBe(`${mine.content}\n\n${theirs?.content}`);
    expect(document.activeElement).toBe(area);
    await fireEvent.input(area, { target: { value: ' ' } });
    await tap('Save merged text');
    expect(fake.called('resolve'), 'an empty text is none').toEqual([]);
    expect(area.getAttribute('aria-invalid')).toBe('true');
    await fireEvent.input(area, { target: { value: 'Both of it' } });
    await tap('Save merged text');
    expect(fake.called('resolve')).toEqual([[mine.id, { choice: 'merged', text: 'Both of it' }]]);
  });

  it('that cannot be resolved stays, with the reason, and merging can be left', async () => {
    const fake = await openSync({ phase: 'attention', conflicts: 3 }, disputed);
    fake.failNext('resolve', { code: 'CONFLICT', message: 'it changed meanwhile', hint: 'Look again.' });
    await tapIn(cards()[0]!, 'Keep mine');
    expect(cards()[0]!.textContent).toContain('It changed meanwhile. Look again.');
    expect(cards()).toHaveLength(3);
    await tapIn(cards()[0]!, 'Merge');
    await tapIn(cards()[0]!, 'Cancel');
    expect(focused()?.trim(), 'back on the button').toBe('Merge');
  });
});
