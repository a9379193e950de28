import type { Reply, Status } from '../../backend';

/** What the sign beside the field shows. */
export type State = 'idle' | 'searching' | 'adding' | 'words' | 'offline' | 'localOnly';

interface Now {
  adding: boolean;
  slow: boolean;
  reply: Reply | null;
  status: Status | null;
}

/** In a word: what is going on comes before what is missing, and what search lacks before what sync does. */
export function stateOf({ adding, slow, reply, status }: Now): State {
  if (adding) return 'adding';
  if (slow) return 'searching';
  const modelless = status?.state === 'open' && status.model.state !== 'ready';
  if (reply?.degraded || modelless) return 'words';
  const phase = status?.sync.phase;
  return phase === 'offline' || phase === 'localOnly' ? phase : 'idle';
}
