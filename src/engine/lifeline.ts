/**
 * Two heartbeat canaries per target: they tell a dead path from a forgotten mapping, and notice when every mapping
 * of the path vanished at once, or when connecting works and staying does not.
 */
import { Backoff } from '../backoff.js';
import type { Clock } from '../clock.js';
import type { AgeWindow } from '../core/lifetime.js';
import { messageOf } from '../message.js';
import { pause } from '../pause.js';
import type { Canary, Path } from '../probe/path.js';
import type { Seconds } from '../units.js';
import type { Loss } from './canary-loss.js';
import { FarEndReach, type ReachEvents } from './far-end-reach.js';
import { UNKNOWN_BEAT } from './heartbeat-pace.js';
import { Heartbeats } from './heartbeats.js';
import { ENDS_AT_ONCE, type LivingCanary, STAYS_SILENT } from './living-canary.js';
import { LossJudge } from './loss-judge.js';

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

export class Lifeline {
  readonly heartbeats: Heartbeats;
  readonly #options: LifelineOptions;
  readonly #farEnd: FarEndReach;
  readonly #judge: LossJudge;
  /** Pauses while connecting works and staying does not. */
  readonly #unstable: Backoff;

  constructor(options: LifelineOptions) {
    const { clock, deadline, events, random = Math.random } = options;
    this.#options = options;
    this.#farEnd = new FarEndReach({ ...options, random });
    this.#unstable = new Backoff({ random });
    this.heartbeats = new Heartbeats({
      ...options,
      allStayed: () => this.#unstable.reset(),
      lifetime: (age) => events.lifetime(age),
    });
    const { heartbeats } = this;
    this.#judge = new LossJudge({ clock, deadline, random, farEnd: this.#farEnd, heartbeats });
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
        await this.heartbeats.untilTrouble(signal);
        loss = signal.aborted ? undefined : await this.#assess(signal);
      }
    } finally {
      this.heartbeats.close();
    }
  }

  /** Opens the canaries that are missing and makes sure that they stay. */
  async #fill(signal: AbortSignal): Promise<void> {
    while (!this.heartbeats.complete && !signal.aborted) {
      const problem = await this.#raise(signal);
      if (problem !== undefined) await this.#holdOff(problem, signal);
    }
  }

  /** Waits before the next connection: the last ones did not stay. */
  async #holdOff(problem: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const wait = this.#unstable.next();
    // One that lives shows that the far end answers: that it takes no other one (a limit, a full table) is no outage.
    if (this.heartbeats.alive.length > 0) return this.heartbeats.beatFor(wait, signal);
    this.#farEnd.doubt(problem);
    if (this.heartbeats.canaries.length === 0) this.#options.events.unwatched();
    await pause(this.#options.clock, wait, signal);
    await this.#farEnd.untilReached(signal);
  }

  /** Opens a canary. @returns why there is none, for people */
  async #raise(signal: AbortSignal): Promise<string | undefined> {
    let canary: Canary;
    try {
      canary = await this.#options.path.openCanary(signal);
    } catch (error) {
      return messageOf(error);
    }
    const living = this.heartbeats.add(canary);
    canary.whenEnded(() => {
      living.ended();
      if (this.heartbeats.alive.length === 0) this.#options.events.unwatched();
      this.heartbeats.doubt();
    });
    const problem = await this.#prove(living, signal);
    if (problem === undefined) this.#farEnd.stayed();
    else this.heartbeats.giveUp(living);
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
      const answered = await this.heartbeats.beat(living, deadline, signal);
      if (signal.aborted) return undefined;
      if (canary.end !== undefined) return ENDS_AT_ONCE;
      if (!answered) return canary.greeted ? STAYS_SILENT : undefined;
    }
    return undefined;
  }

  /** Finds out what a trouble was, and waits where canaries do not stay. */
  async #assess(signal: AbortSignal): Promise<Loss | undefined> {
    const { loss, unstable } = await this.#judge.assess(signal);
    if (unstable === undefined) return loss;
    if (this.heartbeats.canaries.length > 0) await pause(this.#options.clock, this.#unstable.next(), signal);
    else await this.#holdOff(unstable, signal);
    return signal.aborted ? undefined : loss;
  }
}
