import type { Settings } from '../backend';
import type { SettingsWatch } from './settings.svelte';

/** Whether the first steps are shown, and how far they are. */
export class Welcome {
  /** `away`: the person looks at something else and means to come back. */
  at = $state<'unknown' | 'open' | 'away' | 'over'>('unknown');
  step = $state(0);

  hear({ firstRunDone }: Settings): void {
    if (firstRunDone) this.at = 'over';
    else if (this.at === 'unknown') this.at = 'open';
  }

  /** Where that cannot be kept they come again at the next start, and are over until then. */
  finish(settings: SettingsWatch): void {
    this.at = 'over';
    void settings.change({ firstRunDone: true });
  }
}
