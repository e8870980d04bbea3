/**
 * Several searches and a quota check in virtual time behind one box that keeps so many connections of a client: a new
 * one beyond that has the longest idle one forgotten. The canaries are busy, so it never is one of them.
 */
import {
  beginCheck,
  checkAt,
  heldConnections,
  isCheckDue,
  learnCheck,
  type QuotaCheck,
} from '../../bench/search/quota-check.js';
import type { SearchAction, SearchEvent, SearchOptions } from '../../src/core/search/contract.js';
import { findingOf } from '../../src/core/search/finding-of.js';
import type { SearchState } from '../../src/core/search/state.js';
import { createSearch, step } from '../../src/core/search/step.js';
import type { Random } from './prng.js';

/** The fixed model of the virtual driver. */
const ANSWER_TIME = 0.06;
const OPEN_TIME = 0.03;
/** Connections of the target that are always busy. */
const CANARIES = 2;

export interface CrowdedOptions {
  readonly search: SearchOptions;
  /** How many searches share the path. */
  readonly searches: number;
  /** Connections that the box keeps for this client; +Infinity for a plain NAT. */
  readonly quota: number;
  /** Its idle timeout, seconds. */
  readonly timeout: number;
  /** Probability that a connection is forgotten some time within its timeout (or a day). */
  readonly eviction?: number;
  readonly until: number;
  readonly random: Random;
}

/** What came of it; moments in seconds since the start. */
export interface CrowdedRun {
  /** When the first search had closed and confirmed its bracket; absent where that never came. */
  readonly knownAt?: number;
  /** When the first search would have accused the path. */
  readonly accusedAt?: number;
  /** When the check began, what came of it, and when. */
  readonly begunAt?: number;
  readonly check?: QuotaCheck;
  readonly checkedAt?: number;
}

interface Entry {
  readonly since: number;
  readonly evictedAt: number;
  forgotten: boolean;
}

interface Pending {
  readonly at: number;
  readonly run: () => void;
}

/** Runs the searches until one accuses the path, then the check alone. */
export function crowdedRun(options: CrowdedOptions): CrowdedRun {
  return new CrowdedPath(options).run();
}

class CrowdedPath {
  readonly #options: CrowdedOptions;
  readonly #box = new Set<Entry>();
  readonly #states: SearchState[];
  readonly #entries = new Map<string, Entry>();
  readonly #wakes: number[];
  #queue: Pending[] = [];
  #now = 0;
  #run: { -readonly [K in keyof CrowdedRun]: CrowdedRun[K] } = {};

  constructor(options: CrowdedOptions) {
    this.#options = options;
    this.#states = Array.from({ length: options.searches }, () => createSearch(options.search));
    this.#wakes = this.#states.map(() => 0);
  }

  run(): CrowdedRun {
    this.#states.forEach((_, index) => this.#send(index, { kind: 'start' }));
    this.#untilDone(() => this.#toCheck() !== undefined);
    const upper = this.#toCheck();
    if (upper !== undefined) this.#check(upper);
    return this.#run;
  }

  /** The upper bound of a search whose accusation is to be checked; undefined while there is none. */
  #toCheck(): number | undefined {
    const { accusedAt } = this.#run;
    if (accusedAt === undefined) return undefined;
    const due = this.#states.map(findingOf).filter((finding) => {
      return finding.compliant === false && isCheckDue(finding, this.#now - accusedAt);
    });
    return due[0]?.upper;
  }

  #untilDone(isDone: () => boolean): void {
    while (!isDone() && this.#queue.length > 0) {
      let first = 0;
      this.#queue.forEach(({ at }, index) => {
        if (at < (this.#queue[first]?.at ?? 0)) first = index;
      });
      const [next] = this.#queue.splice(first, 1);
      if (next === undefined || next.at > this.#options.until) return;
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
  }

  #at(at: number, run: () => void): void {
    this.#queue.push({ at, run });
  }

  #send(index: number, event: SearchEvent): void {
    const before = this.#states[index];
    if (before === undefined) return;
    const { state, actions } = step(before, this.#now, event);
    this.#states[index] = state;
    const { timeout, upper, compliant } = findingOf(state);
    if (timeout !== undefined && upper !== undefined) this.#run.knownAt ??= this.#now;
    if (compliant === false) this.#run.accusedAt ??= this.#now;
    for (const action of actions) this.#carryOut(index, action);
  }

  #carryOut(index: number, action: SearchAction): void {
    if (action.kind === 'open')
      this.#at(this.#now + OPEN_TIME, () => {
        this.#entries.set(`${index} ${action.id}`, this.#enter());
        this.#send(index, { kind: 'opened', id: action.id });
      });
    else if (action.kind === 'discard') this.#leave(`${index} ${action.id}`);
    else if (action.kind === 'wake') {
      const serial = (this.#wakes[index] = (this.#wakes[index] ?? 0) + 1);
      this.#at(action.at, () => {
        if (this.#wakes[index] === serial) this.#send(index, { kind: 'tick' });
      });
    } else if (action.kind === 'test') {
      const entry = this.#entries.get(`${index} ${action.id}`);
      if (entry === undefined) return;
      const idle = this.#now - entry.since;
      const lives = this.#lives(entry);
      this.#at(this.#now + (lives ? ANSWER_TIME : this.#options.search.deadline), () => {
        this.#leave(`${index} ${action.id}`);
        const verdict = lives
          ? ({ kind: 'alive' } as const)
          : ({ kind: 'dead', evidence: 'silence' } as const);
        this.#send(index, { kind: 'verdict', id: action.id, verdict, idle });
      });
    }
  }

  /** A new connection; where there are too many the longest idle one is forgotten. */
  #enter(): Entry {
    const { eviction = 0, random, timeout, quota } = this.#options;
    const longest = Math.min(timeout, 86_400);
    const evictedAt = random() < eviction ? this.#now + random() * longest : Number.POSITIVE_INFINITY;
    const entry = { since: this.#now, evictedAt, forgotten: false };
    this.#box.add(entry);
    while (this.#box.size + CANARIES > quota) {
      const [oldest] = this.#box;
      if (oldest === undefined) break;
      oldest.forgotten = true;
      this.#box.delete(oldest);
    }
    return entry;
  }

  #leave(name: string): void {
    const entry = this.#entries.get(name);
    this.#entries.delete(name);
    if (entry !== undefined) this.#box.delete(entry);
  }

  #lives(entry: Entry): boolean {
    return !entry.forgotten && this.#now < entry.evictedAt && this.#now - entry.since < this.#options.timeout;
  }

  /** Closes what is open, holds a quarter of it, and asks one after the other once they are older than any was. */
  #check(upper: number): void {
    const { search } = this.#options;
    const connections = this.#states.length * search.connections;
    this.#run.begunAt = this.#now;
    let check = beginCheck({ upper, connections });
    this.#queue = [];
    this.#box.clear();
    const held = Array.from({ length: heldConnections(check) }, () => this.#enter());
    const ask = (): void => {
      const entry = held.shift();
      if (entry === undefined) return;
      const idle = this.#now - entry.since;
      const lives = this.#lives(entry);
      this.#at(this.#now + (lives ? ANSWER_TIME : search.deadline), () => {
        check = learnCheck(check, lives ? 'alive' : 'dead', idle);
        if (check.outcome === 'checking') ask();
        else this.#run = { ...this.#run, check, checkedAt: this.#now };
      });
    };
    this.#at(this.#now + checkAt(check, search.guard), ask);
    this.#untilDone(() => this.#run.checkedAt !== undefined);
  }
}
