/** The controls beside a death: without them a dead connection says nothing about its mapping. */
import type { Clock } from '../clock.js';
import type { InconclusiveReason } from '../core/verdict.js';
import { mayBeSame, type Path, type ProbeConnection } from '../probe/path.js';
import type { Seconds } from '../units.js';
import type { Heartbeats } from './heartbeats.js';
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
/** So many fresh connections are opened for a death at most until one meets the far end of the dead connection. */
const MOST_TRIES = 5;

/** A fresh connection beside a death: `elsewhere` where only other far ends were met. */
interface Fresh {
  readonly startedAt: Seconds;
  readonly answer: Promise<'works' | 'elsewhere' | 'none'>;
}

export interface ControlsOptions {
  readonly path: Path;
  readonly heartbeats: Heartbeats;
  readonly clock: Clock;
  readonly deadline: Seconds;
  readonly signal: AbortSignal;
}

/** A watch over the path while one test waits for its answer. */
export interface Watch {
  /**
   * Ends the watch, also when the test was called off.
   * @returns why the path may not have stood in the middle of the wait; undefined where a canary answered promptly, or
   * it never came to that
   */
  finish(): Promise<InconclusiveReason | undefined>;
}

export class Controls {
  readonly #options: ControlsOptions;
  /** The newest fresh connections, by the far end that they were to meet. */
  readonly #fresh = new Map<string | undefined, Fresh>();

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
    const { clock, heartbeats, signal } = this.#options;
    const wait = Math.min(EARLY_CONTROL, deadline / 2);
    let beaten: Promise<InconclusiveReason | undefined> | undefined;
    const beat = async (): Promise<InconclusiveReason | undefined> => {
      const speechless = heartbeats.speechless(connection);
      if (speechless !== undefined) return speechless;
      const answered = await heartbeats.vouch(connection, Math.min(PROMPT_ANSWER, deadline - wait), signal);
      return answered ? undefined : 'disturbed';
    };
    const timer = clock.after(fromNow + wait, () => {
      beaten = beat();
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
    this.#options.heartbeats.lived({ from: opened.latest, to: until });
  }

  /** The same reason, or `lifetime` where the connection had reached the age at which every one ends on this path. */
  reasonAt(reason: InconclusiveReason, age: Seconds): InconclusiveReason {
    const ends = this.#options.heartbeats.lifetime;
    const ofAge = reason === 'canary_lost' || reason === 'disturbed';
    return ofAge && ends !== undefined && age >= ends.lower ? 'lifetime' : reason;
  }

  /**
   * Confirms a death: a fresh connection works now, and a canary that has lived since before this connection's idle
   * clock started is alive now, both with the far end that welcomed the connection; where the connection was `ended` by
   * somebody, also after things have settled. Where no such canary is left, nothing is opened: a fleet that has lost its
   * far end would ask it all at once.
   * @returns undefined when both hold, else why the death says nothing
   */
  async confirm(connection: ProbeConnection, ended: boolean): Promise<InconclusiveReason | undefined> {
    const { clock, heartbeats, deadline, signal } = this.#options;
    if (ended) await pause(clock, SETTLING, signal);
    const speechless = signal.aborted ? undefined : heartbeats.speechless(connection);
    if (speechless !== undefined) return speechless;
    const [fresh, canary] = await Promise.all([
      this.#freshConnection(connection.instance),
      heartbeats.vouch(connection, deadline, signal),
    ]);
    if (signal.aborted) return 'interrupted';
    if (fresh === 'none') return canary ? 'control_failed' : 'unreachable';
    if (!canary) return 'canary_lost';
    return fresh === 'elsewhere' ? 'other_instance' : undefined;
  }

  /** Whether a fresh connection works, and leads to the far end that is meant. */
  #freshConnection(instance: string | undefined): Fresh['answer'] {
    const now = this.#options.clock.monotonic();
    for (const [met, { startedAt }] of this.#fresh)
      if (now - startedAt > SAME_MOMENT) this.#fresh.delete(met);
    const answer = this.#fresh.get(instance)?.answer ?? this.#connectTo(instance);
    if (!this.#fresh.has(instance)) this.#fresh.set(instance, { startedAt: now, answer });
    return answer;
  }

  /** Which far end a connection meets is not ours to choose where several answer: it is tried again. */
  async #connectTo(instance: string | undefined): Fresh['answer'] {
    const { path, signal } = this.#options;
    for (let tries = 0; tries < MOST_TRIES && !signal.aborted; tries += 1) {
      const met = await path.check(signal).catch(() => undefined);
      if (met === undefined) return 'none';
      if (mayBeSame(met.instance, instance)) return 'works';
    }
    return 'elsewhere';
  }
}
