/** The account: a key goes in, is verified and never seen again; signing out asks what becomes of the memories. */
import { fireEvent, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NOW } from './testing/fixtures';
import { button, focused, tap } from './testing/modelsScreen';
import { account, nobody, problem } from './testing/papr';
import {
  fact,
  has,
  heard,
  isThere,
  keyField,
  openSignedOut,
  openSync,
  region,
  syncLine,
  tapIn,
  writeKey,
} from './testing/paprScreen';
import { settle } from './testing/screen';

const KEY = 'sk-papr-0123456789abcdef3f9c';

beforeEach(() => {
  vi.useFakeTimers();
  vi.setSystemTime(NOW);
});
afterEach(() => void vi.useRealTimers());

const dialog = () => screen.getByRole('dialog');

describe('the key', () => {
  it('is asked of the backend only where a person looks: the keychain may ask them', async () => {
    const fake = await openSignedOut((made) => {
      made.setStatus({});
      expect(made.called('account'), 'not at the start').toEqual([]);
    });
    expect(fake.called('account')).toHaveLength(1);
    expect(keyField()?.type, 'nobody reads it over a shoulder').toBe('password');
    expect(keyField()?.autocomplete, 'no browser keeps it').toBe('off');
  });

  it('that Papr accepts is kept, cleared from the window, and known by its last four', async () => {
    const fake = await openSignedOut();
    await writeKey(`  ${KEY}\n`);
    await tap('Verify');
    expect(fake.called('signIn'), 'without the space that came with it').toEqual([['…3f9c', false]]);
    expect(keyField(), 'the field is gone').toBeNull();
    expect(document.documentElement.innerHTML, 'and so is the key').not.toContain(KEY);
    expect(fact(region('Account'), 'Key')).toBe('ends in 3f9c, kept in the system’s keychain');
    expect(screen.getByText('Signed in to Papr')).toBeTruthy();
    expect(focused(), 'the keyboard is where the account is').toBe('Account');
  });

  it('that is missing is asked for, and that Papr refuses is said so and forgotten', async () => {
    const fake = await openSignedOut();
    await tap('Verify');
    expect(fake.called('signIn'), 'nothing was sent').toEqual([]);
    expect(keyField()?.getAttribute('aria-invalid')).toBe('true');
    expect(document.activeElement).toBe(keyField());
    fake.failNext('signIn', { code: 'UNAUTHORISED' });
    await writeKey(KEY);
    await tap('Verify');
    expect(screen.getByRole('alert').textContent).toContain('Papr doesn’t accept this key.');
    expect(keyField()?.value, 'a key that is no good is not kept').toBe('');
    expect(document.activeElement, 'ready for another one').toBe(keyField());
  });

  it.each([
    ['KEYCHAIN_MISSING', 'This computer has no keychain'],
    ['KEYCHAIN_LOCKED', 'The keychain is locked, or gave no answer.'],
    ['KEYCHAIN_DENIED', 'The keychain refused.'],
  ] as const)('that the keychain does not take (%s) can be kept for this run', async (code, words) => {
    const fake = await openSignedOut();
    fake.failNext('signIn', { code, hint: 'Unlock it.' });
    await writeKey(KEY);
    await tap('Verify');
    const said = screen.getByRole('alert').textContent;
    expect(said, 'told apart').toContain(words);
    expect(said, 'with what this system needs').toContain('Unlock it.');
    await tap('Keep for this run');
    expect(fake.called('signIn').at(-1), 'the key need not be pasted again').toEqual(['…3f9c', true]);
    expect(fact(region('Account'), 'Key')).toContain('in memory for this run only');
  });

  it('waits while local only is on, and switching that off keeps what was pasted', async () => {
    const fake = await openSignedOut((made) => {
      made.info = { ...made.info, sync: nobody({ phase: 'localOnly', localOnly: true }) };
    });
    await writeKey(KEY);
    await tap('Verify');
    const form = keyField()!.form!;
    expect(form.textContent).toContain('Local only is on');
    await tapIn(form, 'Turn off local only');
    expect(fake.called('setLocalOnly')).toEqual([[false]]);
    expect(form.textContent, 'what was refused because of it is allowed now').not.toContain(
      'Local only is on',
    );
    expect(document.activeElement).toBe(keyField());
    await tap('Verify');
    expect(isThere('State of sync')).toBe(true);
  });

  it('that is not accepted any more leads from the status line to the field', async () => {
    await openSync({ phase: 'attention', error: problem('UNAUTHORISED') }, () => {}, 'Search');
    expect(syncLine().textContent).toContain('Papr key not accepted');
    await fireEvent.click(syncLine());
    await settle();
    expect(document.activeElement, 'ready to paste').toBe(keyField());
    await tap('Cancel');
    expect(keyField()).toBeNull();
    await tap('Enter a key');
    expect(document.activeElement, 'the notice leads there too').toBe(keyField());
  });

  it('of the environment is said to be that, and is not replaced here', async () => {
    await openSync({}, (fake) => (fake.who = account({ keySource: 'environment' })));
    const panel = region('Account');
    expect(fact(panel, 'Key')).toContain('PAPR_MEMORY_API_KEY');
    expect(has(panel, 'Replace key')).toBe(false);
  });

  it('that cannot be read from the keychain says why and can be given for this run', async () => {
    const fake = await openSync({}, (made) => made.failNext('account', { code: 'KEYCHAIN_LOCKED' }));
    expect(region('Account').textContent).toContain('The keychain is locked');
    await tap('Enter the key for this run');
    expect(document.activeElement).toBe(keyField());
    await fireEvent.click(screen.getByRole('checkbox'));
    await writeKey(KEY);
    await tap('Verify');
    expect(fake.called('signIn')).toEqual([['…3f9c', true]]);
  });
});

