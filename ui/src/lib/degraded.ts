import type { Model, Reply, Status } from '../backend';
import { t, type Key } from '../strings';

const reasons: Partial<Record<Model['state'], Key>> = {
  missing: 'degraded.missing',
  loading: 'degraded.loading',
  failed: 'degraded.failed',
};

/** Why the results on screen were found by word only, or nothing when they were not. */
export function degradedText(reply: Reply | null, status: Status | null): string | null {
  if (!reply?.degraded) return null;
  const key = status ? reasons[status.model.state] : undefined;
  return key ? t(key) : t('degraded.other', { reason: reply.degraded });
}
