/** One heartbeat canary: when it was heard and asked, and what it means that all of them are lost. */
import type { Clock } from '../clock.js';
import type { BusyDeath, Life } from '../core/lifetime.js';
import type { LinkEnd } from '../net/errors.js';
import type { Canary, Introduction } from '../probe/path.js';
import type { Seconds } from '../units.js';
import { STAYED_AFTER } from './breaker.js';

/** Why every canary is lost although a fresh connection works. */
export type Loss = 'mappingLoss' | 'farEndRestarted' | 'closedByFarEnd' | 'outageOutlasted';

/** A canary with what is known of its life; all moments are monotonic seconds. */
export class LivingCanary {
  readonly canary: Canary;
  readonly bornAt: Seconds;
  readonly #clock: Clock;
  #heardAt: Seconds | undefined;
  /** When it was asked for the first time since it was heard, or ended. */
  #goneAt: Seconds | undefined;
  /** The longest time between two signs of life, seconds. */
  #survivedSilence: Seconds = 0;
  /** A beat that is under way, shared by everybody who asks at that moment. */
  beating: { readonly answered: Promise<boolean>; readonly until: Seconds } | undefined;

  constructor(canary: Canary, clock: Clock) {
    this.canary = canary;
    this.#clock = clock;
    this.bornAt = clock.monotonic();
  }

  /**
   * When it answered last. One that never did after its welcome tells nothing by its silence or its end: a control
   * that failed.
   */
  get heardAt(): Seconds | undefined {
    return this.#heardAt;
  }

  /** Since when it may be gone; undefined while it answers. */
  get goneAt(): Seconds | undefined {
    return this.#goneAt;
  }

  /** Whether it was heard long enough after its welcome. */
  get hasStayed(): boolean {
    return this.#heardAt !== undefined && this.#heardAt - this.bornAt >= STAYED_AFTER;
  }

  get life(): Life {
    return { from: this.bornAt, to: this.#heardAt ?? this.bornAt };
  }

  /** Its end, once it gives no sign of life any more; undefined where it never gave one. */
  get death(): BusyDeath | undefined {
    if (this.#heardAt === undefined || this.#goneAt === undefined) return undefined;
    return {
      from: this.bornAt,
      heard: this.#heardAt,
      gone: this.#goneAt,
      survivedSilence: this.#survivedSilence,
    };
  }

  /** Asks for a sign of life. @returns whether it came within `deadline` seconds */
  async ask(deadline: Seconds, signal: AbortSignal): Promise<boolean> {
    this.#goneAt ??= this.#clock.monotonic();
    const answered = await this.canary.beat(deadline, signal);
    if (answered) this.#heard();
    return answered;
  }

  #heard(): void {
    const now = this.#clock.monotonic();
    // An answer that was long in coming shows no longer silence than there was until it was asked for.
    const silence = (this.#goneAt ?? now) - (this.#heardAt ?? this.bornAt);
    this.#survivedSilence = Math.max(this.#survivedSilence, silence);
    this.#heardAt = now;
    this.#goneAt = undefined;
  }

  /** It was ended by somebody, now. */
  ended(): void {
    this.#goneAt ??= this.#clock.monotonic();
  }
}

/**
 * What it means that all canaries are lost although a fresh connection works.
 * @param ends how each of them ended, where it did
 * @param fresh what that connection learnt
 */
export function lossOf(
  canaries: readonly LivingCanary[],
  ends: readonly (LinkEnd['kind'] | undefined)[],
  { instance }: Introduction,
): Loss | undefined {
  const known = canaries.map(({ canary }) => canary.introduction.instance);
  if (instance !== undefined && !known.includes(undefined)) {
    if (!known.includes(instance)) return 'farEndRestarted';
  } else if (ends.every((end) => end === 'closed')) return 'farEndRestarted';
  if (ends.every((end) => end === 'silence' || end === 'unreachable')) return 'outageOutlasted';
  if (ends.includes('closed')) return 'closedByFarEnd';
  // A forgotten mapping is silent, or answered with a RST once it is used: whoever was reset at once never stayed.
  return canaries.some(({ heardAt, hasStayed }, index) =>
    ends[index] === undefined ? heardAt !== undefined : hasStayed,
  )
    ? 'mappingLoss'
    : undefined;
}

/** Those whose questions have arrived at the far end, which does not answer them. */
export async function hangingOf(
  silent: readonly LivingCanary[],
  signal: AbortSignal,
): Promise<ReadonlySet<LivingCanary>> {
  const hang = await Promise.all(
    silent.map(async ({ canary }) => canary.end === undefined && (await canary.hangs?.(signal)) === true),
  );
  return new Set(silent.filter((_, index) => hang[index]));
}

/**
 * Whether connections beside canaries that were cut off still come through, as far as the far end can be asked: then it was
 * their end, and not that of all mappings.
 */
export async function othersLive(lost: readonly LivingCanary[], signal: AbortSignal): Promise<boolean> {
  const live = await Promise.all(
    lost.map(async ({ canary }) => canary.end === undefined && (await canary.othersLive?.(signal)) === true),
  );
  return live.includes(true);
}
