/**
 * Several searches and a quota check in virtual time behind one box that keeps so many connections of a client: a new
 * one beyond that has the longest idle one forgotten. The canaries are busy, so it never is one of them.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Finding } from '../../src/core/finding.js';
import { MODES, type Mode } from '../../src/core/modes.js';
import {
  type Accusation,
  beginCheck,
  checkAt,
  dueAccusation,
  leastShareOfDeaths,
  learnCheck,
  type QuotaCheck,
  tryAgain,
} from '../../src/core/quota/check.js';
import type {
  SearchAction,
  SearchEvent,
  SearchOptions,
  SiblingTest,
} from '../../src/core/search/contract.js';
import { hintOf, unitedHint } from '../../src/core/search/hints.js';
import { toldToSiblings } from '../../src/core/search/siblings.js';
import { findingOf } from '../../src/core/search/finding-of.js';
import type { SearchState } from '../../src/core/search/state.js';
import { createSearch, step } from '../../src/core/search/step.js';
import type { Verdict } from '../../src/core/verdict.js';
import type { Random } from '../../test/support/prng.js';

/** The fixed model of the virtual driver. */
const ANSWER_TIME = 0.06;
const OPEN_TIME = 0.03;
/** Connections of the target that are always busy. */
const CANARIES = 2;

export interface CrowdedOptions {
  readonly search: SearchOptions;
  /** How many searches share the path, at most one for each mode. */
  readonly searches: number;
  /** Connections that the box keeps for this client; +Infinity for a plain NAT. */
  readonly quota: number;
  /** Its idle timeout, seconds. */
  readonly timeout: number;
  /** The share of the connections that have this timeout, the others none; all unless given. */
  readonly badShare?: number;
  /** Probability that a connection is forgotten some time within its timeout (or a day). */
  readonly eviction?: number;
  /** As the engine has it: the searches tell one another, and rounds come so often, seconds; where left out, neither. */
  readonly rounds?: number;
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
  readonly isBad: boolean;
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
  readonly #tests: { idle: number; verdict: Verdict; at: number }[] = [];
  /** When the next check may begin. */
  #notBefore = 0;
  #queue: Pending[] = [];
  #now = 0;
  #run: { -readonly [K in keyof CrowdedRun]: CrowdedRun[K] } = {};

  constructor(options: CrowdedOptions) {
    this.#options = options;
    const { search, searches, rounds } = options;
    this.#states = Array.from({ length: searches }, (_, rung) =>
      createSearch(rounds === undefined ? search : { ...search, share: { rungs: [rung], of: searches } }),
    );
    this.#wakes = this.#states.map(() => 0);
  }

  run(): CrowdedRun {
    this.#states.forEach((_, index) => this.#send(index, { kind: 'start' }));
    for (;;) {
      this.#nextRound();
      this.#untilDone(() => this.#now >= this.#notBefore && this.#toCheck() !== undefined);
      const accusation = this.#toCheck();
      if (accusation === undefined || this.#now < this.#notBefore) return this.#run;
      const began = this.#now;
      this.#check(accusation);
      if (this.#run.check !== undefined) return this.#run;
      // Undecided: the searches get as long as it took.
      this.#notBefore = 2 * this.#now - began;
      this.#states.forEach((_, index) => this.#send(index, { kind: 'interrupted' }));
    }
  }

  #nextRound(): void {
    const { rounds } = this.#options;
    if (rounds === undefined) return;
    this.#at(this.#now + rounds, () => {
      this.#states.forEach((_, index) => this.#send(index, { kind: 'round' }));
      this.#nextRound();
    });
  }

  /** The accusation that is to be checked; undefined while there is none. */
  #toCheck(): Accusation | undefined {
    const { accusedAt } = this.#run;
    if (accusedAt === undefined) return undefined;
    const findings = new Map<Mode, Finding>();
    this.#states.forEach((state, index) => {
      const mode = MODES[index];
      if (mode !== undefined) findings.set(mode, findingOf(state));
    });
    const accusing = [...findings.keys()].filter((mode) => isAccusing(findings.get(mode)));
    const connections = this.#states.length * this.#options.search.connections;
    return dueAccusation(findings, accusing, connections, this.#now - accusedAt);
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
    const finding = findingOf(state);
    const { timeout, upper } = finding;
    if (timeout !== undefined && upper !== undefined) this.#run.knownAt ??= this.#now;
    if (isAccusing(finding)) this.#run.accusedAt ??= this.#now;
    for (const action of actions) this.#carryOut(index, action);
    if (event.kind === 'verdict') this.#tests.push({ ...event, at: this.#now });
    if (this.#options.rounds !== undefined) this.#tell(index, toldToSiblings(before, this.#now, event));
  }

  /** The other searches hear of a test, and what there is to ask next. */
  #tell(index: number, test: SiblingTest | undefined): void {
    const others = this.#states.flatMap((_, other) => (other === index ? [] : [other]));
    if (test !== undefined) for (const other of others) this.#send(other, { kind: 'sibling_tested', test });
    for (const other of others) {
      const hint = unitedHint(this.#states.filter((_, one) => one !== other).map(hintOf));
      if (!isDeepStrictEqual(hint, this.#states[other]?.hint)) this.#send(other, { kind: 'hint', hint });
    }
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
    const { eviction = 0, badShare = 1, random, timeout, quota } = this.#options;
    const longest = Math.min(timeout, 86_400);
    const evictedAt = random() < eviction ? this.#now + random() * longest : Number.POSITIVE_INFINITY;
    const isBad = badShare === 1 || random() < badShare;
    const entry = { since: this.#now, evictedAt, isBad, forgotten: false };
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
    const timedOut = entry.isBad && this.#now - entry.since >= this.#options.timeout;
    return !entry.forgotten && !timedOut && this.#now < entry.evictedAt;
  }

  /** Closes what is open, and checks as often as that has to be tried. */
  #check(accusation: Accusation): void {
    this.#run.begunAt ??= this.#now;
    const tests = this.#tests.map(({ at, ...test }) => ({ ...test, ago: this.#now - at }));
    let check: QuotaCheck = beginCheck(accusation, leastShareOfDeaths(tests, accusation.upper));
    this.#queue = [];
    this.#entries.clear();
    let next: QuotaCheck | undefined = check;
    for (let tries = 1; next !== undefined; tries++) {
      check = this.#holdAndAsk(next);
      next = check.outcome === 'checking' ? tryAgain(check, tries) : undefined;
    }
    this.#box.clear();
    if (check.outcome !== 'checking') this.#run = { ...this.#run, check, checkedAt: this.#now };
  }

  /** Holds a quarter of the connections, and asks one after the other once they are older than any was. */
  #holdAndAsk(begun: QuotaCheck): QuotaCheck {
    const { search } = this.#options;
    let check = begun;
    this.#box.clear();
    const held = Array.from({ length: begun.left }, () => this.#enter());
    const ask = (): void => {
      const entry = held.shift();
      if (entry === undefined || check.outcome !== 'checking') return;
      const idle = this.#now - entry.since;
      const lives = this.#lives(entry);
      this.#at(this.#now + (lives ? ANSWER_TIME : search.deadline), () => {
        check = learnCheck(check, lives ? { kind: 'alive' } : { kind: 'dead', evidence: 'silence' }, idle);
        ask();
      });
    };
    this.#at(this.#now + checkAt(check, search.guard), ask);
    this.#untilDone(() => false);
    return check;
  }
}

/** A minority that dies among others that survive is not asked about: no quota looks like that before the check. */
function isAccusing(finding: Finding | undefined): boolean {
  return finding?.compliant === false && finding.mixture === undefined;
}
