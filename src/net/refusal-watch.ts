/** Says in the log that callers are turned away at a door: once when it begins and once when it is over. */
import type { Seconds } from '../units.js';

/** The part of pino's logger that is used here. */
export interface RefusalLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** How often the counters are looked at, seconds. */
export const REFUSAL_LOOKS: Seconds = 1;

/** After so long without a refusal it is over, seconds: a scraper that is turned away comes back within that time. */
const QUIET: Seconds = 60;

export class RefusalWatch<Reason extends string> {
  readonly #log: RefusalLog;
  readonly #door: string;
  readonly #reasons: readonly Reason[];
  #seen: Readonly<Record<Reason, number>> | undefined;
  /** How many had been turned away before it began, while it goes on. */
  #before: number | undefined;
  #last: Seconds = 0;

  /**
   * @param door what callers want to enter, in the words of the log
   * @param reasons the counters that tell of callers who found no room
   */
  constructor(log: RefusalLog, door: string, reasons: readonly Reason[]) {
    this.#log = log;
    this.#door = door;
    this.#reasons = reasons;
  }

  /** Compares the counters, which only grow, with those of the last look. @param now monotonic seconds */
  look(counts: Readonly<Record<Reason, number>>, now: Seconds): void {
    const grown = this.#reasons.filter((reason) => counts[reason] > (this.#seen?.[reason] ?? 0));
    const counted = this.#sum(counts);
    if (grown.length > 0) {
      this.#last = now;
      if (this.#before === undefined) {
        this.#before = this.#seen === undefined ? 0 : this.#sum(this.#seen);
        const fields = { door: this.#door, reasons: grown.join(',') };
        this.#log.warn(fields, 'callers are turned away, more than there is room for');
      }
    } else if (this.#before !== undefined && now - this.#last >= QUIET) {
      const turnedAway = counted - this.#before;
      this.#before = undefined;
      this.#log.info({ door: this.#door, turned_away: turnedAway }, 'callers are no longer turned away');
    }
    this.#seen = { ...counts };
  }

  #sum(counts: Readonly<Record<Reason, number>>): number {
    return this.#reasons.reduce((sum, reason) => sum + counts[reason], 0);
  }
}
