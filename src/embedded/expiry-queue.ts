/** Things that all expire the same time after they were last touched: the oldest first, one timer for all. */
import { type Seconds, toMilliseconds } from '../units.js';

/** The longest delay that one Node timer can hold; longer ones would fire at once. */
const LONGEST_DELAY = 2_147_483_647;

export class ExpiryQueue<Item> {
  /** With the monotonic time at which each was touched last, milliseconds. */
  readonly #touched = new Map<Item, number>();
  readonly #patience: number;
  readonly #expire: (item: Item) => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param patience how long after its last touch an item expires; may be infinite */
  constructor(patience: Seconds, expire: (item: Item) => void) {
    this.#patience = toMilliseconds(patience);
    this.#expire = expire;
  }

  get size(): number {
    return this.#touched.size;
  }

  [Symbol.iterator](): Iterator<Item> {
    return this.#touched.keys();
  }

  has(item: Item): boolean {
    return this.#touched.has(item);
  }

  /** Whether the item's time is over, even if its timer is late; an item that is not in here has none. */
  isOver(item: Item): boolean {
    return performance.now() - (this.#touched.get(item) ?? performance.now()) >= this.#patience;
  }

  /** Puts an item at the end of the queue, its time starting now. */
  touch(item: Item): void {
    this.#touched.delete(item);
    this.#touched.set(item, performance.now());
    this.#arm();
  }

  delete(item: Item): void {
    this.#touched.delete(item);
  }

  /** Forgets every item and stops the timer. */
  drain(): Item[] {
    const items = [...this.#touched.keys()];
    this.#touched.clear();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return items;
  }

  /** Sets the timer for the oldest item unless it is set; one touched meanwhile only makes it ring early. */
  #arm(): void {
    const [first] = this.#touched;
    if (first === undefined || this.#timer !== undefined) return;
    const delay = Math.max(0, Math.ceil(first[1] + this.#patience - performance.now()));
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        for (const [item] of this.#touched) {
          if (!this.isOver(item)) break;
          this.#touched.delete(item);
          this.#expire(item);
        }
        this.#arm();
      },
      Math.min(delay, LONGEST_DELAY),
    );
  }
}
