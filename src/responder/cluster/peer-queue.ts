/** One direction of the line between two processes of a responder: in order, gathered, and never more of it under way than the other side keeps up with. */
import { type Seconds, toMilliseconds } from '../../units.js';

/** What leaves together. */
export interface Batch<Item> {
  readonly items: readonly Item[];
  /** Items of the other direction that were handled since the last batch. */
  readonly taken: number;
}

/** Under load, messages between processes wait so long for each other: each one costs both ends its handling. */
const GATHERING: Seconds = 0.002;

/**
 * Most items that were sent and not said to be handled. A pipe takes what it is given and keeps in memory what the other
 * side does not read; so much it may keep.
 */
const MOST_UNDER_WAY = 1024;

export class PeerQueue<Item> {
  readonly #send: (batch: Batch<Item>) => void;
  readonly #post: () => void;
  #waiting: Item[] = [];
  #newest: Item | undefined;
  #underWay = 0;
  #owed = 0;

  /** `soon` makes a call that has the queue leave soon; `gather` without. */
  constructor(send: (batch: Batch<Item>) => void, soon: (post: () => void) => () => void = gather) {
    this.#send = send;
    this.#post = soon(() => this.#leave());
  }

  /** Items that wait here, or are under way. */
  get length(): number {
    return this.#waiting.length + this.#underWay;
  }

  push(item: Item): void {
    this.#waiting.push(item);
    if (this.#underWay < MOST_UNDER_WAY) this.#post();
  }

  /** Of items that only tell a level, the newest one is enough: it takes the place of one that still waits. */
  pushNewest(item: Item): void {
    this.#newest = item;
    if (this.#underWay < MOST_UNDER_WAY) this.#post();
  }

  /** The other side has handled so many of ours. */
  taken(count: number): void {
    this.#underWay -= count;
    if (this.#waiting.length > 0 || this.#newest !== undefined) this.#post();
  }

  /** We have handled so many of the other side's, and tell it. */
  handled(count: number): void {
    if (count === 0) return;
    this.#owed += count;
    this.#post();
  }

  #leave(): void {
    const room = Math.max(0, MOST_UNDER_WAY - this.#underWay);
    const items = this.#waiting.splice(0, room);
    if (this.#newest !== undefined && items.length < room) {
      items.push(this.#newest);
      this.#newest = undefined;
    }
    if (items.length === 0 && this.#owed === 0) return;
    const taken = this.#owed;
    this.#underWay += items.length;
    this.#owed = 0;
    this.#send({ items, taken });
  }
}

/**
 * A call that makes `post` run soon: at the end of this turn of the event loop while there is little to do, and at
 * most every 2 ms otherwise.
 */
function gather(post: () => void): () => void {
  let waiting = false;
  let posted = -Infinity;
  const run = (): void => {
    waiting = false;
    posted = performance.now();
    post();
  };
  return () => {
    if (waiting) return;
    waiting = true;
    if (performance.now() - posted < toMilliseconds(GATHERING)) setTimeout(run, toMilliseconds(GATHERING));
    else setImmediate(run);
  };
}
