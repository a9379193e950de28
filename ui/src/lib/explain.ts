/** What the window says of an error: in its own language, whatever the engine said in English. */
import type { AppError, ErrorCode } from '../backend';
import { language, t, type Key } from '../strings';
import { sentence } from './sentence';

/** What happened, what to do, and what the engine said of it where that is another language than the window's. */
export interface Explanation {
  text: string;
  hint: string | null;
  detail: string | null;
}

/** What happened and what to do, by the code; nothing where the error comes in the window's language. */
const words: Record<ErrorCode, { text: Key; hint: Key } | null> = {
  MODEL_MISSING: { text: 'failure.modelMissing', hint: 'failure.modelMissingHint' },
  CHECKSUM: { text: 'failure.checksum', hint: 'failure.checksumHint' },
  DISK_FULL: { text: 'failure.diskFull', hint: 'failure.diskFullHint' },
  OFFLINE: { text: 'failure.offline', hint: 'failure.offlineHint' },
  CANCELLED: { text: 'failure.cancelled', hint: 'failure.cancelledHint' },
  SIGNED_OUT: { text: 'trouble.signedOut', hint: 'failure.signedOutHint' },
  UNAUTHORISED: { text: 'trouble.unauthorised', hint: 'failure.unauthorisedHint' },
  RATE_LIMITED: { text: 'trouble.rateLimited', hint: 'failure.rateLimitedHint' },
  QUOTA: { text: 'trouble.quota', hint: 'failure.quotaHint' },
  LOCAL_ONLY: { text: 'trouble.localOnly', hint: 'failure.localOnlyHint' },
  KEYCHAIN_MISSING: { text: 'trouble.keychainMissing', hint: 'failure.keychainMissingHint' },
  KEYCHAIN_LOCKED: { text: 'trouble.keychainLocked', hint: 'failure.keychainLockedHint' },
  KEYCHAIN_DENIED: { text: 'trouble.keychainDenied', hint: 'failure.keychainDeniedHint' },
  STORE_LOCKED: { text: 'failure.storeLocked', hint: 'failure.storeLockedHint' },
  STORE_DAMAGED: { text: 'failure.storeDamaged', hint: 'failure.storeDamagedHint' },
  INVALID_INPUT: { text: 'failure.invalidInput', hint: 'failure.invalidInputHint' },
  NOT_FOUND: { text: 'failure.notFound', hint: 'failure.notFoundHint' },
  CONFLICT: { text: 'failure.conflict', hint: 'failure.conflictHint' },
  INTERNAL: { text: 'failure.internal', hint: 'failure.internalHint' },
  REFUSED: null,
};

/** The engine speaks English, and says more than its code does. */
const isEngines = (): boolean => language() === 'en';

/**
 * An error as the window tells it. In the engine's language it is told in the engine's words; in any other, or where
 * the engine said nothing, in those that go with its code.
 */
export function explain({ code, message, hint }: AppError): Explanation {
  const own = words[code];
  if (!own || (isEngines() && message !== '')) return { text: sentence(message), hint, detail: null };
  const told = [message && sentence(message), hint].filter(Boolean).join(' ');
  return { text: t(own.text), hint: t(own.hint), detail: isEngines() ? null : told || null };
}

/** What the engine repaired: its own words in its language, elsewhere that it did. */
export function explainRepair(recovered: string): Explanation {
  if (isEngines()) return { text: recovered, hint: null, detail: null };
  return { text: t('recovered.text'), hint: null, detail: recovered };
}
