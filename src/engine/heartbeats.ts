/**
 * The heartbeats of a path's canaries: which of them live, who can vouch for a connection, and at what age every
 * connection ends here.
 */
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
import { pause, Rest } from '../pause.js';
import { type Canary, mayBeSame, type ProbeConnection } from '../probe/path.js';
import type { Seconds } from '../units.js';
import { HeartbeatPace, UNKNOWN_BEAT } from './heartbeat-pace.js';
import { LivingCanary } from './living-canary.js';

/** How many canaries a target has: one may be evicted by chance, two at once are an event. */
const CANARIES = 2;

export interface HeartbeatsOptions {
  readonly clock: Clock;
  /** Seconds that a heartbeat may stay unanswered. */
  readonly deadline: Seconds;
  /** Ages that differ by no more are the same, seconds. */
  readonly resolution: Seconds;
  /** The longest idle time that is known to survive in every mode; undefined while unknown. */
  readonly survives: () => Seconds | undefined;
  /** Called when all canaries that a target has were heard long enough after their welcome. */
  readonly allStayed: () => void;
  /** Called when every connection was found to end at this age, however busy it is; undefined: no longer. */
  readonly lifetime: (age: AgeWindow | undefined) => void;
}

/** What a canary has to know of a connection to vouch for it. */
type Vouched = Pick<ProbeConnection, 'opened' | 'instance'>;

export class Heartbeats {
  readonly pace: HeartbeatPace;
  readonly #options: HeartbeatsOptions;
  readonly #canaries = new Set<LivingCanary>();
  #ages: LifetimeEvidence = NO_LIFETIME;
  #trouble: (() => void) | undefined;

  constructor(options: HeartbeatsOptions) {
    this.#options = options;
    this.pace = new HeartbeatPace(options.clock, options.survives);
  }

