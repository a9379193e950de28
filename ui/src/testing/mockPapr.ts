/** The states of sync and privacy to look at in a browser: `?mock=synced`, `?mock=conflicts`, … */
import type { Sync } from '../backend';
import { FakeBackend } from './fake';
import { memories } from './fixtures';
import { account, cloudReply, conflictsOf, ledger, nobody, outboxOf, problem, synced } from './papr';

interface State {
  make: () => FakeBackend;
  /** The buttons that lead to it. */
  press: string[];
  /** What is searched for first. */
  type?: string;
}

const full = () => memories(Date.now());

/** Somebody is signed in. */
function signedIn(over: Partial<Sync> = {}, prepare: (fake: FakeBackend) => void = () => {}): FakeBackend {
  const fake = new FakeBackend(full(), { sync: synced(over, Date.now()) });
  fake.who = account({ pending: over.pending ?? 0 });
  fake.made = ledger(Date.now());
  prepare(fake);
  return fake;
}

const offline = {
  phase: 'offline',
  pending: 2,
  nextAt: null,
  error: problem('OFFLINE', { message: 'memory.papr.ai cannot be reached' }),
} as const satisfies Partial<Sync>;
const waiting = (fake: FakeBackend) => void (fake.waits = outboxOf(fake.kept, Date.now()));
const disputed = (fake: FakeBackend) => {
  fake.disputes = conflictsOf(fake.kept, Date.now());
};
const locked = problem('KEYCHAIN_LOCKED', {
  message: 'the keychain is locked',
  hint: 'Unlock the keychain and try again, or keep the key for this run only.',
});

export const paprStates: Record<string, State> = {
  signedout: { make: () => new FakeBackend(full(), { sync: nobody() }), press: ['Sync'] },
  copy: {
    make: () => {
      const fake = new FakeBackend(full(), { sync: nobody({ account: 'papr-1', pending: 2 }) });
      fake.who = account({ signedIn: false, keySource: null, lastFour: null, pending: 2 });
      return fake;
    },
    press: ['Sync'],
  },
  synced: { make: () => signedIn(), press: ['Sync'] },
  adopt: {
    make: () => signedIn({}, (fake) => Object.assign(fake, { nobodys: 212, note: 'A note.' })),
    press: ['Sync'],
  },
  syncing: {
    make: () => signedIn({ phase: 'syncing', received: 640, sent: 3, nextAt: null }),
    press: ['Sync'],
  },
  pending: { make: () => signedIn({ pending: 5, refused: 2 }, waiting), press: ['Sync'] },
  conflicts: {
    make: () => signedIn({ phase: 'attention', conflicts: 3 }, disputed),
    press: ['Sync'],
  },
  merge: {
    make: () => signedIn({ phase: 'attention', conflicts: 3 }, disputed),
    press: ['Sync', 'Merge'],
  },
  syncerror: {
    make: () =>
      signedIn({
        phase: 'attention',
        pending: 5,
        error: problem('QUOTA', { message: 'the month is used up' }),
        spent: 1000,
        forecast: 1340,
      }),
    press: ['Sync'],
  },
  ratelimited: {
    make: () => signedIn({ phase: 'attention', error: problem('RATE_LIMITED') }),
    press: ['Sync'],
  },
  unauthorised: {
    make: () => signedIn({ phase: 'attention', nextAt: null, error: problem('UNAUTHORISED') }),
    press: ['Sync', 'Enter a key'],
  },
  keychain: {
    make: () =>
      Object.assign(signedIn({ phase: 'attention', nextAt: null, error: locked }), {
        account: () => Promise.reject(locked),
      }),
    press: ['Sync'],
  },
  offline: { make: () => signedIn(offline), press: ['Sync'] },
  syncpaused: {
    make: () => signedIn({ phase: 'paused', paused: true, pending: 2, nextAt: null }),
    press: ['Sync'],
  },
  localonly: {
    make: () => signedIn({ phase: 'localOnly', localOnly: true, nextAt: null }),
    press: ['Sync'],
  },
  privacy: { make: () => signedIn(), press: ['Privacy'] },
  privacylocal: {
    make: () => signedIn({ phase: 'localOnly', localOnly: true, nextAt: null }),
    press: ['Privacy'],
  },
  export: { make: () => signedIn(), press: ['Privacy', 'Export'] },
  budget: { make: () => signedIn(), press: ['Sync', 'Change'] },
  signout: { make: () => signedIn({ pending: 2 }), press: ['Sync', 'Sign out'] },
  askpapr: {
    make: () => signedIn({}, (fake) => (fake.cloud = cloudReply(fake.kept[1]!.id, Date.now()))),
    press: ['Ask Papr'],
    type: 'slow api',
  },
  asknothing: { make: () => signedIn(), press: [], type: 'zebra' },
  detail: {
    make: () => signedIn({ phase: 'attention', conflicts: 3, pending: 2 }, disputed),
    press: [],
  },
};
