/** Judges a canary that is silent or gone: an outage, one eviction, the far end, or every mapping at once. */
import type { Clock } from '../clock.js';
import { pause } from '../pause.js';
import type { Introduction } from '../probe/path.js';
import type { Seconds } from '../units.js';
import { hangingOf, type Loss, lossOf, othersLive } from './canary-loss.js';
import type { FarEndReach } from './far-end-reach.js';
import type { Heartbeats } from './heartbeats.js';
import { ENDS_AT_ONCE, type LivingCanary, STAYS_SILENT } from './living-canary.js';

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

export interface LossJudgeOptions {
  readonly clock: Clock;
  /** Seconds that a heartbeat may stay unanswered. */
  readonly deadline: Seconds;
  /** From 0 to below 1, for the jitter. */
  readonly random: () => number;
  readonly farEnd: FarEndReach;
  readonly heartbeats: Heartbeats;
}

export interface Assessment {
  /** Why every canary is lost; absent where one is left, or where that says nothing of the others' mappings. */
  readonly loss?: Loss | undefined;
  /** Why those that are lost did not stay, for people; absent where nothing says that the next ones will not. */
  readonly unstable?: string | undefined;
}

export class LossJudge {
  readonly #options: LossJudgeOptions;

  constructor(options: LossJudgeOptions) {
    this.#options = options;
  }

  /** Waits until fresh connections work, and gives the canaries up that do not come back. */
  async assess(signal: AbortSignal): Promise<Assessment> {
    const { clock, deadline, farEnd, heartbeats } = this.#options;
    const began = clock.monotonic();
    const interval = heartbeats.pace.interval();
    await this.#keepApart(signal);
    const introduction = await farEnd.untilReached(signal);
    if (introduction === undefined) return {};
    // The path works now. TCP repeats what the canaries asked, each time after as long as it has waited so far.
    const outage = clock.monotonic() - began + deadline;
    const grace = Math.min(outage, LONGEST_REPETITION) + deadline;
    const settled = new AbortController();
    const assessment = await this.#examine(introduction, grace, signal, settled.signal);
    settled.abort();
    if (assessment.loss === 'mappingLoss') heartbeats.pace.lost(interval);
    return assessment;
  }

  /** @param settled aborted when it is known what it was: until then those that live go on beating */
  async #examine(
    introduction: Introduction,
    grace: Seconds,
    signal: AbortSignal,
    settled: AbortSignal,
  ): Promise<Assessment> {
    const { canaries } = this.#options.heartbeats;
    const revived = await this.#revive(canaries, grace, signal, AbortSignal.any([signal, settled]));
    if (signal.aborted) return {};
    const lost = canaries.filter((_, index) => revived[index] !== true);
    // Read before they are closed: our own closing is no sign of the far end.
    const ends = canaries.map(({ canary }) => canary.end?.kind);
    // Those that hang at the far end say nothing of the path.
    const hanging = await hangingOf(lost, signal);
    const isTheirsAlone =
      hanging.size === 0 && lost.length === canaries.length && (await othersLive(lost, signal));
    const aged = this.#giveUp(lost, hanging);
    const isUntold = lost.length < canaries.length || aged || hanging.size > 0 || isTheirsAlone;
    // Where something swallows every sign of life, its absence is no event and no reason to wait.
    const swallowed = ends.every((end) => end === undefined) && !lost.some(({ canary }) => canary.greeted);
    const isCalm = swallowed || lost.every(({ hasStayed }) => hasStayed);
    return {
      loss: isUntold ? undefined : lossOf(canaries, ends, introduction),
      unstable: isCalm ? undefined : ends.includes(undefined) ? STAYS_SILENT : ENDS_AT_ONCE,
    };
  }

  /** @returns whether each of them had reached the age at which every connection ends */
  #giveUp(lost: readonly LivingCanary[], hanging: ReadonlySet<LivingCanary>): boolean {
    const { heartbeats } = this.#options;
    for (const living of lost) heartbeats.giveUp(living);
    const aged = lost.length > 0 && lost.every((living) => this.#isOfAge(living));
    for (const living of lost) if (!hanging.has(living)) heartbeats.died(living);
    return aged;
  }

  /** Asks every canary until it answers or the time is up; those that have answered go on beating until `meanwhile` ends. */
  async #revive(
    canaries: readonly LivingCanary[],
    grace: Seconds,
    signal: AbortSignal,
    meanwhile: AbortSignal,
  ): Promise<boolean[]> {
    const { heartbeats } = this.#options;
    const asked = canaries.map(async (living) => {
      const lives = living.canary.end === undefined && (await heartbeats.ask(living, grace, signal));
      if (lives) void heartbeats.keepBeating(living, meanwhile);
      return lives;
    });
    return Promise.all(asked);
  }

  /** Whether the end of a canary is that of every connection of its age. */
  #isOfAge({ bornAt, goneAt }: LivingCanary): boolean {
    const { lifetime } = this.#options.heartbeats;
    return lifetime !== undefined && goneAt !== undefined && goneAt - bornAt >= lifetime.lower;
  }

  /** Lets a fleet whose far end is gone come back one after the other. A NAT that forgets ends nobody all by itself. */
  async #keepApart(signal: AbortSignal): Promise<void> {
    const { clock, random, heartbeats } = this.#options;
    const { canaries } = heartbeats;
    if (canaries.every(({ canary }) => canary.end === undefined)) return;
    await pause(clock, TOGETHER, signal);
    if (canaries.every(({ canary }) => canary.end?.kind === 'closed' || canary.end?.kind === 'reset'))
      await pause(clock, SPREAD * random(), signal);
  }
}
