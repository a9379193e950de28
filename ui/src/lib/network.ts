import type { Backend } from '../backend';

/** Tells the engine when the network goes and when it comes back, and at the start only if there is none. Returns what stops it. */
export function watchNetwork(backend: Backend): () => void {
  let online = true;
  const tell = (now: boolean) => {
    if (now === online) return;
    online = now;
    // Where it cannot be told, sync finds out by itself.
    backend.tellNetwork(now).catch(() => {});
  };
  const came = () => tell(true);
  const went = () => tell(false);
  window.addEventListener('online', came);
  window.addEventListener('offline', went);
  tell(navigator.onLine);
  return () => {
    window.removeEventListener('online', came);
    window.removeEventListener('offline', went);
  };
}