describe('memories made before', () => {
  it('are offered first, with what that costs, and go to the account at a press', async () => {
    const fake = await openSignedOut((made) =>
      Object.assign(made, { nobodys: 12, others: 3, note: 'A note.' }),
    );
    await writeKey(KEY);
    await tap('Verify');
    const offer = region('12 memories made here before');
    expect(offer.textContent, 'four operations each').toContain('4 operations each, 48 in all. 786 are left');
    expect(document.querySelector('main section'), 'before everything else').toBe(offer);
    expect(focused(), 'and the keyboard is there').toBe('12 memories made here before');
    expect(region('Account').textContent).toContain('A note. 3 memories of another account are here');
    expect(fake.called('adopt'), 'nothing is given unasked').toEqual([]);
    await tap('Show them');
    expect(offer.textContent, 'what is given can be seen before').toContain('number 12');
    await tap('Add to my account');
    expect(fake.called('adopt')).toHaveLength(1);
    expect(screen.getByText('12 memories added to your Papr account')).toBeTruthy();
    expect(isThere('12 memories made here before')).toBe(false);
    expect(focused(), 'the keyboard is not lost').toContain('12 changes to send');
  });

  it('can be left for later, and are found again', async () => {
    const fake = await openSync({}, (made) => (made.nobodys = 1));
    await tapIn(region('1 memory made here before'), 'Not now');
    expect(fake.called('adopt')).toEqual([]);
    expect(isThere('1 memory made here before')).toBe(false);
    await tap('Add to my account…');
    expect(isThere('1 memory made here before')).toBe(true);
  });
});

describe('signing out', () => {
  it('keeps a copy unless told otherwise, and says what that means for what was not sent', async () => {
    const fake = await openSync({ pending: 4 });
    await tapIn(region('Account'), 'Sign out');
    expect(dialog().textContent).toContain('312 memories of this account are on this computer');
    expect(dialog().textContent).toContain('4 changes were not sent to Papr yet. They are kept');
    await tapIn(dialog(), 'Sign out');
    expect(fake.called('signOut')).toEqual([[false]]);
    expect(screen.getByText('Signed out. 312 memories stay here.')).toBeTruthy();
    expect(region('Account').textContent).toContain('312 memories of the account stay here as a local copy.');
    expect(syncLine().textContent).toContain('Signed out');
    expect(keyField(), 'the way back in').toBeTruthy();
  });

  it('deletes them only in two steps, and warns of what would be lost', async () => {
    const fake = await openSync({ pending: 1 });
    await tapIn(region('Account'), 'Sign out');
    const first = document.activeElement;
    await fireEvent.click(screen.getByRole('radio', { name: /Delete them/ }));
    await settle();
    expect(document.activeElement, 'choosing moves nothing').toBe(first);
    expect(dialog().textContent).toContain('1 change was not sent to Papr yet and would be lost.');
    await tapIn(dialog(), 'Sign out and delete 312');
    expect(fake.called('signOut'), 'one press is not enough').toEqual([]);
    expect(document.activeElement).toBe(screen.getByRole('checkbox'));
    expect(dialog().textContent).toContain('Tick this first');
    await fireEvent.click(screen.getByRole('checkbox'));
    await tapIn(dialog(), 'Sign out and delete 312');
    expect(fake.called('signOut')).toEqual([[true]]);
    expect(heard(), 'counted, backups too').toContain('Deleted from this computer: 312 memories, 2 backups.');
    expect(region('Account').textContent).toContain('Everything here works without an account.');
  });

  it('that fails says so in the question, and Escape leaves all as it is', async () => {
    const fake = await openSync();
    fake.failNext('signOut', { code: 'KEYCHAIN_LOCKED', message: 'the keychain is locked' });
    await tapIn(region('Account'), 'Sign out');
    await tapIn(dialog(), 'Sign out');
    expect(dialog().textContent).toContain('The keychain is locked.');
    await fireEvent.keyDown(dialog(), { key: 'Escape' });
    await settle();
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(document.activeElement, 'back where it was').toBe(button('Sign out'));
  });

  it('leaves a copy that can be deleted later', async () => {
    const fake = await openSignedOut((made) => {
      made.who = account({ signedIn: false, keySource: null, lastFour: null });
      made.info = { ...made.info, sync: nobody({ account: 'papr-1' }) };
    });
    await tap('Delete the local copy');
    expect(document.activeElement?.textContent, 'Enter does no harm').toBe('Cancel');
    await fireEvent.click(dialog().querySelector('input[type=checkbox]')!);
    await tapIn(dialog(), 'Delete the copy');
    expect(fake.called('signOut')).toEqual([[true]]);
    expect(region('Account').textContent).toContain('Everything here works without an account.');
  });
});
