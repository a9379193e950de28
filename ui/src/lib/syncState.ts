/** What is said of sync at one glance: the same words in the status line and at the head of the Sync view. */
import type { Account, ErrorCode, Sync } from '../backend';
import { t, type Key } from '../strings';
import { shortDate } from './dates';

/** Chooses the sign beside the words. */
export type Look = 'good' | 'pending' | 'busy' | 'paused' | 'offline' | 'local' | 'out' | 'attention';

export interface Glance {
  look: Look;
  text: string;
}

const troubles: Partial<Record<ErrorCode, Key>> = {
  SIGNED_OUT: 'sync.noKey',
  UNAUTHORISED: 'sync.refusedKey',
  RATE_LIMITED: 'sync.rateLimited',
  QUOTA: 'sync.quota',
  KEYCHAIN_MISSING: 'sync.keychain',
  KEYCHAIN_LOCKED: 'sync.keychain',
  KEYCHAIN_DENIED: 'sync.keychain',
};

export function glance(sync: Sync, now: number, locale: string): Glance {
  const pending = sync.pending > 0 ? t('sync.pending', { n: sync.pending }) : '';
  const and = (text: string) => (pending ? `${text}${t('list.dot')}${pending}` : text);
  switch (sync.phase) {
    case 'signedOut':
      return { look: 'out', text: and(t('sync.signedOut')) };
    case 'localOnly':
      return { look: 'local', text: and(t('sync.localOnly')) };
    case 'paused':
      return { look: 'paused', text: and(t('sync.paused')) };
    case 'offline':
      return { look: 'offline', text: and(t('sync.offline')) };
    case 'metered':
      return { look: 'paused', text: and(t('sync.metered')) };
    case 'syncing':
      return { look: 'busy', text: busy(sync) };
    case 'attention':
      return { look: 'attention', text: attention(sync) };
    case 'idle':
      if (pending) return { look: 'pending', text: pending };
      if (!sync.succeededAt) return { look: 'pending', text: t('sync.notYet') };
      return { look: 'good', text: t('sync.synced', { when: shortDate(sync.succeededAt, now, locale) }) };
  }
}

function busy({ received, sent }: Sync): string {
  if (received + sent === 0) return t('sync.syncing');
  return t('sync.syncingCounts', { received, sent });
}

function attention(sync: Sync): string {
  if (sync.error) return t(troubles[sync.error.code] ?? 'sync.failed');
  if (sync.conflicts > 0) return t('sync.conflicts', { n: sync.conflicts });
  return t('sync.refused', { n: sync.refused });
}

/** Where the status line's link leads: to what there is to do. */
export function goal(sync: Sync): 'key' | 'conflicts' | 'top' {
  const code = sync.error?.code;
  if (sync.phase === 'signedOut' || code === 'UNAUTHORISED' || code === 'SIGNED_OUT') return 'key';
  return sync.phase === 'attention' && !sync.error && sync.conflicts > 0 ? 'conflicts' : 'top';
}

/** Whether Papr may be asked something at a person's press. A pause and a missing network keep nobody from trying. */
export function mayAskNow({ phase, localOnly, account }: Sync): boolean {
  return account !== null && !localOnly && phase !== 'signedOut' && phase !== 'localOnly';
}

/** The host of an address, with its port if it has one. */
export function hostOf(account: Account | null): string {
  try {
    return new URL(account?.baseUrl ?? '').host;
  } catch {
    return account?.baseUrl ?? t('privacy.paprHost');
  }
}

/**
 * What a screen reader hears when sync changes: what came of a sync where something came of it or a person asked, and
 * what holds it up. A sync that runs by itself and finds nothing is not worth a word.
 */
export function said(before: Sync, now: Sync, asked: boolean): string | null {
  if (before.phase === now.phase) return null;
  if (now.phase === 'offline' || now.phase === 'attention') return glance(now, 0, 'en').text;
  if (before.phase !== 'syncing' || now.phase !== 'idle') return null;
  if (now.received + now.sent === 0) return asked ? t('said.syncedNothing') : null;
  return t('said.synced', { received: now.received, sent: now.sent });
}
