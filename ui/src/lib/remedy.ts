import type { AppError, ErrorCode } from '../backend';
import { t, type Key } from '../strings';
import { moment } from './dates';
import { explain, type Explanation } from './explain';
import { sentence } from './sentence';

/** The one thing to do about an error of Papr's. */
export type Remedy = 'key' | 'run' | 'localOnly' | 'budget' | 'retry';

const KEYCHAIN: readonly ErrorCode[] = ['KEYCHAIN_MISSING', 'KEYCHAIN_LOCKED', 'KEYCHAIN_DENIED'];

/** What is said of an error where it is Papr's, in place of what is said of its code anywhere. */
const words: Partial<Record<ErrorCode, Key>> = {
  SIGNED_OUT: 'trouble.signedOut',
  UNAUTHORISED: 'trouble.unauthorised',
  RATE_LIMITED: 'trouble.rateLimited',
  QUOTA: 'trouble.quota',
  OFFLINE: 'trouble.offline',
  LOCAL_ONLY: 'trouble.localOnly',
  KEYCHAIN_MISSING: 'trouble.keychainMissing',
  KEYCHAIN_LOCKED: 'trouble.keychainLocked',
  KEYCHAIN_DENIED: 'trouble.keychainDenied',
};

export function isKeychain(error: AppError): boolean {
  return KEYCHAIN.includes(error.code);
}

export function remedy(error: AppError): Remedy | null {
  if (isKeychain(error)) return 'run';
  switch (error.code) {
    case 'SIGNED_OUT':
    case 'UNAUTHORISED':
      return 'key';
    case 'LOCAL_ONLY':
      return 'localOnly';
    case 'QUOTA':
      return 'budget';
    // Asking again before the time that Papr gave only makes it longer.
    case 'RATE_LIMITED':
      return null;
    default:
      return error.retryable ? 'retry' : null;
  }
}

/** What happened and what to do, in whole sentences; with the time from which Papr may be asked again. */
export function trouble(error: AppError, nextAt: string | null, now: number, locale: string): Explanation {
  const key = words[error.code];
  const told = explain(error);
  // What to do about a keychain depends on the system, and the engine knows it.
  const whole = !key || isKeychain(error);
  const hints = whole ? [told.hint] : [];
  const waits = error.code === 'RATE_LIMITED' || error.code === 'QUOTA';
  if (waits && nextAt && Date.parse(nextAt) > now) {
    hints.push(sentence(t('trouble.goesOn', { when: moment(nextAt, now, locale) })));
  }
  return {
    text: key ? t(key) : told.text,
    hint: hints.filter(Boolean).join(' ') || null,
    detail: whole ? told.detail : null,
  };
}
