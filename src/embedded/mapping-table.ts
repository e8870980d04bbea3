/** Which connections the built-in NAT remembers: the mistakes of real boxes, to be rehearsed on loopback. */
import type { Seconds } from '../units.js';
import { ExpiryQueue } from './expiry-queue.js';

/** How the box forgets. */
export interface BoxRules {
  /** Silence in both directions after which a connection is forgotten, seconds, > 0. */
  readonly idleTimeout: Seconds;
  /** The share of new connections that have this timeout, 0 to 1; the others never time out. All unless given. */
  readonly badShare?: number | undefined;
  /** Connections that are remembered at once; one more and the one that was silent longest is forgotten. */
  readonly quota?: number | undefined;
  /** The age at which every connection is forgotten, however busy it is, seconds, > 0. */
  readonly lifetime?: Seconds | undefined;
}

/** A connection that is remembered. */
export interface Mapping {
  /** Called once, when the box forgets it. */
  forget(): void;
}

/** The table of one box, whatever number of doors leads into it. */
export class MappingTable {
  readonly #rules: BoxRules;
  readonly #draw: () => number;
  /** Everything that is remembered, the longest silent first. */
  readonly #quiet = new Set<Mapping>();
  readonly #timed: ExpiryQueue<Mapping>;
  readonly #ages: ExpiryQueue<Mapping>;

  /** @param draw a random number from 0 to below 1, for each new connection */
  constructor(rules: BoxRules, draw: () => number = Math.random) {
    this.#rules = rules;
    this.#draw = draw;
    const forget = (mapping: Mapping): void => {
      this.#forget(mapping);
    };
    this.#timed = new ExpiryQueue(rules.idleTimeout, forget);
    this.#ages = new ExpiryQueue(rules.lifetime ?? Infinity, forget);
  }

  /** Remembers a new connection. */
  add(mapping: Mapping): void {
    const { badShare = 1, quota = Infinity, lifetime } = this.#rules;
    this.#quiet.add(mapping);
    if (this.#draw() < badShare) this.#timed.touch(mapping);
    if (lifetime !== undefined) this.#ages.touch(mapping);
    const [silent] = this.#quiet;
    if (this.#quiet.size > quota && silent !== undefined) this.#forget(silent);
  }

  /** Notes traffic; false: the connection is forgotten, and its traffic goes nowhere. */
  touch(mapping: Mapping): boolean {
    // A timer may be late; the mapping is gone all the same.
    const isOver = this.#timed.isOver(mapping) || this.#ages.isOver(mapping);
    if (isOver || !this.#quiet.delete(mapping)) return false;
    this.#quiet.add(mapping);
    if (this.#timed.has(mapping)) this.#timed.touch(mapping);
    return true;
  }

  /** The connection ended by itself. */
  delete(mapping: Mapping): void {
    this.#quiet.delete(mapping);
    this.#timed.delete(mapping);
    this.#ages.delete(mapping);
  }

  #forget(mapping: Mapping): void {
    this.delete(mapping);
    mapping.forget();
  }
}
