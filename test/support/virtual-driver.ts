/** Drives a search over a simulated path in virtual time, with the controls that a real prober makes. */
import { isDeepStrictEqual } from 'node:util';
import { findingOf } from '../../src/core/search/finding-of.js';
import { hintOf, unitedHint } from '../../src/core/search/hints.js';
import { toldToSiblings } from '../../src/core/search/siblings.js';
import { createSearch, step } from '../../src/core/search/step.js';
import type { SearchState } from '../../src/core/search/state.js';
import type {
  ConnectionId,
  SearchAction,
  SearchEvent,
  SearchOptions,
  SiblingTest,
} from '../../src/core/search/contract.js';
import type { Verdict } from '../../src/core/verdict.js';
import type { Entry, SimulatedPath } from './simulated-nat.js';

/** The fixed model: an answer takes 60 ms, opening 30 ms, and TCP repeats an unanswered segment at these times. */
const ANSWER_TIME = 0.06;
const OPEN_TIME = 0.03;
const RETRANSMISSIONS = [0, 0.2, 0.4, 0.8, 1.7, 3.3, 6.8];
/** Heartbeats of the two canaries, seconds, half a period apart. */
const HEARTBEAT = 60;

interface Live {
  readonly id: ConnectionId;
  readonly entry: Entry;
  readonly forgottenAt: number;
  testing: boolean;
}

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly event:
    | SearchEvent
    | { readonly kind: 'wake'; readonly serial: number }
    | { readonly kind: 'flushed' };
}

/** What the other searches of the target are told. */
interface Siblings {
  readonly told: (test: SiblingTest, now: number) => void;
  readonly stepped: (now: number) => void;
}

export interface DriveOptions {
  readonly search: SearchOptions;
  readonly path: SimulatedPath;
  /** Seconds between rounds of the schedule, 0 for none. */
  readonly rounds?: number;
  readonly until: number;
  /** Moments at which somebody wants to know now. */
  readonly asks?: readonly number[];
  /** Idle time that an alive verdict loses and a dead one gains, seconds. */
  readonly inexactness?: { readonly alive: number; readonly dead: number };
  /** Seconds until a survivor's verdict, 0.06 as a rule. */
  readonly answerTime?: number;
  /** Called after every step; returning true ends the run. */
  readonly observe?: (
    state: SearchState,
    at: number,
    actions: readonly SearchAction[],
    event: SearchEvent,
  ) => boolean;
  /** Continues with this state instead of a new one. */
  readonly from?: SearchState;
}

export interface Drive {
  readonly state: SearchState;
  readonly at: number;
  readonly opened: number;
  readonly tested: number;
  readonly mostOpen: number;
  readonly earlyDeaths: number;
  readonly announced: readonly { readonly at: number; readonly change: 'drop' | 'rise' }[];
  readonly steps: number;
}

/** Runs a search until the time is up or the observer has seen enough. */
export function drive(options: DriveOptions): Drive {
  const [run] = driveTogether([options]);
  if (run === undefined) throw new Error('nothing was driven');
  return run;
}

/**
 * Runs the searches of a target beside one another, each telling the others what the product's do; each until its time
 * is up or its observer has seen enough.
 * @param strangers whether they tell one another nothing
 */
export function driveTogether(options: readonly DriveOptions[], strangers = false): readonly Drive[] {
  const drivers = options.map((each) => new VirtualDriver(each));
  for (const driver of drivers) {
    const others = strangers ? [] : drivers.filter((other) => other !== driver);
    driver.begin({
      told: (test, now) => {
        for (const other of others) other.hear({ kind: 'sibling_tested', test }, now);
      },
      stepped: (now) => {
        for (const other of others) {
          const rest = drivers.filter((one) => one !== other);
          const hint = unitedHint(rest.map(({ state }) => hintOf(state)));
          if (!isDeepStrictEqual(hint, other.state.hint)) other.hear({ kind: 'hint', hint }, now);
        }
      },
    });
  }
  for (;;) {
    const next = drivers.reduce((first, driver) => (driver.next < first.next ? driver : first));
    if (next.next === Number.POSITIVE_INFINITY) break;
    next.advance();
  }
  return drivers.map((driver) => driver.result());
}

class VirtualDriver {
  readonly #options: DriveOptions;
  readonly #queue: Pending[] = [];
  readonly #live = new Map<ConnectionId, Live>();
  #state: SearchState;
  #now = 0;
  #order = 0;
  #wakeSerial = 0;
  #opened = 0;
  #tested = 0;
  #mostOpen = 0;
  #earlyDeaths = 0;
  #steps = 0;
  #done = false;
  #siblings: Siblings = { told: () => undefined, stepped: () => undefined };
  readonly #announced: { at: number; change: 'drop' | 'rise' }[] = [];

