/** Whether fresh connections work, and stay: what is said of the far end before any canary beats. */
import { Backoff } from '../backoff.js';
import type { Clock } from '../clock.js';
import { type Remedy, remedyOf } from '../config/remedy.js';
import { messageOf } from '../message.js';
import { pause } from '../pause.js';
import type { Introduction, Path } from '../probe/path.js';
import type { Seconds } from '../units.js';

/** Longest pause between two tries to reach a far end that does not answer, seconds. */
const LONGEST_RETRY: Seconds = 15;

export interface ReachEvents {
  /** Fresh connections work, and stay as far as is known. */
  reached(introduction: Introduction): void;
  /** No fresh connection works, or none stays; `reason` is for people. */
  unreachable(reason: string, remedy?: Remedy): void;
}

export interface FarEndReachOptions {
  readonly path: Path;
  readonly clock: Clock;
  readonly events: ReachEvents;
  /** From 0 to below 1, for the jitter. */
  readonly random: () => number;
}

export class FarEndReach {
  readonly #options: FarEndReachOptions;
  readonly #unreached: Backoff;
  #inDoubt = true;
  #introduction: Introduction | undefined;

  constructor(options: FarEndReachOptions) {
    this.#options = options;
    this.#unreached = new Backoff({ longest: LONGEST_RETRY, random: options.random });
  }

  /** Whether it has to be shown that connections stay before the far end counts as one that answers. */
  get inDoubt(): boolean {
    return this.#inDoubt;
  }

  /** Tries fresh connections until one works. @returns undefined when `signal` is aborted */
  async untilReached(signal: AbortSignal): Promise<Introduction | undefined> {
    while (!signal.aborted) {
      const introduction = await this.#check(signal);
      if (introduction !== undefined) return introduction;
      await pause(this.#options.clock, this.#unreached.next(), signal);
    }
    return undefined;
  }

  /** Connections are welcomed and do not stay. */
  doubt(reason: string): void {
    this.#inDoubt = true;
    this.#options.events.unreachable(reason);
  }

  /** A connection stayed. */
  stayed(): void {
    if (this.#inDoubt && this.#introduction !== undefined) this.#options.events.reached(this.#introduction);
    this.#inDoubt = false;
  }

  async #check(signal: AbortSignal): Promise<Introduction | undefined> {
    try {
      const introduction = await this.#options.path.check(signal);
      if (signal.aborted) return undefined;
      this.#unreached.reset();
      this.#introduction = introduction;
      if (!this.#inDoubt) this.#options.events.reached(introduction);
      return introduction;
    } catch (error) {
      if (!signal.aborted) this.#options.events.unreachable(messageOf(error), remedyOf(error));
      return undefined;
    }
  }
}