  /** Those that were not given up. */
  get canaries(): readonly LivingCanary[] {
    return [...this.#canaries];
  }

  /** Those whose connection nobody has ended. */
  get alive(): readonly LivingCanary[] {
    return this.canaries.filter(({ canary }) => canary.end === undefined);
  }

  /** Whether none is missing. */
  get complete(): boolean {
    return this.#canaries.size >= CANARIES;
  }

  add(canary: Canary): LivingCanary {
    const living = new LivingCanary(canary, this.#options.clock);
    this.#canaries.add(living);
    return living;
  }

  /** Closes one and takes no notice of it any more. */
  giveUp(living: LivingCanary): void {
    this.#canaries.delete(living);
    living.canary.close();
  }

  close(): void {
    for (const { canary } of this.#canaries) canary.close();
    this.#canaries.clear();
  }

  /**
   * Asks every canary that can vouch for a connection for a sign of life now.
   * @returns whether one of them answered within `deadline`
   */
  async vouch(connection: Vouched, deadline: Seconds, signal: AbortSignal): Promise<boolean> {
    const witnesses = this.#witnesses(connection);
    const answers = await Promise.all(witnesses.map((living) => this.beat(living, deadline, signal)));
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

  #bornBefore(moment: Seconds): LivingCanary[] {
    return this.alive.filter(({ bornAt }) => bornAt <= moment);
  }

  /** The age at which every connection ends here, however busy it is; undefined where none was found. */
  get lifetime(): AgeWindow | undefined {
    return this.#ages.proven;
  }

  /** A connection was seen to live from one moment to another. */
  lived(life: Life): void {
    this.#learn(learnLife(this.#ages, life, this.#options.resolution));
  }

  /** A canary gives no sign of life any more, and its far end is not the reason. */
  died({ death }: LivingCanary): void {
    if (death !== undefined) this.#learn(learnDeath(this.#ages, death, this.#options.resolution));
  }

  #learn(ages: LifetimeEvidence): void {
    const before = this.lifetime;
    this.#ages = ages;
    if (this.lifetime !== before) this.#options.lifetime(this.lifetime);
  }

  /** The path may not work any more: whoever keeps the canaries beating looks at it now. */
  doubt(): void {
    this.#trouble?.();
  }

  /** Asks one for a sign of life, or shares the answer that is being waited for. */
  async beat(living: LivingCanary, deadline: Seconds, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const due = clock.monotonic() + deadline;
    const shared = living.beating;
    // Whoever is less patient than the one that asked before does not wait for its answer.
    if (shared !== undefined && shared.until > due) return within(clock, shared.answered, deadline);
    const beating = (living.beating ??= {
      answered: this.ask(living, deadline, signal).finally(() => {
        living.beating = undefined;
      }),
      until: due,
    });
    const answered = await beating.answered;
    if (!answered && !signal.aborted && this.#canaries.has(living)) this.doubt();
    return answered;
  }

  /** As `beat`, whoever else is asking; that there is no answer is no reason to doubt the path. */
  async ask(living: LivingCanary, deadline: Seconds, signal: AbortSignal): Promise<boolean> {
    const answered = await living.ask(deadline, signal);
    if (answered) {
      this.lived(living.life);
      if (this.complete && this.canaries.every(({ hasStayed }) => hasStayed)) this.#options.allStayed();
    }
    return answered;
  }

  /** Keeps the canaries beating, one after the other, until one of them gives no sign of life. */
  async untilTrouble(signal: AbortSignal): Promise<void> {
    const { clock, deadline } = this.#options;
    const calm = new Rest(clock);
    const end = (): void => calm.end();
    this.#trouble = end;
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    try {
      while (!calm.over) {
        for (const living of this.#canaries) {
          if (living.canary.end !== undefined || this.#part()) return;
          await calm.pause(this.#silence(living) / this.#canaries.size);
          if (calm.over || !(await this.beat(living, deadline, signal))) return;
        }
      }
    } finally {
      signal.removeEventListener('abort', end);
      this.#trouble = undefined;
    }
  }

  /** Keeps what lives beating for so long, or until it does not answer. */
  async beatFor(wait: Seconds, signal: AbortSignal): Promise<void> {
    const { clock, deadline } = this.#options;
    const end = clock.monotonic() + wait;
    while (!signal.aborted && clock.monotonic() < end) {
      await pause(clock, Math.min(this.pace.interval(), end - clock.monotonic()), signal);
      for (const living of this.alive) if (!(await this.beat(living, deadline, signal))) return;
    }
  }

  /** Keeps one beating, or until it does not answer. */
  async keepBeating(living: LivingCanary, signal: AbortSignal): Promise<void> {
    const { clock, deadline } = this.#options;
    do await pause(clock, this.#silence(living) / CANARIES, signal);
    while (!signal.aborted && (await this.beat(living, deadline, signal)));
  }

  /** How long a canary may be silent until its next heartbeat, seconds. */
  #silence(living: LivingCanary): Seconds {
    const { clock, resolution } = this.#options;
    const known = this.pace.interval();
    const interval = living.hasStayed ? known : Math.min(known, UNKNOWN_BEAT);
    const allowed = this.canaries.map(({ bornAt }) =>
      silenceAllowed(this.#ages, clock.monotonic() - bornAt, resolution),
    );
    return Math.min(interval, ...allowed.filter((silence) => silence !== undefined));
  }

  /** Gives one of two canaries of the same age up, where that age is suspected to be their end. */
  #part(): boolean {
    const [one, other] = this.#canaries;
    if (one === undefined || other === undefined) return false;
    const now = this.#options.clock.monotonic();
    if (!shouldPart(this.#ages, [now - one.bornAt, now - other.bornAt])) return false;
    this.giveUp(other);
    return true;
  }
}

/** What `answer` comes to, or false after `patience` seconds. */
function within(clock: Clock, answer: Promise<boolean>, patience: Seconds): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.after(patience, () => resolve(false));
    void answer.then(resolve).finally(() => timer.cancel());
  });
}
