/**
 * Two heartbeat canaries per target: they tell a dead path from a forgotten mapping, and notice when every mapping
 * of the path vanished at once, or when connecting works and staying does not.
 */
import { Backoff } from '../backoff.js';
import type { Clock } from '../clock.js';
import {
  type AgeWindow,
  learnDeath,
  learnLife,
  type Life,
  type LifetimeEvidence,
  NO_LIFETIME,
  shouldPart,
  silenceAllowed,
} from '../core/lifetime.js';
import { messageOf } from '../message.js';
import { type Canary, mayBeSame, type Path, type ProbeConnection } from '../probe/path.js';
import type { Seconds } from '../units.js';
import { pause, Rest } from '../pause.js';
import { FarEndReach, type ReachEvents } from './far-end-reach.js';
import { HeartbeatPace, UNKNOWN_BEAT } from './heartbeat-pace.js';
import { hangingOf, othersLive, LivingCanary, type Loss, lossOf } from './living-canary.js';

/** How many canaries a target has: one may be evicted by chance, two at once are an event. */
const CANARIES = 2;
/** Where one canary was ended by somebody the other one follows within this time, if it does, seconds. */
const TOGETHER: Seconds = 0.1;
/** Where all were, a whole fleet may have lost its far end: it is asked again within this time, seconds. */
const SPREAD: Seconds = 5;
/**
 * The longest pause between two repetitions of a lost segment: a canary that was silent in an outage may need so long
 * to be heard again once the path is back, seconds.
 * @see TCP_RTO_MAX in Linux' include/net/tcp.h
 */
const LONGEST_REPETITION: Seconds = 120;

export interface LifelineEvents extends ReachEvents {
  /** All canaries live: from now on deaths can be judged. */
  watched(): void;
  /** No canary lives any more: what is opened before the next `watched` has nobody to vouch for it. */
  unwatched(): void;
  /** All canaries are lost although fresh connections work and the far end was not restarted. */
  mappingLoss(): void;
  /** All connections ended because the far end was restarted. */
  farEndRestarted(): void;
  /** The far end, or somebody in its name, closed connections that are no mapping's loss: a FIN is sent by an end. */
  closedByFarEnd(): void;
  /** An outage lasted so long that the kernel gave the canaries up: whether the mappings live cannot be known. */
  outageOutlasted(): void;
  /** Every connection was found to end at this age, however busy it is; undefined: no longer. */
  lifetime(age: AgeWindow | undefined): void;
}

export interface LifelineOptions {
  readonly path: Path;
  readonly clock: Clock;
  /** Seconds that a heartbeat may stay unanswered. */
  readonly deadline: Seconds;
  /** Ages that differ by no more are the same, seconds. */
  readonly resolution: Seconds;
  /** The longest idle time that is known to survive in every mode; undefined while unknown. */
  readonly survives: () => Seconds | undefined;
  readonly events: LifelineEvents;
  /** From 0 to below 1, for the jitter; `Math.random` unless given. */
  readonly random?: () => number;
}

const ENDS_AT_ONCE = 'it welcomes connections and ends them at once';
const STAYS_SILENT = 'it welcomes connections and does not answer on them';

/** What a canary has to know of a connection to vouch for it. */
type Vouched = Pick<ProbeConnection, 'opened' | 'instance'>;

export class Lifeline {
  readonly #options: LifelineOptions;
  readonly #living = new Set<LivingCanary>();
  #trouble: (() => void) | undefined;
  readonly #random: () => number;
  readonly #pace: HeartbeatPace;
  readonly #farEnd: FarEndReach;
  /** Pauses while connecting works and staying does not. */
  readonly #unstable: Backoff;
  #ages: LifetimeEvidence = NO_LIFETIME;

  constructor(options: LifelineOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.#pace = new HeartbeatPace(options.clock, options.survives);
    this.#farEnd = new FarEndReach({ ...options, random: this.#random });
    this.#unstable = new Backoff({ random: this.#random });
  }

