/** The states of the interface to look at in a browser: `?mock=results`, `?mock=fatal`, … */
import type { Backend } from '../backend';
import { FakeBackend } from './fake';
import { memories, noModel, notes, opening, status } from './fixtures';
import { paprStates } from './mockPapr';
import { change, download, stopped } from './models';

const full = () => memories(Date.now());
const DAY = 24 * 3_600_000;

/** Over a hundred memories with all there is to filter by, some of them folded. */
function library(): FakeBackend {
  const now = Date.now();
  const more = ['travel', 'home', 'reading', 'health', 'garden', 'music', 'cooking', 'team notes'];
  const kept = Array.from({ length: 11 }, (_, n) =>
    full().map((one, i) => {
      const time = new Date(Date.parse(one.updatedAt) - n * 3.3 * DAY).toISOString();
      return {
        ...one,
        id: `0197a1b2-0000-7000-8000-${String(n * 12 + i).padStart(12, '0')}`,
        content: n === 0 ? one.content : `${one.content} (${n})`,
        kind: i === 9 ? 'code_snippet' : one.tier === 'goals' ? 'goal' : 'text',
        topics: n === 0 ? one.topics : [...new Set([...one.topics, more[(n * 5 + i) % more.length]!])],
        updatedAt: time,
        createdAt: time,
      };
    }),
  ).flat();
  const fake = new FakeBackend(kept.filter((one) => Date.parse(one.updatedAt) <= now));
  fake.kept.forEach(({ id }, i) => {
    fake.marks[id] = {
      role: i % 3 === 0 ? 'assistant' : 'user',
      ...(i % 4 === 0 ? { category: i % 8 === 0 ? 'preference' : 'task' } : {}),
      alike: i % 7 === 1 ? 2 : 0,
    };
  });
  return fake;
}

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
  opening: () => new FakeBackend(full(), opening),
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
    fake.failNext('list', {
      code: 'INTERNAL',
      message: 'The memories couldn’t be read.',
      hint: 'Trying again often helps.',
    });
    return fake;
  },
  library: () => library(),
  huge: () => new FakeBackend(notes(100_000, Date.now())),
  graphs: () =>
    Object.assign(library(), { info: status({ graphs: 0.43, counts: { goals: 33, memories: 99 } }) }),
  welcome: () => {
    const fake = new FakeBackend();
    fake.chosen = { ...fake.chosen, firstRunDone: false };
    return fake;
  },
  fatal: () =>
    new FakeBackend([], {
      state: 'failed',
      fatal: {
        code: 'STORE_LOCKED',
        message: 'Another Papr, or its command line, has the memories open.',
        hint: 'Close it, then try again.',
        retryable: true,
      },
    }),
};

/** States of the models view, which is opened. */
const modelStates: Record<string, () => FakeBackend> = {
  downloading: () => new FakeBackend(full(), { downloads: [download()] }),
  paused: () => new FakeBackend(full(), { downloads: [download({ ...stopped, state: 'paused' })] }),
  broken: () =>
    new FakeBackend(full(), {
      downloads: [
        download({
          ...stopped,
          state: 'failed',
          error: {
            code: 'OFFLINE',
            message: 'huggingface.co cannot be reached: connection refused',
            hint: 'What was fetched is kept. Check the connection and go on, or import the model from files.',
            retryable: true,
          },
        }),
      ],
    }),
  installed: () => {
    const fake = new FakeBackend(full());
    fake.shelve('bge-small-en-v1.5', { installed: true, approximate: false });
    return fake;
  },
  switching: () => new FakeBackend(full(), { switch: change() }),
  stuck: () =>
    new FakeBackend(full(), {
      switch: change({
        error: {
          code: 'CHECKSUM',
          message: 'a file of the model is damaged',
          hint: 'Install the model again.',
          retryable: false,
        },
      }),
    }),
  unloaded: () =>
    new FakeBackend(full(), {
      model: { ...status().model, unloaded: true, fallback: 'Core ML took longer than the CPU' },
      recovered: 'After a sudden stop the data folder was repaired: 12 memories are there, none was lost.',
    }),
  doctor: () => new FakeBackend(full()),
};

/** States of the library in which a person has pressed something, button by button. */
const pressed: Record<string, string[]> = {
  filters: ['Filter'],
  chosen: ['Filter', 'api', 'assistant'],
  chips: ['Filter', 'api', 'assistant', 'Filter (2)'],
  uncounted: ['Filter'],
  more: ['Show more'],
  settings: ['Settings'],
};

export function mockBackend(state: string): Backend {
  const models = modelStates[state];
  if (models) setTimeout(() => openModels(state === 'doctor'), 50);
  const papr = paprStates[state];
  const buttons = pressed[state] ?? papr?.press;
  const fake = (models ?? papr?.make ?? states[state] ?? (buttons ? library : states.recents))!();
  if (state === 'uncounted') {
    fake.failNext('facets', { code: 'INTERNAL', message: 'the memories couldn’t be read' });
  }
  if (buttons) setTimeout(() => press(buttons), papr?.type ? 600 : 100);
  const query = papr?.type ?? new URLSearchParams(location.search).get('q');
  if (query) setTimeout(() => type(query), 50);
  return fake;
}

function openModels(visit: boolean): void {
  document.querySelector<HTMLElement>('nav button[title^="Models"]')?.click();
  if (!visit) return;
  setTimeout(() => {
    const button = document.querySelector<HTMLElement>('main section:last-of-type .buttons .button');
    button?.click();
    setTimeout(() => button?.scrollIntoView({ block: 'end' }), 100);
  }, 50);
}

function press([name, ...rest]: string[]): void {
  if (name === undefined) return;
  const named = (button: HTMLElement) => button.innerText.split('\n')[0]?.trim() === name;
  const button = [...document.querySelectorAll<HTMLElement>('button')].find(named);
  button?.scrollIntoView({ block: 'end' });
  button?.click();
  // What was pressed may have moved.
  setTimeout(() => (rest.length > 0 ? press(rest) : button?.scrollIntoView({ block: 'end' })), 80);
}

function type(text: string): void {
  const field = document.querySelector<HTMLInputElement>('input[role="combobox"]');
  if (!field) return;
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
}
