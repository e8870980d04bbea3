/** The controls beside a death: without them a dead connection says nothing about its mapping. */
import type { Clock } from '../clock.js';
import type { InconclusiveReason } from '../core/verdict.js';
import type { Path, ProbeConnection } from '../probe/path.js';
import type { Seconds } from '../units.js';
import type { Lifeline } from './lifeline.js';
import { pause } from '../pause.js';

/** An unanswered test has its path checked after this long (or half its deadline), seconds. */
const EARLY_CONTROL: Seconds = 1;
/** A canary that takes longer than this to answer was itself held up by an outage, seconds. */
const PROMPT_ANSWER: Seconds = 1.5;
/**
 * A RST or FIN may be the first sign of something that ends the canaries, too, a little later: a process of the far
 * end that dies closes one connection after the other, tens of microseconds for each. Seconds.
 */
const SETTLING: Seconds = 2;
/** Deaths of the same moment share one fresh connection, seconds. */
const SAME_MOMENT: Seconds = 0.05;

export interface ControlsOptions {
  readonly path: Path;
  readonly lifeline: Lifeline;
  readonly clock: Clock;
  readonly deadline: Seconds;
  readonly signal: AbortSignal;
}

/** A watch over the path while one test waits for its answer. */
export interface Watch {
  /**
   * Ends the watch, also when the test was called off.
   * @returns why an unanswered test says nothing; undefined when a canary answered promptly in the middle of the wait,
   * or when it never came to that
   */
  finish(): Promise<InconclusiveReason | undefined>;
}

export class Controls {
  readonly #options: ControlsOptions;
  #fresh: { readonly startedAt: Seconds; readonly works: Promise<boolean> } | undefined;

  constructor(options: ControlsOptions) {
    this.#options = options;
  }

  /**
   * Watches the path while a test is unanswered. TCP repeats a lost segment within 0.2, 0.4, 0.8 … seconds, so an
   * outage that swallows a whole test also holds up a heartbeat in the middle of it; an outage that has just ended
   * when the deadline passes would else look like a forgotten mapping.
   *
   * @param fromNow seconds until the silence is broken, where that moment was fixed at launch
   */
  watch(connection: ProbeConnection, deadline: Seconds, fromNow: Seconds = 0): Watch {
    const { clock, lifeline, signal } = this.#options;
    const wait = Math.min(EARLY_CONTROL, deadline / 2);
    let beaten: Promise<InconclusiveReason | undefined> | undefined;
    const timer = clock.after(fromNow + wait, () => {
      const { earliest } = connection.opened;
      if (!lifeline.canVouchSince(earliest)) beaten = Promise.resolve('canary_lost');
      else
        beaten = lifeline
          .beat(earliest, Math.min(PROMPT_ANSWER, deadline - wait), signal)
          .then((answered) => (answered ? undefined : 'disturbed'));
    });
    return {
      async finish() {
        timer.cancel();
        return beaten;
      },
    };
  }

  /** A connection has survived its test: what lived so long lived through every other's end. */
  survived({ opened }: ProbeConnection, until: Seconds): void {
    this.#options.lifeline.lived({ from: opened.latest, to: until });
  }

  /** The same reason, or `lifetime` where the connection had reached the age at which every one ends on this path. */
  reasonAt(reason: InconclusiveReason, age: Seconds): InconclusiveReason {
    const ends = this.#options.lifeline.lifetime;
    const ofAge = reason === 'canary_lost' || reason === 'disturbed';
    return ofAge && ends !== undefined && age >= ends.lower ? 'lifetime' : reason;
  }

  /**
   * Confirms a death: a fresh connection works now, and a canary that has lived since before this connection's idle
   * clock started is alive now; where the connection was `ended` by somebody, also after things have settled. Where
   * no such canary is left, nothing is opened: a fleet that has lost its far end would ask it all at once.
   * @returns undefined when both hold, else why the death says nothing
   */
  async confirm(connection: ProbeConnection, ended: boolean): Promise<InconclusiveReason | undefined> {
    const { clock, lifeline, deadline, signal } = this.#options;
    if (ended) await pause(clock, SETTLING, signal);
    if (!signal.aborted && !lifeline.canVouchSince(connection.opened.earliest)) return 'canary_lost';
    const [fresh, canary] = await Promise.all([
      this.#freshConnectionWorks(),
      lifeline.beat(connection.opened.earliest, deadline, signal),
    ]);
    if (signal.aborted) return 'interrupted';
    if (!fresh) return canary ? 'control_failed' : 'unreachable';
    return canary ? undefined : 'canary_lost';
  }

  #freshConnectionWorks(): Promise<boolean> {
    const { path, clock, signal } = this.#options;
    const now = clock.monotonic();
    if (this.#fresh !== undefined && now - this.#fresh.startedAt <= SAME_MOMENT) return this.#fresh.works;
    const works = path.check(signal).then(
      () => true,
      () => false,
    );
    this.#fresh = { startedAt: now, works };
    return works;
  }
}