  /** Watches the path until `signal` is aborted, then closes the canaries. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      let loss: Loss | undefined;
      await this.#farEnd.untilReached(signal);
      while (!signal.aborted) {
        await this.#fill(signal);
        if (signal.aborted) break;
        // Told only now: connections that are opened in answer to it have canaries older than themselves.
        if (loss !== undefined) this.#options.events[loss]();
        this.#options.events.watched();
        await this.#untilTrouble(signal);
        loss = signal.aborted ? undefined : await this.#assess(signal);
      }
    } finally {
      for (const living of this.#living) living.canary.close();
      this.#living.clear();
    }
  }

  /**
   * Asks every canary that can vouch for a connection for a sign of life now.
   * @returns whether one of them answered within `deadline`
   */
  async beat(connection: Vouched, deadline: Seconds, signal: AbortSignal): Promise<boolean> {
    const witnesses = this.#witnesses(connection);
    const answers = await Promise.all(witnesses.map((living) => this.#beatOnce(living, deadline, signal)));
    return answers.includes(true);
  }

  /** @returns why no canary can vouch for a connection; undefined where one may */
  speechless(connection: Vouched): 'canary_lost' | 'other_instance' | undefined {
    if (this.#witnesses(connection).length > 0) return undefined;
    return this.#bornBefore(connection.opened.earliest).length > 0 ? 'other_instance' : 'canary_lost';
  }

  /** The canaries that have lived as long as a connection, with the same far end. */
  #witnesses({ opened, instance }: Vouched): LivingCanary[] {
    return this.#bornBefore(opened.earliest).filter(({ canary }) =>
      mayBeSame(canary.introduction.instance, instance),
    );
  }

  /** The age at which every connection ends here, however busy it is; undefined where none was found. */
  get lifetime(): AgeWindow | undefined {
    return this.#ages.proven;
  }

  /** The path may not work any more: fresh connections and canaries are asked now. */
  doubt(): void {
    this.#trouble?.();
  }

  /** A connection was seen to live from one moment to another. */
  lived(life: Life): void {
    this.#learn(learnLife(this.#ages, life, this.#options.resolution));
  }

  #learn(ages: LifetimeEvidence): void {
    const before = this.lifetime;
    this.#ages = ages;
    if (this.lifetime !== before) this.#options.events.lifetime(this.lifetime);
  }

