/** The main window: adding, editing, deleting and taking back. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeBackend } from './testing/fake';
import { memories, NOW } from './testing/fixtures';
import { active, click, field, openApp, press, rows, settle, type } from './testing/screen';

let fake: FakeBackend;
const area = () => screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'What to remember' });
const dialog = () => screen.queryByRole('dialog');

async function write(text: string): Promise<void> {
  await fireEvent.input(area(), { target: { value: text } });
}

beforeEach(async () => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
  fake = new FakeBackend(memories());
  await openApp(fake);
});
afterEach(() => void vi.useRealTimers());

describe('adding', () => {
  it('keeps what was written, with tier and topics, and shows it', async () => {
    await press('n', { ctrlKey: true });
    expect(document.activeElement).toBe(area());
    await write('  Water the ferns  ');
    await fireEvent.click(screen.getByRole('radio', { name: 'Goal' }));
    await fireEvent.input(screen.getByRole('textbox', { name: 'Topics' }), {
      target: { value: 'home, Home' },
    });
    await press('Enter', { ctrlKey: true }, area());
    expect(fake.called('add')).toEqual([[{ content: 'Water the ferns', tier: 'goals', topics: ['home'] }]]);
    expect(dialog()).toBeNull();
    expect(active()!.textContent).toContain('Water the ferns');
    expect(screen.getByText('Memory added')).toBeTruthy();
  });

  it('asks for text before it asks the engine', async () => {
    await click('Add a memory');
    await press('Enter', { ctrlKey: true }, area());
    expect(screen.getByText('Write something to remember first.')).toBeTruthy();
    expect(fake.called('add')).toEqual([]);
  });

  it('keeps the text when it cannot be saved, and says why in the form', async () => {
    fake.failNext('add', { code: 'DISK_FULL', message: 'The disk is full.', hint: 'Free some space.' });
    await click('Add a memory');
    await write('Water the ferns');
    await press('Enter', { ctrlKey: true }, area());
    expect(screen.getByRole('alert').textContent).toContain('The disk is full. Free some space.');
    expect(area().value).toBe('Water the ferns');
    await click('Try again');
    expect(fake.kept).toHaveLength(13);
  });

  it('asks before it throws text away, and not when there is none', async () => {
    await click('Add a memory');
    await press('Escape', {}, area());
    expect(dialog()).toBeNull();
    expect(document.activeElement, 'the focus is back where one types').toBe(field());
    await click('Add a memory');
    await write('Water');
    await press('Escape', {}, area());
    expect(screen.getByText('Discard what you wrote?')).toBeTruthy();
    await click('Keep editing');
    expect(area().value).toBe('Water');
    await click('Cancel');
    await click('Discard');
    expect(dialog()).toBeNull();
  });

  it('leaves the Enter of an input method to it', async () => {
    await click('Add a memory');
    await write('水');
    await press('Enter', { ctrlKey: true, isComposing: true }, area());
    expect(fake.called('add')).toEqual([]);
  });

  it('starts from the search that found nothing', async () => {
    await type('water ferns');
    await click('Add this as a memory');
    expect(area().value).toBe('water ferns');
  });
});

describe('editing', () => {
  it('saves against the revision that was read', async () => {
    await press('ArrowDown');
    await press('e', { ctrlKey: true });
    expect(area().value).toContain('Customer complained');
    await write('Customer is happy');
    await click('Save');
    const [id] = memories()
      .map((kept) => kept.id)
      .slice(1);
    expect(fake.called('edit')).toMatchObject([[id, 1, { content: 'Customer is happy', tier: 'memories' }]]);
    expect(screen.getByRole('article').textContent).toContain('Customer is happy');
  });

  it('offers the newer text after a conflict, and overwrites nothing', async () => {
    await click('Edit');
    fake.kept = fake.kept.map((kept, i) => (i === 0 ? { ...kept, content: 'Newer', rev: 2 } : kept));
    await write('Mine');
    await click('Save');
    expect(screen.getByText(/changed elsewhere/)).toBeTruthy();
    expect(area().value, 'what was written is still there to copy').toBe('Mine');
    await click('Load the newer text');
    expect(area().value).toBe('Newer');
    await write('Newer and mine');
    await click('Save');
    expect(fake.kept[0]!.content).toBe('Newer and mine');
  });

  it('keeps the window’s shortcuts out of the form', async () => {
    await click('Edit');
    await press('n', { ctrlKey: true }, area());
    expect(screen.getByRole('dialog', { name: 'Edit memory' })).toBeTruthy();
  });
});

describe('deleting', () => {
  it('deletes the row the person moved to, goes to its neighbour and takes it back', async () => {
    await press('ArrowDown');
    const gone = active()!.textContent;
    await press('Delete');
    expect(rows()).toHaveLength(11);
    expect(active()!.textContent).toContain('Anna prefers calls');
    expect(screen.getByText('Memory deleted')).toBeTruthy();
    expect(document.activeElement).toBe(field());
    await click('Undo');
    expect(rows()).toHaveLength(12);
    expect(active()!.textContent, 'it is selected again').toBe(gone);
  });

  it('deletes with Ctrl+Backspace and takes back with Ctrl+Z outside the text', async () => {
    await press('ArrowDown');
    await press('Backspace', { ctrlKey: true });
    expect(rows()).toHaveLength(11);
    await press('z', { ctrlKey: true }, screen.getByRole('complementary'));
    expect(rows()).toHaveLength(12);
  });

  it('deletes text, not a memory, while the person is typing', async () => {
    await type('api');
    await press('Delete');
    await press('Backspace', { ctrlKey: true });
    expect(fake.called('remove')).toEqual([]);
    await press('ArrowDown');
    await type('api l');
    await press('Delete');
    expect(fake.called('remove'), 'typing again ends moving in the list').toEqual([]);
  });

  it('deletes from the detail', async () => {
    await click('Delete');
    expect(fake.called('remove')).toEqual([[[memories()[0]!.id]]]);
  });

  it('says at the list when it could not, and loses nothing', async () => {
    fake.failNext('remove', { code: 'INTERNAL', message: 'It couldn’t be deleted.', retryable: false });
    await click('Delete');
    expect(screen.getByRole('alert').textContent).toContain('It couldn’t be deleted.');
    expect(rows()).toHaveLength(12);
    await click('Dismiss');
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('lets the offer to take back stay a while, then go, but not under the pointer', async () => {
    await click('Delete');
    const toast = screen.getByText('Memory deleted').parentElement!;
    await fireEvent.mouseEnter(toast.parentElement!.parentElement!);
    await settle(20_000);
    expect(screen.getByText('Memory deleted')).toBeTruthy();
    await fireEvent.mouseLeave(toast.parentElement!.parentElement!);
    await settle(8_000);
    expect(screen.queryByText('Memory deleted')).toBeNull();
  });
});
