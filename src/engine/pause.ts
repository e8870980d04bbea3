/** Waiting that can be called off. */
import type { Clock } from '../clock.js';
import type { Seconds } from '../units.js';

/** Resolves after `duration` seconds, or at once when `signal` is aborted. */
export function pause(clock: Clock, duration: Seconds, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const finish = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = clock.after(duration, finish);
    signal.addEventListener('abort', finish, { once: true });
  });
}
