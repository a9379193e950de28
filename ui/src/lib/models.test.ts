import { describe, expect, it } from 'vitest';
import { change, download, modelInfo } from '../testing/models';
import { status } from '../testing/fixtures';
import { languages, percent, size, sizeOf, timeLeft } from './amounts';
import { actions, affectsModels, endedDownloads, standing } from './modelState';

describe('amounts', () => {
  it('have at most three digits and the unit that fits, also where rounding reaches the next', () => {
    const sizes = [0, 420, 999, 1000, 9_940, 9_960, 134_000, 999_400, 999_600, 1_260_000, 12_340_000];
    expect(sizes.map(size)).toEqual([
      '0 kB',
      '420 kB',
      '999 kB',
      '1 MB',
      '9.9 MB',
      '10 MB',
      '134 MB',
      '999 MB',
      '1 GB',
      '1.26 GB',
      '12.3 GB',
    ]);
    expect(sizeOf({ kilobytes: 134_000, approximate: true }), 'an estimate says so').toBe('about 134 MB');
  });

  it('of a hundred say 100 only when all is done, and stay between 0 and 100', () => {
    expect([percent(999, 1000), percent(1000, 1000), percent(1200, 1000)]).toEqual([99, 100, 100]);
    expect([percent(5, 0), percent(-1, 10)], 'nothing known, nothing done').toEqual([0, 0]);
  });

  it('of time are never negative, never zero, and wait until they can be told', () => {
    expect([null, -5, 0, 1, 59, 60, 61, 3_599, 3_600, 9_000].map(timeLeft)).toEqual([
      'calculating…',
      '1 s left',
      '1 s left',
      '1 s left',
      '59 s left',
      '1 min left',
      '2 min left',
      '1 hr left',
      '1 hr left',
      '2.5 hr left',
    ]);
  });

  it('of languages are names, and whatever is no tag stays as it is', () => {
    expect(languages(['en', 'pt-BR', 'mul', '?'])).toBe('English, Brazilian Portuguese, many languages, ?');
  });
});

describe('where a model stands', () => {
  const absent = modelInfo();
  const installed = modelInfo({ installed: true });

  it('follows from what is there, what is under way and what serves', () => {
    const failure = { code: 'CHECKSUM', message: '', hint: null, retryable: false } as const;
    expect(standing(absent, null, null)).toBe('absent');
    expect(standing(modelInfo({ builtIn: true }), null, null), 'it cannot be fetched').toBe('lost');
    expect(standing(absent, download(), null)).toBe('downloading');
    expect(standing(absent, download({ state: 'paused' }), null)).toBe('paused');
    expect(standing(modelInfo({ problem: failure }), null, null)).toBe('damaged');
    expect(standing(modelInfo({ problem: failure }), download(), null), 'it is being mended').toBe(
      'downloading',
    );
    expect(standing(installed, null, change({ model: installed.id }))).toBe('next');
    expect(
      standing(installed, null, change({ model: installed.id, error: failure })),
      'a change that stopped can be asked for again',
    ).toBe('installed');
    expect(standing(modelInfo({ serving: true, disabled: 'x' }), null, null), 'what serves, serves').toBe(
      'inUse',
    );
    expect(standing(modelInfo({ disabled: 'x', installed: true }), null, null)).toBe('unusable');
  });

  it('never lets go of a model that serves, was chosen or came with the app', () => {
    for (const over of [{ serving: true }, { chosen: true }, { builtIn: true }]) {
      const model = modelInfo({ installed: true, ...over });
      expect(actions(model, standing(model, null, null)), JSON.stringify(over)).not.toContain('remove');
    }
    expect(actions(installed, 'installed')).toContain('remove');
  });

  it('offers a way without the network wherever the network failed', () => {
    expect(actions(absent, 'failed')).toContain('import');
    expect(actions(absent, 'absent')).toContain('import');
  });
});

describe('a new status', () => {
  it('means another list when a model, a download or a change comes or goes, not when one moves on', () => {
    const before = status({ downloads: [download()], switch: change() });
    const affects = (over: Parameters<typeof status>[0]) =>
      affectsModels(before, status({ ...before, ...over }));
    expect(affects({ downloads: [download({ kilobytesDone: 1, etaS: 3, phase: 'verifying' })] })).toBe(false);
    expect(affects({ switch: change({ done: 9, paused: true }) })).toBe(false);
    expect(affects({ pending: 7 })).toBe(false);
    expect(affects({ downloads: [] })).toBe(true);
    expect(affects({ downloads: [download({ state: 'paused' })] })).toBe(true);
    expect(affects({ switch: null })).toBe(true);
    expect(affects({ model: { ...before.model, id: 'other' } })).toBe(true);
  });

  it('without a download that was there tells of its end', () => {
    const before = status({ downloads: [download(), download({ model: 'other' })] });
    expect(endedDownloads(before, status({ downloads: [download()] }))).toEqual(['other']);
  });
});
