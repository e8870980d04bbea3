/**
 * Two heartbeat canaries per target: they tell a dead path from a forgotten mapping, and notice when every mapping
 * of the path vanished at once.
 */
import type { Clock } from '../clock.js';
import type { Canary, Introduction, Path } from '../probe/path.js';
import type { Seconds } from '../units.js';
import { pause, Rest } from './pause.js';

/** How many canaries a target has: one may be evicted by chance, two at once are an event. */
const CANARIES = 2;
/** Bounds of the pause between two tries to reach a far end that does not answer, seconds. */
const FIRST_RETRY: Seconds = 1;
const LONGEST_RETRY: Seconds = 15;
/** Bounds of the time between two heartbeats, seconds. */
const SHORTEST_BEAT: Seconds = 1;
const LONGEST_BEAT: Seconds = 60;
/** Heartbeats while nothing is known about the path, seconds. */
const UNKNOWN_BEAT: Seconds = 2;
/**
 * The longest pause between two repetitions of a lost segment: a canary that was silent in an outage may need so long
 * to be heard again once the path is back, seconds.
 * @see TCP_RTO_MAX in Linux' include/net/tcp.h
 */
const LONGEST_REPETITION: Seconds = 120;
/** Without a loss for this long the heartbeats may become slower again, seconds. */
const TRUST_AFTER: Seconds = 3600;

export interface LifelineEvents {
  /** A fresh connection worked. */
  reached(introduction: Introduction): void;
  /** All canaries live: from now on deaths can be judged. */
  watched(): void;
  /** No fresh connection works; `reason` is for people. */
  unreachable(reason: string): void;
  /** All canaries are lost although fresh connections work and the far end was not restarted. */
  mappingLoss(): void;
  /** All connections ended because the far end was restarted. */
  farEndRestarted(): void;
  /** An outage lasted so long that the kernel gave the canaries up: whether the mappings live cannot be known. */
  outageOutlasted(): void;
}

export interface LifelineOptions {
  readonly path: Path;
  readonly clock: Clock;
  /** Seconds that a heartbeat may stay unanswered. */
  readonly deadline: Seconds;
  /** The longest idle time that is known to survive in every mode; undefined while unknown. */
  readonly survives: () => Seconds | undefined;
  readonly events: LifelineEvents;
}

type Loss = 'mappingLoss' | 'farEndRestarted' | 'outageOutlasted';

interface Living {
  readonly canary: Canary;
  readonly bornAt: Seconds;
  /** Whether it has ever been heard: one that never was tells nothing by its silence. */
  heard: boolean;
  /** A beat that is under way, shared by everybody who asks at that moment. */
  beating: Promise<boolean> | undefined;
}

export class Lifeline {
  readonly #options: LifelineOptions;
  readonly #living = new Set<Living>();
  #instance: string | undefined;
  /** Longest pause between heartbeats that experience allows: halved by each loss of all mappings. */
  #slowest: Seconds = LONGEST_BEAT;
  #lastLoss: Seconds = -Infinity;
  #trouble: (() => void) | undefined;

  constructor(options: LifelineOptions) {
    this.#options = options;
  }

  /** Watches the path until `signal` is aborted, then closes the canaries. Never throws. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      let loss: Loss | undefined;
      while (!signal.aborted) {
        await this.#reach(signal);
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
   * Asks every canary that has lived since `moment` for a sign of life now.
   * @returns whether one of them answered within `deadline`
   */
  async beat(moment: Seconds, deadline: Seconds, signal: AbortSignal): Promise<boolean> {
    const answers = await Promise.all(
      this.#bornBefore(moment).map((living) => this.#beatOnce(living, deadline, signal)),
    );
    return answers.includes(true);
  }

  #bornBefore(moment: Seconds): Living[] {
    return [...this.#living].filter((living) => living.bornAt <= moment && living.canary.end === undefined);
  }

  async #beatOnce(living: Living, deadline: Seconds, signal: AbortSignal): Promise<boolean> {
    living.beating ??= living.canary.beat(deadline, signal).finally(() => {
      living.beating = undefined;
    });
    const answered = await living.beating;
    living.heard ||= answered;
    if (!answered && !signal.aborted && this.#living.has(living)) this.#trouble?.();
    return answered;
  }

