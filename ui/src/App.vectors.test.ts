/** The models view: whose vectors are searched, what that costs, and what was measured. */
import { fireEvent } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { memories, NOW } from './testing/fixtures';
import { button, openModels, tap } from './testing/modelsScreen';
import { same, serverSpace, synced } from './testing/papr';
import { settle } from './testing/screen';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
});
afterEach(() => void vi.useRealTimers());

function panel(): HTMLElement {
  const found = document.querySelector<HTMLElement>('section[aria-label="Whose vectors are searched"]');
  if (!found) throw new Error('no panel of vectors');
  return found;
}

const row = (name: string) =>
  [...panel().querySelectorAll('tbody tr')]
    .find((one) => one.querySelector('th')?.textContent === name)
    ?.textContent.replace(/\s+/g, ' ') ?? '';

describe('whose vectors are searched', () => {
  it('says what either costs before anything is fetched', async () => {
    await openModels();
    const n = memories().length;
    expect(n, 'the costs below are of some memories').toBeGreaterThan(0);
    expect(row('Fetched by a whole sync')).toContain('nothing');
    expect(row('Fetched by a whole sync'), 'of either form').toContain(`${n * 10} kB (8-bit)`);
    expect(row('On disk'), 'of 2,560 numbers of two bytes').toContain(`${Math.round(n * 5.12)} kB`);
    expect(row('Work for this computer')).toContain('every memory once');
    expect(panel().querySelector('[role=status]'), 'nothing was measured').toBeNull();
  });

  it('is chosen here, and told to be compared when they have come', async () => {
    const fake = await openModels();
    const select = panel().querySelector('select');
    if (!select) throw new Error('no choice');
    await fireEvent.change(select, { target: { value: 'int8' } });
    await settle();
    expect(fake.called('setServerVectors')).toEqual([['int8']]);
    expect(panel().textContent).toContain('come with a whole sync');
    fake.vectors = serverSpace({
      form: 'int8',
      count: 9,
      kilobytes: 46,
      dims: 384,
      measured: same,
      inUse: true,
    });
    fake.setStatus({ sync: synced({ succeededAt: '2026-01-01T00:00:00Z' }) });
    await settle();
    expect(panel().textContent, 'a sync is an occasion to look').toContain('The same space: cosine 0.9993');
    expect(panel().textContent).toContain('0.9987 at least over 8 memories');
    expect(panel().textContent, 'what they take').toContain('9 vectors of Papr’s are kept, 46 kB on disk');
  });

  it.each([
    ['another length', { dims: 2560 }, 'have 2,560 numbers, those of the model in use 384'],
    [
      'another recipe',
      { dims: 384, measured: { ...same, verdict: 'different' as const, least: 0.31, mean: 0.33 } },
      'Not the same space: cosine 0.3300',
    ],
    ['too few', { dims: 384, measured: { ...same, verdict: 'tooFew' as const, pairs: 1 } }, 'only 1 memory'],
    ['no model', { dims: 2560, modelDims: null }, 'No model is in use'],
    ['not compared yet', { dims: 384 }, 'have not been compared'],
  ])('says why they are not searched: %s', async (_name, over, text) => {
    await openModels({}, (fake) => {
      fake.vectors = serverSpace({ form: 'float', count: 9, kilobytes: 46, ...over });
    });
    expect(panel().textContent).toContain(text);
  });

  it('compares again when asked, and shows a failure', async () => {
    const fake = await openModels({}, (made) => {
      made.vectors = serverSpace({ form: 'float', count: 9, kilobytes: 46, dims: 384, measured: same });
    });
    fake.vectors = { ...fake.vectors, measured: { ...same, verdict: 'different' } };
    await tap('Compare again');
    expect(fake.called('matchServerSpace')).toHaveLength(1);
    expect(panel().textContent).toContain('Not the same space');
    fake.failNext('matchServerSpace', { code: 'INTERNAL', message: 'The model stopped.' });
    await tap('Compare again');
    expect(panel().querySelector('[role=alert]')?.textContent).toContain('The model stopped.');
    expect(button('Compare again').getAttribute('aria-disabled')).toBe('false');
  });
});
