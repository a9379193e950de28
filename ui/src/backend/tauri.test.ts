import { beforeEach, describe, expect, it, vi } from 'vitest';
import { NO_FILTERS } from '../lib/filters';

const invoke = vi.hoisted(() => vi.fn());
const listen = vi.hoisted(() => vi.fn());
vi.mock('@tauri-apps/api/core', () => ({ invoke }));
vi.mock('@tauri-apps/api/event', () => ({ listen, once: vi.fn(), emit: vi.fn(), emitTo: vi.fn() }));

const { tauriBackend } = await import('./tauri');
const { Failure } = await import('./failure');

beforeEach(() => {
  invoke.mockReset();
  listen.mockReset();
});

describe('tauriBackend', () => {
  it('passes a query on under the names the shell knows', async () => {
    invoke.mockResolvedValue({ seq: 7 });
    const page = { skip: 50, limit: 50 };
    const filters = { ...NO_FILTERS, topics: ['work'] };
    const asked = { text: 'api', filters, sort: 'newest', mode: 'hybrid' } as const;
    await expect(tauriBackend.search({ ...asked, page, seq: 7 })).resolves.toEqual({ seq: 7 });
    expect(invoke).toHaveBeenCalledWith('search', { question: { ...asked, ...page }, seq: 7 });
  });

  it('passes on what a list is narrowed to and where it goes on', async () => {
    invoke.mockResolvedValue({ memories: [], total: 0, next: null });
    const after = { updatedAt: '2026-06-10T09:00:00Z', id: 'x' };
    await tauriBackend.list(NO_FILTERS, 'oldest', after, 8);
    expect(invoke).toHaveBeenCalledWith('list', { filters: NO_FILTERS, sort: 'oldest', after, limit: 8 });
    await tauriBackend.facets(NO_FILTERS);
    expect(invoke).toHaveBeenLastCalledWith('facets', { filters: NO_FILTERS });
  });

  it('hands a key on once, and asks Papr under the names the shell knows', async () => {
    invoke.mockResolvedValue(null);
    await tauriBackend.signIn('sk-1', true);
    expect(invoke).toHaveBeenLastCalledWith('sign_in', { key: 'sk-1', thisRun: true });
    await tauriBackend.resolve('x', { choice: 'merged', text: 'Both' });
    expect(invoke).toHaveBeenLastCalledWith('resolve', {
      id: 'x',
      choice: { choice: 'merged', text: 'Both' },
    });
    await tauriBackend.tellPapr('search-1', false, ['remote-3']);
    expect(invoke).toHaveBeenLastCalledWith('tell_papr', {
      searchId: 'search-1',
      helped: false,
      about: ['remote-3'],
    });
  });

  it('throws an error of the engine with its code, hint and whether to try again', async () => {
    const error = { code: 'CONFLICT', message: 'Changed.', hint: 'Load it.', retryable: false };
    invoke.mockRejectedValue(error);
    const thrown = await tauriBackend.get('x').catch((e: unknown) => e);
    expect(thrown).toBeInstanceOf(Failure);
    expect(thrown).toMatchObject(error);
  });

  it('throws INTERNAL for a call the shell refuses: that comes as a plain string', async () => {
    invoke.mockRejectedValue('command get not allowed');
    await expect(tauriBackend.get('x')).rejects.toMatchObject({
      code: 'INTERNAL',
      message: 'command get not allowed',
    });
    invoke.mockRejectedValue(new Error('broken pipe'));
    await expect(tauriBackend.get('x')).rejects.toMatchObject({ code: 'INTERNAL', message: 'broken pipe' });
  });

  it('stops listening even when asked before listening has begun', async () => {
    const stop = vi.fn();
    listen.mockResolvedValue(stop);
    tauriBackend.onQuickShown(() => {})();
    await vi.waitFor(() => expect(stop).toHaveBeenCalled());
  });

  it('hands on the payload of an event', async () => {
    listen.mockResolvedValue(() => {});
    const opened = vi.fn();
    tauriBackend.onOpenMemory(opened);
    const [, callback] = listen.mock.calls[0] as [string, (event: { payload: unknown }) => void];
    callback({ payload: { id: 'abc', edit: true } });
    expect(opened).toHaveBeenCalledWith('abc', true);
  });
});
