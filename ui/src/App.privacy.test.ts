/** Privacy: what leaves this computer, and the switch that keeps it here. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NOW } from './testing/fixtures';
import type { FakeBackend } from './testing/fake';
import { card, openModels, tap } from './testing/modelsScreen';
import { account, ledger, nobody } from './testing/papr';
import { openSync, region, syncLine, tapIn } from './testing/paprScreen';
import { settle } from './testing/screen';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
});
afterEach(() => void vi.useRealTimers());

const opened = (prepare: (fake: FakeBackend) => void = () => {}) =>
  openSync(
    {},
    (fake) => {
      fake.made = ledger();
      prepare(fake);
    },
    'Privacy',
  );
const cells = (row: Element) =>
  [...row.querySelectorAll('th, td')].map((cell) => cell.textContent.trim().replace(/\s+/g, ' '));

describe('local only', () => {
  it('is a switch that says what it does, and holds for the whole window', async () => {
    const fake = await opened();
    const control = screen.getByRole('switch', { name: 'Local only' });
    const note = document.getElementById(control.getAttribute('aria-describedby')!)!;
    expect(note.textContent, 'what it means is heard with it').toContain('nothing is sent to anybody');
    expect([control.getAttribute('aria-checked'), control.textContent.trim()]).toEqual(['false', 'Off']);
    control.focus();
    await fireEvent.click(control);
    await settle();
    expect(fake.called('setLocalOnly')).toEqual([[true]]);
    expect([control.getAttribute('aria-checked'), control.textContent.trim()], 'not by colour alone').toEqual(
      ['true', 'On'],
    );
    expect(document.activeElement, 'the focus stays').toBe(control);
    expect(syncLine().textContent).toContain('Local only');
  });

  it('that could not be set stays as it was, and says so', async () => {
    const fake = await opened();
    fake.failNext('setLocalOnly', { code: 'DISK_FULL', message: 'the disk is full' });
    await fireEvent.click(screen.getByRole('switch'));
    await settle();
    expect(screen.getByRole('alert').textContent).toContain('The disk is full.');
    expect(screen.getByRole('switch').getAttribute('aria-checked')).toBe('false');
  });

  it('keeps models from being fetched, and offers there to be switched off', async () => {
    const fake = await openModels({ sync: nobody({ phase: 'localOnly', localOnly: true }) });
    fake.failNext('installModel', { code: 'LOCAL_ONLY', message: 'local only is on' });
    await tap('Install bge-small-en-v1.5');
    await tap('Install now');
    expect(card('bge-small-en-v1.5').textContent).toContain('Local only is on');
    await tapIn(card('bge-small-en-v1.5'), 'Turn off local only');
    expect(fake.called('setLocalOnly')).toEqual([[false]]);
    expect(card('bge-small-en-v1.5').textContent).not.toContain('Local only is on');
    expect(document.activeElement?.textContent, 'the keyboard is still there').toBe('bge-small-en-v1.5');
  });
});

describe('what leaves this computer', () => {
  it('is a table of everybody the app may talk to, with the way to stop each', async () => {
    await opened((fake) => (fake.who = account({ baseUrl: 'https://papr.example.org:8443/' })));
    const table = screen.getByRole('table', { name: 'What leaves this computer' });
    const [head, ...rows] = [...table.querySelectorAll('tr')].map(cells);
    expect(head).toEqual(['What for', 'When', 'What is sent', 'How to stop it']);
    expect(rows.map(([what]) => what)).toEqual([
      'Signing in papr.example.org:8443',
      'Sync papr.example.org:8443',
      'Ask Papr papr.example.org:8443',
      'Installing a model huggingface.co and its file hosts',
    ]);
    expect(
      rows.every(([, , , stop]) => (stop ?? '').length > 10),
      'each can be stopped',
    ).toBe(true);
    expect(screen.getByText(/Nothing else is contacted/)).toBeTruthy();
  });

  it('is summed for today, for all days that are kept, and by host', async () => {
    await opened();
    const rows = [...region('Requests').querySelectorAll('tbody tr')].map(cells);
    expect(rows).toEqual([
      ['Today', '24', '31 kB', '3.5 MB'],
      ['Last 90 days', '1,312', '1.2 MB', '151 MB'],
      ['huggingface.co', '4', '4.8 kB', '134 MB'],
      ['memory.papr.ai', '1,308', '1.2 MB', '18 MB'],
    ]);
  });

  it('is told request by request, in words, the newest first', async () => {
    const fake = await opened();
    expect(fake.called('ledger')).toEqual([[100]]);
    const items = [...region('Requests').querySelectorAll('li')];
    const words = items.map((item) => item.textContent.replace(/\s+/g, ' ').trim());
    expect(items, 'as many as one looks at').toHaveLength(20);
    expect(words[1]).toContain('Sending several memories');
    expect(words[1]).toContain('14 kB sent');
    expect(words[1]).toContain('2.1 kB received');
    expect(words[2], 'nothing left the device').toContain('not connected');
    expect(words[4], 'an answer that says no').toContain('refused (429)');
    expect(words[6]).toContain('timed out');
    expect(words[6], 'long times in seconds').toContain('30 s');
    expect(words[9], 'a kind that is new keeps its name').toContain('something_new');
    await tapIn(region('Requests'), 'Show more');
    expect(region('Requests').querySelectorAll('li')).toHaveLength(30);
  });

  it('is counted anew after a sync, while one looks at it', async () => {
    const fake = await opened();
    fake.setSync({ phase: 'syncing' });
    fake.setSync({ phase: 'idle' });
    await settle();
    const looked = fake.called('ledger').length;
    expect(looked).toBeGreaterThan(1);
    await tap('Search');
    fake.setSync({ phase: 'syncing' });
    await settle();
    expect(fake.called('ledger'), 'nobody looks').toHaveLength(looked);
  });

  it('is nothing where nothing was sent, and an error where it cannot be read', async () => {
    const fake = await opened((made) => {
      made.made = ledger(NOW, 0);
      made.failNext('ledger', { code: 'INTERNAL', message: 'the ledger cannot be read' });
    });
    expect(screen.getByRole('alert').textContent).toContain('The ledger cannot be read.');
    await tap('Try again');
    expect(region('Requests').textContent).toContain('No request was made.');
    expect(fake.called('ledger')).toHaveLength(2);
  });

  it('can be written to a file', async () => {
    const fake = await opened();
    await tap('Export');
    const dialog = screen.getByRole('dialog');
    const field = screen.getByLabelText<HTMLInputElement>('File');
    expect(document.activeElement, 'ready to write').toBe(field);
    await tapIn(dialog, 'Export');
    expect(fake.called('exportLedger'), 'without a path there is no file').toEqual([]);
    expect(field.getAttribute('aria-invalid')).toBe('true');
    fake.failNext('exportLedger', { code: 'DISK_FULL', message: 'the disk is full' });
    await fireEvent.input(field, { target: { value: ' /home/anna/requests.jsonl ' } });
    await tapIn(dialog, 'Export');
    expect(dialog.textContent).toContain('The disk is full.');
    await tapIn(dialog, 'Export');
    expect(fake.called('exportLedger').at(-1)).toEqual(['/home/anna/requests.jsonl']);
    expect(screen.getByText('1,312 requests written to /home/anna/requests.jsonl')).toBeTruthy();
    expect(screen.queryByRole('dialog')).toBeNull();
  });
});
