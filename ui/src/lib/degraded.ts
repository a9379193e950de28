import type { Model, Reply, Status } from '../backend';
import { t, type Key } from '../strings';

const reasons: Partial<Record<Model['state'], Key>> = {
  missing: 'degraded.missing',
  loading: 'degraded.loading',
  failed: 'degraded.failed',
};

/** Why the results on screen are fewer than could be, or by word only; nothing where they are whole. */
export function degradedText(reply: Reply | null, status: Status | null): string | null {
  if (!reply?.degraded) return null;
  const key = status ? reasons[status.model.state] : undefined;
  if (key) return t(key);
  // The model is well: its vectors are on their way, or one could not be made.
  if (status?.index === 'building') return t('degraded.reading');
  if (status?.index === 'failed') return t('degraded.unread');
  if (reply.mode === 'words') return t('degraded.noVector');
  if (status && status.pending > 0) return t('degraded.pending', { n: status.pending });
  return t('degraded.other', { reason: reply.degraded });
}
