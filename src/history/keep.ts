/** Notes the findings of a running engine, minute by minute. */
import type { Clock, Timer } from '../clock.js';
import type { Finding } from '../core/finding.js';
import type { Mode } from '../core/mode.js';
import type { Seconds } from '../units.js';
import type { History } from './store.js';

/** How often the findings are looked at, seconds; what has not changed is written hourly all the same. */
const LOOK_EVERY: Seconds = 60;

/** Where the findings come from: an engine, of which no more than this is used. */
export interface FindingsView {
  targets(): readonly {
    readonly config: { readonly name: string };
    readonly modes: readonly { readonly mode: Mode; readonly finding: Finding }[];
  }[];
}

/** Starts noting findings; what is unknown is not noted. @returns a function that stops it. */
export function keepHistory(history: History, view: FindingsView, clock: Clock): () => void {
  let timer: Timer;
  const look = (): void => {
    const at = clock.wall();
    for (const { config, modes } of view.targets()) {
      for (const { mode, finding } of modes) {
        if (finding.lower !== undefined || finding.upper !== undefined)
          history.record(config.name, mode, finding, at);
      }
    }
    timer = clock.after(LOOK_EVERY, look);
  };
  timer = clock.after(LOOK_EVERY, look);
  return () => timer.cancel();
}