  #bornBefore(moment: Seconds): LivingCanary[] {
    return this.#alive().filter(({ bornAt }) => bornAt <= moment);
  }

  async #beatOnce(living: LivingCanary, deadline: Seconds, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const due = clock.monotonic() + deadline;
    const shared = living.beating;
    // Whoever is less patient than the one that asked before does not wait for its answer.
    if (shared !== undefined && shared.until > due) return within(clock, shared.answered, deadline);
    const beating = (living.beating ??= {
      answered: this.#ask(living, deadline, signal).finally(() => {
        living.beating = undefined;
      }),
      until: due,
    });
    const answered = await beating.answered;
    if (!answered && !signal.aborted && this.#living.has(living)) this.#trouble?.();
    return answered;
  }

  async #ask(living: LivingCanary, deadline: Seconds, signal: AbortSignal): Promise<boolean> {
    const answered = await living.ask(deadline, signal);
    if (answered) {
      this.lived(living.life);
      if (this.#living.size === CANARIES && [...this.#living].every(({ hasStayed }) => hasStayed))
        this.#unstable.reset();
    }
    return answered;
  }

  /** Opens the canaries that are missing and makes sure that they stay. */
  async #fill(signal: AbortSignal): Promise<void> {
    while (this.#living.size < CANARIES && !signal.aborted) {
      const problem = await this.#raise(signal);
      if (problem !== undefined) await this.#holdOff(problem, signal);
    }
  }

  /** Waits before the next connection: the last ones did not stay. */
  async #holdOff(problem: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const wait = this.#unstable.next();
    // One that lives shows that the far end answers: that it takes no other one (a limit, a full table) is no outage.
    if (this.#alive().length > 0) return this.#beatFor(wait, signal);
    this.#farEnd.doubt(problem);
    if (this.#living.size === 0) this.#options.events.unwatched();
    await pause(this.#options.clock, wait, signal);
    await this.#farEnd.untilReached(signal);
  }

  #alive(): LivingCanary[] {
    return [...this.#living].filter(({ canary }) => canary.end === undefined);
  }

  /** Keeps what lives beating for so long, or until it does not answer. */
  async #beatFor(wait: Seconds, signal: AbortSignal): Promise<void> {
    const { clock, deadline } = this.#options;
    const end = clock.monotonic() + wait;
    while (!signal.aborted && clock.monotonic() < end) {
      await pause(clock, Math.min(this.#pace.interval(), end - clock.monotonic()), signal);
      for (const living of this.#alive()) if (!(await this.#beatOnce(living, deadline, signal))) return;
    }
  }

  /** Opens a canary. @returns why there is none, for people */
  async #raise(signal: AbortSignal): Promise<string | undefined> {
    const { clock, path } = this.#options;
    let canary: Canary;
    try {
      canary = await path.openCanary(signal);
    } catch (error) {
      return messageOf(error);
    }
    const living = new LivingCanary(canary, clock);
    this.#living.add(living);
    canary.whenEnded(() => {
      living.ended();
      this.#ended();
    });
    const problem = await this.#prove(living, signal);
    if (problem === undefined) this.#farEnd.stayed();
    else {
      this.#living.delete(living);
      canary.close();
    }
    return problem;
  }

  /**
   * Has a canary answer once, and once more a beat later where those before it did not stay. One without a greeting may
   * be silent for ever, where something swallows every sign of life.
   */
  async #prove(living: LivingCanary, signal: AbortSignal): Promise<string | undefined> {
    const { clock, deadline } = this.#options;
    const { canary } = living;
    const questioned = this.#unstable.failures > 0 && this.#farEnd.inDoubt;
    if (!canary.greeted && !questioned) return undefined;
    for (let answers = 0; answers < (questioned ? 2 : 1); answers += 1) {
      if (answers > 0) await pause(clock, UNKNOWN_BEAT, signal);
      const answered = await this.#beatOnce(living, deadline, signal);
      if (signal.aborted) return undefined;
      if (canary.end !== undefined) return ENDS_AT_ONCE;
      if (!answered) return canary.greeted ? STAYS_SILENT : undefined;
    }
    return undefined;
  }

  #ended(): void {
    if (this.#alive().length === 0) this.#options.events.unwatched();
    this.#trouble?.();
  }

  /** Keeps the canaries beating, one after the other, until one of them gives no sign of life. */
  async #untilTrouble(signal: AbortSignal): Promise<void> {
    const { clock, deadline } = this.#options;
    const calm = new Rest(clock);
    const end = (): void => calm.end();
    this.#trouble = end;
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    try {
      while (!calm.over) {
        for (const living of this.#living) {
          if (living.canary.end !== undefined || this.#part()) return;
          await calm.pause(this.#silence(living) / this.#living.size);
          if (calm.over || !(await this.#beatOnce(living, deadline, signal))) return;
        }
      }
    } finally {
      signal.removeEventListener('abort', end);
      this.#trouble = undefined;
    }
  }

  /** How long a canary may be silent until its next heartbeat, seconds. */
  #silence(living: LivingCanary): Seconds {
    const { clock, resolution } = this.#options;
    const known = this.#pace.interval();
    const interval = living.hasStayed ? known : Math.min(known, UNKNOWN_BEAT);
    const allowed = [...this.#living].map(({ bornAt }) =>
      silenceAllowed(this.#ages, clock.monotonic() - bornAt, resolution),
    );
    return Math.min(interval, ...allowed.filter((silence) => silence !== undefined));
  }

  /** Gives one of two canaries of the same age up, where that age is suspected to be their end. */
  #part(): boolean {
    const [one, other] = [...this.#living];
    if (one === undefined || other === undefined) return false;
    const now = this.#options.clock.monotonic();
    if (!shouldPart(this.#ages, [now - one.bornAt, now - other.bornAt])) return false;
    this.#living.delete(other);
    other.canary.close();
    return true;
  }

  /** A canary is silent or gone: an outage, one eviction, the far end, or all mappings at once? */
  async #assess(signal: AbortSignal): Promise<Loss | undefined> {
    const { clock, deadline } = this.#options;
    const began = clock.monotonic();
    const interval = this.#pace.interval();
    await this.#keepApart(signal);
    const introduction = await this.#farEnd.untilReached(signal);
    if (introduction === undefined) return undefined;
    // The path works now. TCP repeats what the canaries asked, each time after as long as it has waited so far.
    const outage = clock.monotonic() - began + deadline;
    const grace = Math.min(outage, LONGEST_REPETITION) + deadline;
    const canaries = [...this.#living];
    const settled = new AbortController();
    const revived = await this.#revive(canaries, grace, signal, AbortSignal.any([signal, settled.signal]));
    if (signal.aborted) {
      settled.abort();
      return undefined;
    }
    const lost = canaries.filter((_, index) => revived[index] !== true);
    // Read before they are closed: our own closing is no sign of the far end.
    const ends = canaries.map(({ canary }) => canary.end?.kind);
    // Those that hang at the far end say nothing of the path.
    const hanging = await hangingOf(lost, signal);
    const isTheirsAlone =
      hanging.size === 0 && lost.length === canaries.length && (await othersLive(lost, signal));
    settled.abort();
    for (const living of lost) {
      this.#living.delete(living);
      living.canary.close();
    }
    const aged = lost.length > 0 && lost.every((living) => this.#isOfAge(living));
    for (const living of lost)
      if (living.death !== undefined && !hanging.has(living))
        this.#learn(learnDeath(this.#ages, living.death, this.#options.resolution));
    const untold = this.#living.size > 0 || aged || hanging.size > 0 || isTheirsAlone;
    const loss = untold ? undefined : lossOf(canaries, ends, introduction);
    if (loss === 'mappingLoss') this.#pace.lost(interval);
    // Where something swallows every sign of life, its absence is no event and no reason to wait.
    const swallowed = ends.every((end) => end === undefined) && !lost.some(({ canary }) => canary.greeted);
    if (swallowed || lost.every(({ hasStayed }) => hasStayed)) return loss;
    if (this.#living.size > 0) await pause(clock, this.#unstable.next(), signal);
    else await this.#holdOff(ends.includes(undefined) ? STAYS_SILENT : ENDS_AT_ONCE, signal);
    return signal.aborted ? undefined : loss;
  }

  /** Asks every canary until it answers or the time is up; those that have answered go on beating until `meanwhile` ends. */
  async #revive(
    canaries: readonly LivingCanary[],
    grace: Seconds,
    signal: AbortSignal,
    meanwhile: AbortSignal,
  ): Promise<boolean[]> {
    const asked = canaries.map(async (living) => {
      const lives = living.canary.end === undefined && (await this.#ask(living, grace, signal));
      if (lives) void this.#keepBeating(living, meanwhile);
      return lives;
    });
    return Promise.all(asked);
  }

  async #keepBeating(living: LivingCanary, signal: AbortSignal): Promise<void> {
    const { clock, deadline } = this.#options;
    do await pause(clock, this.#silence(living) / CANARIES, signal);
    while (!signal.aborted && (await this.#beatOnce(living, deadline, signal)));
  }

  /** Whether the end of a canary is that of every connection of its age. */
  #isOfAge({ bornAt, goneAt }: LivingCanary): boolean {
    const { lifetime } = this;
    return lifetime !== undefined && goneAt !== undefined && goneAt - bornAt >= lifetime.lower;
  }

  /** Lets a fleet whose far end is gone come back one after the other. A NAT that forgets ends nobody all by itself. */
  async #keepApart(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const canaries = [...this.#living];
    if (canaries.every(({ canary }) => canary.end === undefined)) return;
    await pause(clock, TOGETHER, signal);
    if (canaries.every(({ canary }) => canary.end?.kind === 'closed' || canary.end?.kind === 'reset'))
      await pause(clock, SPREAD * this.#random(), signal);
  }
}

/** What `answer` comes to, or false after `patience` seconds. */
function within(clock: Clock, answer: Promise<boolean>, patience: Seconds): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.after(patience, () => resolve(false));
    void answer.then(resolve).finally(() => timer.cancel());
  });
}