  /** Tries fresh connections until one works. */
  async #reach(signal: AbortSignal): Promise<void> {
    for (let retry = FIRST_RETRY; !signal.aborted; retry = Math.min(retry * 2, LONGEST_RETRY)) {
      const introduction = await this.#check(signal);
      if (introduction !== undefined) return;
      await pause(this.#options.clock, retry, signal);
    }
  }

  async #check(signal: AbortSignal): Promise<Introduction | undefined> {
    try {
      const introduction = await this.#options.path.check(signal);
      if (signal.aborted) return undefined;
      this.#options.events.reached(introduction);
      return introduction;
    } catch (error) {
      if (!signal.aborted)
        this.#options.events.unreachable(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  /** Opens the canaries that are missing. */
  async #fill(signal: AbortSignal): Promise<void> {
    while (this.#living.size < CANARIES && !signal.aborted) {
      try {
        const canary = await this.#options.path.openCanary(signal);
        const living: Living = {
          canary,
          bornAt: this.#options.clock.monotonic(),
          heard: canary.greeted,
          beating: undefined,
        };
        this.#instance = canary.introduction.instance;
        this.#living.add(living);
        canary.whenEnded(() => this.#trouble?.());
      } catch (error) {
        if (signal.aborted) return;
        this.#options.events.unreachable(error instanceof Error ? error.message : String(error));
        await pause(this.#options.clock, FIRST_RETRY, signal);
        await this.#reach(signal);
      }
    }
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
          if (living.canary.end !== undefined) return;
          await calm.pause(this.#interval() / this.#living.size);
          if (calm.over || !(await this.#beatOnce(living, deadline, signal))) return;
        }
      }
    } finally {
      signal.removeEventListener('abort', end);
      this.#trouble = undefined;
    }
  }

  #interval(): Seconds {
    const { clock, survives } = this.#options;
    const now = clock.monotonic();
    if (now - this.#lastLoss > TRUST_AFTER && this.#slowest < LONGEST_BEAT) {
      this.#slowest = Math.min(this.#slowest * 2, LONGEST_BEAT);
      this.#lastLoss = now;
    }
    const known = survives();
    const wanted = known === undefined ? UNKNOWN_BEAT : known / 4;
    return Math.max(SHORTEST_BEAT, Math.min(wanted, this.#slowest));
  }

  /** A canary is silent or gone: an outage, one eviction, the far end, or all mappings at once? */
  async #assess(signal: AbortSignal): Promise<Loss | undefined> {
    const { clock, deadline } = this.#options;
    const began = clock.monotonic();
    const interval = this.#interval();
    let introduction: Introduction | undefined;
    for (let retry = FIRST_RETRY; introduction === undefined; retry = Math.min(retry * 2, LONGEST_RETRY)) {
      introduction = await this.#check(signal);
      if (signal.aborted) return undefined;
      if (introduction === undefined) await pause(clock, retry, signal);
      if (signal.aborted) return undefined;
    }
    // The path works now. TCP repeats what the canaries asked, each time after as long as it has waited so far.
    const outage = clock.monotonic() - began + deadline;
    const grace = Math.min(outage, LONGEST_REPETITION) + deadline;
    const canaries = [...this.#living];
    const revived = await Promise.all(
      canaries.map(
        async (living) => living.canary.end === undefined && (await living.canary.beat(grace, signal)),
      ),
    );
    if (signal.aborted) return undefined;
    // Read before they are closed: our own closing is no sign of the far end.
    const allClosed = canaries.every(({ canary }) => canary.end?.kind === 'closed');
    const givenUp = canaries.every(({ canary }) =>
      ['silence', 'unreachable'].includes(canary.end?.kind ?? ''),
    );
    canaries.forEach((living, index) => {
      if (revived[index] === true) return;
      this.#living.delete(living);
      living.canary.close();
    });
    if (this.#living.size > 0) return undefined;

    const restarted =
      introduction.instance !== undefined && this.#instance !== undefined
        ? introduction.instance !== this.#instance
        : allClosed;
    if (restarted) return 'farEndRestarted';
    if (givenUp) return 'outageOutlasted';
    // Where something swallows every sign of life, its absence is no event.
    if (!canaries.some(({ heard }) => heard)) return undefined;
    this.#slowest = Math.max(SHORTEST_BEAT, Math.min(this.#slowest, interval) / 2);
    this.#lastLoss = clock.monotonic();
    return 'mappingLoss';
  }
}