  constructor(options: DriveOptions) {
    this.#options = options;
    this.#state = options.from ?? createSearch(options.search);
  }

  begin(siblings: Siblings): void {
    const { path, rounds, asks = [] } = this.#options;
    this.#siblings = siblings;
    this.#now = this.#state.now;
    for (const at of asks) this.#schedule(at, { kind: 'ask_anew' });
    for (const reboot of path.options.reboots ?? []) this.#schedule(reboot.to, { kind: 'flushed' });
    if (rounds !== undefined && rounds > 0) this.#schedule(this.#now + rounds, { kind: 'round' });
    this.#step(this.#options.from === undefined ? { kind: 'start' } : { kind: 'interrupted' });
  }

  /** The moment of its next event; +Infinity once it has ended. */
  get next(): number {
    const at = this.#queue[0]?.at ?? Number.POSITIVE_INFINITY;
    return this.#done || at > this.#options.until ? Number.POSITIVE_INFINITY : at;
  }

  /** Lets the next event happen. */
  advance(): void {
    const next = this.#take();
    if (next === undefined) return;
    this.#now = next.at;
    this.#happen(next.event);
  }

  /** Another search of the target tells something now. */
  hear(event: SearchEvent, now: number): void {
    if (this.#done) return;
    this.#now = now;
    this.#step(event);
  }

  get state(): SearchState {
    return this.#state;
  }

  result(): Drive {
    return {
      state: this.#state,
      at: this.#now,
      opened: this.#opened,
      tested: this.#tested,
      mostOpen: this.#mostOpen,
      earlyDeaths: this.#earlyDeaths,
      announced: this.#announced,
      steps: this.#steps,
    };
  }

  #happen(event: Pending['event']): void {
    switch (event.kind) {
      case 'wake':
        if (event.serial === this.#wakeSerial) this.#step({ kind: 'tick' });
        return;
      case 'flushed':
        this.#loseMappings();
        return;
      case 'round':
        this.#schedule(this.#now + (this.#options.rounds ?? 0), { kind: 'round' });
        this.#step(event);
        return;
      case 'opened':
        if (!this.#live.has(event.id)) return;
        this.#step(event);
        return;
      case 'verdict': {
        const live = this.#live.get(event.id);
        if (live === undefined) return;
        if (event.verdict.kind === 'dead' && event.verdict.evidence === 'reset_idle' && live.testing) return;
        this.#live.delete(event.id);
        this.#step(
          event.verdict.kind === 'dead' ? { ...event, verdict: this.#control(live, event.verdict) } : event,
        );
        return;
      }
      default:
        this.#step(event);
    }
  }

  /** A death counts only if the path works now and a canary lived through the whole idle time. */
  #control(live: Live, death: Verdict): Verdict {
    if (!this.#options.path.passes(this.#now)) return { kind: 'inconclusive', reason: 'control_failed' };
    if (!this.#canaryLivedSince(live.entry.since)) return { kind: 'inconclusive', reason: 'canary_lost' };
    return death;
  }

  /** A canary breaks when an outage swallows a heartbeat with all its retransmissions. */
  #canaryLivedSince(since: number): boolean {
    const { outages = [], reboots = [] } = this.#options.path.options;
    for (let index = reboots.length - 1; index >= 0; index--) {
      const reboot = reboots[index];
      if (reboot !== undefined && reboot.to <= this.#now) {
        if (reboot.to > since) return false;
        break;
      }
    }
    let broken = 0;
    for (const phase of [0, HEARTBEAT / 2]) {
      for (let index = outages.length - 1; index >= 0; index--) {
        const outage = outages[index];
        if (outage === undefined || outage.from > this.#now) continue;
        if (outage.to <= since) break;
        const beat = Math.ceil((outage.from - phase) / HEARTBEAT) * HEARTBEAT + phase;
        if (beat + (RETRANSMISSIONS.at(-1) ?? 0) < outage.to) {
          broken += 1;
          break;
        }
      }
    }
    return broken < 2;
  }

  /** Every mapping is gone; the canaries notice at their next heartbeat. */
  #loseMappings(): void {
    const beat = Math.ceil(this.#now / (HEARTBEAT / 2)) * (HEARTBEAT / 2);
    this.#schedule(beat + this.#options.search.deadline, { kind: 'mapping_loss' });
  }

  #step(event: SearchEvent): void {
    if (event.kind === 'mapping_loss' || event.kind === 'interrupted') this.#live.clear();
    const told = toldToSiblings(this.#state, this.#now, event);
    const { state, actions } = step(this.#state, this.#now, event);
    this.#state = state;
    this.#steps += 1;
    for (const action of actions) this.#carryOut(action);
    if (this.#live.size > this.#mostOpen) this.#mostOpen = this.#live.size;
    if (this.#options.observe?.(state, this.#now, actions, event) === true) this.#done = true;
    if (told !== undefined) this.#siblings.told(told, this.#now);
    this.#siblings.stepped(this.#now);
  }

  #carryOut(action: SearchAction): void {
    switch (action.kind) {
      case 'open':
        this.#open(action.id, action.testAt);
        return;
      case 'test':
        this.#test(action.id);
        return;
      case 'discard':
        this.#live.delete(action.id);
        return;
      case 'wake':
        this.#wakeSerial += 1;
        this.#schedule(Math.max(this.#now, action.at), { kind: 'wake', serial: this.#wakeSerial });
        return;
      case 'announce':
        this.#announced.push({ at: this.#now, change: action.change });
        return;
      case 'early_death':
        this.#earlyDeaths += 1;
    }
  }

  #open(id: ConnectionId, testAt: number | undefined): void {
    const { path, search } = this.#options;
    this.#opened += 1;
    if (!path.passes(this.#now)) {
      this.#schedule(this.#now + search.deadline, { kind: 'open_failed', id });
      return;
    }
    const since = this.#now + OPEN_TIME;
    const entry = path.enter(since);
    const live = { id, entry, forgottenAt: path.forgottenAt(entry), testing: false };
    this.#live.set(id, live);
    this.#schedule(since, { kind: 'opened', id });
    if (path.options.expiry === 'reset_idle' && Number.isFinite(live.forgottenAt))
      this.#schedule(live.forgottenAt, {
        kind: 'verdict',
        id,
        verdict: { kind: 'dead', evidence: 'reset_idle' },
        idle: live.forgottenAt - since,
      });
    if (testAt !== undefined) this.#judge(live, since + testAt);
  }

  #test(id: ConnectionId): void {
    const live = this.#live.get(id);
    if (live === undefined) throw new Error(`the search tested connection ${id}, which is not open`);
    if (live.testing) throw new Error(`the search tested connection ${id} twice`);
    live.testing = true;
    this.#judge(live, this.#now);
  }

  /** What a test at this moment will tell, and when. */
  #judge(live: Live, at: number): void {
    const { path, search, inexactness, answerTime } = this.#options;
    const idle = at - live.entry.since;
    this.#tested += 1;
    if (at < live.forgottenAt)
      for (const wait of RETRANSMISSIONS)
        if (wait < search.deadline && path.passes(at + wait)) {
          this.#schedule(at + wait + (answerTime ?? ANSWER_TIME), {
            kind: 'verdict',
            id: live.id,
            verdict: { kind: 'alive' },
            idle: Math.max(0, idle - (inexactness?.alive ?? 0)),
          });
          return;
        }
    this.#schedule(at + search.deadline, {
      kind: 'verdict',
      id: live.id,
      verdict: { kind: 'dead', evidence: 'silence' },
      idle: idle + (inexactness?.dead ?? 0),
    });
  }

  #schedule(at: number, event: Pending['event']): void {
    const queue = this.#queue;
    const pending = { at, order: this.#order++, event };
    let index = queue.push(pending) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = queue[parent];
      if (above === undefined || !isBefore(pending, above)) break;
      queue[index] = above;
      index = parent;
    }
    queue[index] = pending;
  }

  #take(): Pending | undefined {
    const queue = this.#queue;
    const first = queue[0];
    const last = queue.pop();
    if (first === undefined || last === undefined || queue.length === 0) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      const left = queue[child];
      if (left === undefined) break;
      const right = queue[child + 1];
      if (right !== undefined && isBefore(right, left)) child += 1;
      const smaller = queue[child];
      if (smaller === undefined || !isBefore(smaller, last)) break;
      queue[index] = smaller;
      index = child;
    }
    queue[index] = last;
    return first;
  }
}

function isBefore(a: Pending, b: Pending): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}

/** Whether the bracket is this narrow, with so many deaths that agree with it. */
export function isFound(state: SearchState, width: number, deaths = 1): boolean {
  const upper = state.deaths[0]?.idle;
  return upper !== undefined && upper - state.lower <= width && findingOf(state).deaths >= deaths;
}
