/** Asking Papr's own search: at a press, never otherwise, and apart from what was found here. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { memories, NOW } from './testing/fixtures';
import { focused, tap } from './testing/modelsScreen';
import { cloudReply, nobody } from './testing/papr';
import { has, heard, isThere, keyField, openSync, region, tapIn } from './testing/paprScreen';
import { openApp, rows, settle, type } from './testing/screen';
import { FakeBackend } from './testing/fake';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
});
afterEach(() => void vi.useRealTimers());

const PLACE = 'Papr’s own search';
const place = () => region(PLACE);
const hits = () => [...place().querySelectorAll('li')];
const searching = (prepare: (fake: FakeBackend) => void = () => {}) => openSync({}, prepare, 'Search');

describe('asking Papr', () => {
  it('is offered at the end of what was found and where nothing was, and says that the question leaves', async () => {
    const fake = await searching();
    expect(isThere(PLACE), 'without a question there is nothing to ask').toBe(false);
    await type('api');
    expect(rows()).toHaveLength(3);
    expect(place().textContent).toContain('Your question leaves this computer');
    const button = place().querySelector('button')!;
    const note = document.getElementById(button.getAttribute('aria-describedby')!);
    expect(note?.textContent, 'heard with the button').toContain('leaves this computer');
    await type('zebra');
    expect(rows()).toEqual([]);
    expect(has(place(), 'Ask Papr')).toBe(true);
    await settle(60_000);
    expect(fake.called('askPapr'), 'never on its own').toEqual([]);
  });

  it.each([
    ['signed out', nobody()],
    ['local only', nobody({ account: 'papr-1', phase: 'localOnly', localOnly: true })],
  ])('is not offered: %s', async (_name, sync) => {
    await openApp(new FakeBackend(memories(), { sync }));
    await type('zebra');
    expect(isThere(PLACE)).toBe(false);
  });

  it('sends the question once a press and shows what comes apart from what is here', async () => {
    const fake = await searching((made) => (made.cloud = cloudReply(made.kept[1]!.id)));
    await type('slow api');
    const found = rows().length;
    fake.delay = 1000;
    await tapIn(place(), 'Ask Papr');
    await tapIn(place(), 'Asking Papr…');
    expect(fake.called('askPapr'), 'one press, one request').toEqual([['slow api', 10]]);
    expect(heard()).toContain('Asking Papr');
    await settle(2000);
    fake.delay = 0;
    expect(rows(), 'the list of what is here is as it was').toHaveLength(found);
    expect(hits()).toHaveLength(3);
    expect(hits().every((hit) => hit.textContent.includes('From Papr'))).toBe(true);
    expect(place().querySelector('h2')?.textContent).toContain('From Papr (memory.papr.ai)');
    expect(heard()).toContain('Papr found 3 memories');
    expect(hits()[1]!.textContent).toContain('here already');
    expect(focused()?.trim(), 'the focus stays').toBe('Ask Papr');
  });

  it('forgets the answer with the question', async () => {
    const fake = await searching();
    await type('slow api');
    await tapIn(place(), 'Ask Papr');
    expect(hits()).toHaveLength(3);
    await type('zebra');
    expect(hits(), 'an answer to another question').toEqual([]);
    expect(fake.called('askPapr'), 'and it is not asked by itself').toHaveLength(1);
  });

  it('keeps a memory at a press, which is then here', async () => {
    const fake = await searching();
    await type('slow api');
    await tapIn(place(), 'Ask Papr');
    const [first] = fake.cloud.hits;
    await tapIn(hits()[0]!, `Keep: ${first!.content.slice(0, 60)}`);
    expect(fake.called('keepFromPapr')).toEqual([['remote-1']]);
    expect(screen.getByText('Kept here')).toBeTruthy();
    expect(hits()[0]!.textContent).toContain('here already');
    expect(focused(), 'the button that was pressed is gone').toContain('Show: The invoices page');
    await tapIn(hits()[0]!, `Show: ${first!.content.slice(0, 60)}`);
    expect(screen.getByRole('complementary', { name: 'Memory' }).textContent).toContain(first!.content);
  });

  it('tells Papr what helped, once', async () => {
    const fake = await searching();
    await type('slow api');
    await tapIn(place(), 'Ask Papr');
    const about = fake.cloud.hits[2]!.content.slice(0, 60);
    await tapIn(hits()[2]!, `Not helpful: ${about}`);
    expect(fake.called('tellPapr')).toEqual([['search-1', false, ['remote-3']]]);
    const pressed = screen.getByRole('button', { name: `Not helpful: ${about}` });
    expect(pressed.getAttribute('aria-pressed')).toBe('true');
    await tapIn(hits()[2]!, `Helpful: ${about}`);
    expect(fake.called('tellPapr'), 'told is told').toHaveLength(1);
  });

  it('asks for no opinion where Papr could not take it', async () => {
    await searching((fake) => (fake.cloud = { ...cloudReply(), searchId: null }));
    await type('slow api');
    await tapIn(place(), 'Ask Papr');
    expect(hits()[0]!.querySelectorAll('button')).toHaveLength(1);
  });

  it('says when nothing was found, and what went wrong at a single memory', async () => {
    const fake = await searching((made) => (made.cloud = { ...cloudReply(), hits: [] }));
    await type('slow api');
    await tapIn(place(), 'Ask Papr');
    expect(place().textContent).toContain('Papr found nothing either.');
    fake.cloud = cloudReply();
    await tapIn(place(), 'Ask Papr');
    const keep = `Keep: ${fake.cloud.hits[0]!.content.slice(0, 60)}`;
    fake.failNext('keepFromPapr', { code: 'NOT_FOUND', message: 'Papr does not have it any more' });
    await tapIn(hits()[0]!, keep);
    expect(hits()[0]!.textContent).toContain('Papr does not have it any more.');
    expect(has(hits()[0]!, keep), 'it can be tried again').toBe(true);
  });

  it('that fails says what to do: no network, or a key that is not accepted', async () => {
    const fake = await searching();
    await type('slow api');
    fake.failNext('askPapr', { code: 'OFFLINE' });
    await tapIn(place(), 'Ask Papr');
    expect(place().textContent).toContain('Couldn’t reach Papr.');
    fake.failNext('askPapr', { code: 'UNAUTHORISED' });
    await tapIn(place(), 'Try again');
    await tap('Enter a key');
    expect(document.activeElement).toBe(keyField());
    expect(fake.called('askPapr')).toHaveLength(2);
  });

  it('is reached with the keyboard from the field', async () => {
    await searching();
    await type('zebra');
    const button = place().querySelector('button')!;
    expect(button.tabIndex).toBe(0);
    button.focus();
    await fireEvent.click(button);
    await settle();
    expect(document.activeElement).toBe(button);
  });
});
