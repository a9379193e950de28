import type { Backend } from './backend';
import { tauriBackend } from './backend/tauri';

/** The shell's backend; in development `?mock=STATE` asks for a made-up one, which no build carries. */
export async function chooseBackend(): Promise<Backend> {
  if (import.meta.env.DEV) {
    const state = new URLSearchParams(location.search).get('mock');
    if (state !== null) return (await import('./testing/mock')).mockBackend(state);
  }
  return tauriBackend;
}
