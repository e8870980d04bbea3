/** A simulated path with one NAT: who is forgotten when, and what disturbs the path. Pure and seeded. */
import type { Random } from './prng.js';
import { exponential } from './prng.js';

/** A span of time [from, to), seconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** One behaviour of the NAT, valid from a moment on. */
export interface Regime {
  readonly from: number;
  /** Idle timeout of each node, seconds, and the share of new connections that it gets. */
  readonly nodes: readonly { readonly timeout: number; readonly share: number }[];
}

export interface PathOptions {
  /** Behaviours in the order of time; the first starts at 0. */
  readonly regimes: readonly Regime[];
  /** `existing`: a new timeout rules entries that exist already; `refreshed`: only entries made or refreshed later. */
  readonly applies?: 'existing' | 'refreshed';
  /** Probability that an entry is evicted some time within its timeout. */
  readonly eviction?: number;
  /** Nothing passes. Entries stay. */
  readonly outages?: readonly Span[];
  /** Nothing passes, and at the end every entry is gone. */
  readonly reboots?: readonly Span[];
  /** `silence` (default) or a RST to both ends at the very moment of expiry. */
  readonly expiry?: 'silence' | 'reset_idle';
}

/** An entry of the NAT, as the simulation remembers it. */
export interface Entry {
  readonly since: number;
  readonly node: number;
  /** Idle time after which it is evicted, +Infinity as a rule. */
  readonly evictedAfter: number;
}

export class SimulatedPath {
  readonly options: PathOptions;
  readonly #random: Random;
  readonly #blocked: readonly Span[];

  constructor(options: PathOptions, random: Random) {
    this.options = options;
    this.#random = random;
    this.#blocked = [...(options.outages ?? []), ...(options.reboots ?? [])].sort((a, b) => a.from - b.from);
  }

  /** Creates the entry of a connection that starts now. */
  enter(now: number): Entry {
    const { nodes } = this.#regimeAt(now);
    let pick = this.#random();
    let node = 0;
    while (node < nodes.length - 1 && pick >= (nodes[node]?.share ?? 1)) {
      pick -= nodes[node]?.share ?? 1;
      node += 1;
    }
    const evicted = this.#random() < (this.options.eviction ?? 0);
    const timeout = nodes[node]?.timeout ?? 0;
    return { since: now, node, evictedAfter: evicted ? this.#random() * timeout : Number.POSITIVE_INFINITY };
  }

  /** When the entry will have been forgotten, as things stand for all time. */
  forgottenAt(entry: Entry): number {
    let end = entry.since + entry.evictedAfter;
    for (const reboot of this.options.reboots ?? [])
      if (reboot.to > entry.since) {
        end = Math.min(end, reboot.to);
        break;
      }
    const { regimes } = this.options;
    const start = regimes.indexOf(this.#regimeAt(entry.since));
    const timeoutOf = (regime: Regime | undefined): number =>
      regime?.nodes[Math.min(entry.node, regime.nodes.length - 1)]?.timeout ?? Number.POSITIVE_INFINITY;
    if (this.options.applies === 'refreshed') return Math.min(end, entry.since + timeoutOf(regimes[start]));
    for (let index = start; index < regimes.length; index++) {
      const until = regimes[index + 1]?.from ?? Number.POSITIVE_INFINITY;
      const expiry = Math.max(entry.since + timeoutOf(regimes[index]), regimes[index]?.from ?? 0);
      if (expiry < until) return Math.min(end, expiry);
    }
    return end;
  }

  /** Whether packets pass now. */
  passes(now: number): boolean {
    return this.blockedUntil(now) === undefined;
  }

  /** The end of the disturbance that rules now. */
  blockedUntil(now: number): number | undefined {
    let low = 0;
    let high = this.#blocked.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#blocked[middle]?.from ?? 0) <= now) low = middle + 1;
      else high = middle;
    }
    for (let index = low - 1; index >= 0 && index >= low - 3; index--) {
      const span = this.#blocked[index];
      if (span !== undefined && now < span.to) return span.to;
    }
    return undefined;
  }

  #regimeAt(now: number): Regime {
    let found = this.options.regimes[0];
    for (const regime of this.options.regimes) if (regime.from <= now) found = regime;
    if (found === undefined) throw new Error('a path needs at least one regime');
    return found;
  }
}

/** A path whose NAT has one timeout for ever. */
export function steadyPath(timeout: number, random: Random, more: Partial<PathOptions> = {}): SimulatedPath {
  return new SimulatedPath({ regimes: [{ from: 0, nodes: [{ timeout, share: 1 }] }], ...more }, random);
}

/** Disturbances at random moments: so many a day on average, each with this mean duration. */
export function disturbances(random: Random, until: number, perDay: number, meanDuration: number): Span[] {
  const spans: Span[] = [];
  for (let at = exponential(random, 86_400 / perDay); at < until; ) {
    const to = at + exponential(random, meanDuration);
    spans.push({ from: at, to });
    at = to + exponential(random, 86_400 / perDay);
  }
  return spans;
}
