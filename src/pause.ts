/** Waiting that can be called off. */
import type { Clock } from './clock.js';
import type { Seconds } from './units.js';

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

/** Resolves when `signal` is aborted. */
export function pauseForever(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });
}

/**
 * What `promise` comes to, or undefined as soon as `signal` is aborted. The system's resolver cannot be called off and
 * may take half a minute: nobody waits for it after an abort.
 */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((done, fail) => {
    const abort = (): void => done(undefined);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(done, fail).finally(() => signal.removeEventListener('abort', abort));
  });
}

/**
 * Pauses of one loop that somebody may end for good. Cheaper than `pause` where there are thousands of such loops: a
 * signal's listener for each pause costs more than the pause.
 */
export class Rest {
  readonly #clock: Clock;
  #over = false;
  #wake: (() => void) | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether there are no more pauses. */
  get over(): boolean {
    return this.#over;
  }

  /** Ends the present pause and those to come. */
  end(): void {
    this.#over = true;
    this.#wake?.();
  }

  /** Resolves after `duration` seconds, or at once when it is over. One pause at a time. */
  pause(duration: Seconds): Promise<void> {
    return new Promise((resolve) => {
      if (this.#over) return resolve();
      const timer = this.#clock.after(duration, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
