/** Whether several far ends answer behind one address: replicas, a load balancer, anycast. */
import type { Welcomed } from '../probe/path.js';
import type { Seconds } from '../units.js';

/**
 * One that is restarted is another one from then on and never comes back; but while the workers of one responder learn
 * of its new name, or an old program hands over to the new one, both may answer in turns for a moment, seconds.
 */
const HANDOVER: Seconds = 5;
/** Whoever was not met for this long is gone, seconds. */
const FORGOTTEN_AFTER: Seconds = 4 * 3600;
/** A far end may say another name each time: so many of the newest are kept. */
const MOST_KEPT = 16;

interface Met {
  /** When its first answer was heard, and when it was asked for the newest one, monotonic seconds. */
  readonly first: Seconds;
  readonly last: Seconds;
}

/** The far ends that were met at one address. */
export class FarEndsMet {
  #met: ReadonlyMap<string, Met> = new Map();

  /** Notes a welcome. @returns whether more than one far end is in use at the address */
  meet({ instance, moment }: Welcomed): boolean {
    const { first = moment.latest, last = moment.earliest } = this.#met.get(instance) ?? {};
    const recent = [...this.#met].filter(
      ([name, { last: asked }]) => name !== instance && moment.latest - asked <= FORGOTTEN_AFTER,
    );
    const newest: [string, Met] = [instance, { first, last: Math.max(last, moment.earliest) }];
    this.#met = new Map([...recent, newest].slice(-MOST_KEPT));
    return this.#several();
  }

  /** Whether one answered before another one was met for the first time, and again after that. */
  #several(): boolean {
    const met = [...this.#met.values()];
    return met.some((older) =>
      met.some((younger) => older.first < younger.first && older.last - younger.first >= HANDOVER),
    );
  }
}
