/** The states of the interface to look at in a browser: `?mock=results`, `?mock=fatal`, … */
import type { Backend } from '../backend';
import { FakeBackend } from './fake';
import { memories, noModel, status } from './fixtures';

const full = () => memories(Date.now());

const states: Record<string, () => FakeBackend> = {
  first: () => new FakeBackend(),
  recents: () => new FakeBackend(full()),
  samples: () => new FakeBackend(full().map((kept) => ({ ...kept, source: 'sample' as const }))),
  many: () => {
    const kept = full();
    const more = kept.flatMap((one, i) =>
      [0, 1, 2, 3].map((n) => ({ ...one, id: `many-${i}-${n}`, content: `${one.content} (${n})` })),
    );
    return new FakeBackend(more, { pending: 1234 });
  },
  slow: () => Object.assign(new FakeBackend(full()), { delay: 60_000 }),
  missing: () =>
    Object.assign(new FakeBackend(full(), { model: noModel }), { degraded: 'No model is installed.' }),
  loading: () =>
    Object.assign(
      new FakeBackend(full(), { model: { ...noModel, state: 'loading', error: null }, index: 'building' }),
      { degraded: 'The model is loading.' },
    ),
  failed: () =>
    new FakeBackend(full(), {
      model: {
        ...status().model,
        state: 'failed',
        provider: null,
        loadMs: null,
        p50Ms: null,
        error: {
          code: 'INTERNAL',
          message: 'The model file is not what it should be.',
          hint: 'Install it again.',
          retryable: true,
        },
      },
    }),
  taken: () =>
    new FakeBackend(full(), {
      shortcut: {
        keys: 'Ctrl+Shift+Space',
        registered: false,
        problem: 'Wayland gives no app a shortcut of its own; set one in the system settings.',
      },
    }),
  error: () => {
    const fake = new FakeBackend(full());
    fake.failNext('recent', {
      code: 'INTERNAL',
      message: 'The memories couldn’t be read.',
      hint: 'Trying again often helps.',
    });
    return fake;
  },
  fatal: () =>
    new FakeBackend([], {
      fatal: {
        code: 'STORE_LOCKED',
        message: 'Another Papr, or its command line, has the memories open.',
        hint: 'Close it, then try again.',
        retryable: true,
      },
    }),
};

export function mockBackend(state: string): Backend {
  const fake = (states[state] ?? states.recents)!();
  const query = new URLSearchParams(location.search).get('q');
  if (query) setTimeout(() => type(query), 50);
  return fake;
}

function type(text: string): void {
  const field = document.querySelector<HTMLInputElement>('input[role="combobox"]');
  if (!field) return;
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
}
