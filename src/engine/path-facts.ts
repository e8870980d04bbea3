/** What is known about a target's path besides its searches: whether it is up, and the addresses along it. */
import type { Clock } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import type { Remedy } from '../config/remedy.js';
import { addressClass } from '../core/diagnosis/address-class.js';
import { type Circumstances, CONDITION_ROWS } from '../core/diagnosis/conditions.js';
import { durationWithSeconds } from '../core/human-duration.js';
import type { PathEnds } from '../core/diagnosis/proof.js';
import { type AgeWindow, spokenAge } from '../core/lifetime.js';
import { defined } from '../defined.js';
import { hostConntrackTimeout } from '../net/conntrack.js';
import type { AskRouter } from '../net/router.js';
import type { AnnouncementOutcome } from '../probe/announcer.js';
import type { Introduction, Welcomed } from '../probe/path.js';
import type { Seconds } from '../units.js';
import { FarEndsMet } from './far-ends-met.js';
import type { Journal } from './journal.js';

/** Addresses that are kept to tell a pool of them from one. */
const SEEN_ADDRESSES_KEPT = 8;
/** Reasons for one outage that are told: the far end may have many. */
const MOST_REASONS = 5;

export interface PathFacts extends Circumstances {
  readonly up?: boolean;
  readonly downReason?: string;
  /** The key of the target that has to be set right before the far end can answer, where nothing else helps. */
  readonly remedy?: Remedy;
  readonly address?: string;
  readonly introduction?: Introduction;
  /** Our own addresses as the far end saw them, newest last, bounded. */
  readonly seenAddresses: readonly string[];
  /** The router's outer address, where it told it since our seen address changed last. */
  readonly routerAddress?: string;
  /** This host's own conntrack timeout, seconds. */
  readonly localConntrack?: Seconds;
  /** Whether the far end took the newest announcement of this exporter; absent before it answered one. */
  readonly announced?: boolean;
}

/** Both ends, as far as they are known. */
export function endsOf({ address, seenAddresses: seen }: PathFacts): PathEnds {
  return { address, seen };
}

/** The facts that may be unknown again. */
type Changes = { readonly [Fact in keyof PathFacts]?: PathFacts[Fact] | undefined };

export interface FactsKeeperOptions {
  readonly target: TargetConfig;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly askRouter: AskRouter;
}

/** Learns the facts, and tells the journal what is new about them. */
export class FactsKeeper {
  readonly #options: FactsKeeperOptions;
  #facts: PathFacts = { seenAddresses: [] };
  /** Why the far end does not answer, as far as it was told since it answered last. */
  readonly #reasonsGiven = new Set<string>();
  /** When our address as the far end sees it changed last, monotonic seconds. */
  #movedAt: Seconds = -Infinity;
  #met = new FarEndsMet();
  /** What was told last of announcing this exporter. */
  #announcement: AnnouncementOutcome['kind'] | undefined;

  constructor(options: FactsKeeperOptions) {
    this.#options = options;
  }

  /** A value: another one once something has changed. */
  get facts(): PathFacts {
    return this.#facts;
  }

  get ends(): PathEnds {
    return endsOf(this.#facts);
  }

  #learn(changes: Changes): void {
    this.#facts = defined<Changes>({ ...this.#facts, ...changes }) as PathFacts;
  }

  /** The far end is probed at this address from now on. */
  pinned(address: string): void {
    this.#met = new FarEndsMet();
    const unknown = {
      announced: undefined,
      severalFarEnds: undefined,
      fixedLifetime: undefined,
      speaksAfter: undefined,
      cannotBeAsked: undefined,
    };
    this.#learn({ address, seenAddresses: [], ...unknown });
  }

  /** Every connection was found to end at this age, however busy it is; undefined: one has lived longer. */
  lifetime(age: AgeWindow | undefined): void {
    const fixed = age === undefined ? undefined : spokenAge(age);
    this.#learn({ fixedLifetime: fixed });
    const text =
      fixed === undefined
        ? 'connections live longer than before: no fixed lifetime any more'
        : CONDITION_ROWS.fixed_lifetime.said({ fixedLifetime: fixed });
    this.#options.journal.tell(text, 'warn');
  }

  /** A far end at `address` welcomed a connection. */
  welcomed(address: string, welcomed: Welcomed): void {
    const { address: pinned, severalFarEnds: known } = this.#facts;
    // Other addresses are tried, too, before one of them is chosen.
    if (address !== pinned) return;
    const severalFarEnds = this.#met.meet(welcomed) || undefined;
    if (severalFarEnds === known) return;
    const told = severalFarEnds === undefined ? 'one far end alone answers again' : 'several far ends answer';
    this.#options.journal.tell(`${told} at this address`, 'warn');
    this.#learn({ severalFarEnds });
  }

  reached(introduction: Introduction): void {
    const { target, journal } = this.#options;
    if (this.#facts.up !== true) journal.tell(`${target.name} answers`, 'info');
    this.#reasonsGiven.clear();
    // The built-in path stays inside this process: what the host forgets has no part in it.
    const localConntrack = target.far_end.kind === 'embedded' ? undefined : hostConntrackTimeout();
    const { cannotBeAsked } = introduction;
    const answers = { up: true, downReason: undefined, remedy: undefined };
    this.#learn({ ...answers, introduction, localConntrack, cannotBeAsked });
  }

  /**
   * The far end breaks a silence by itself.
   * @param after seconds
   * @param limits whether that is sooner than what was to be measured
   */
  speaks(after: Seconds, limits: boolean): void {
    this.#learn({ speaksAfter: after });
    if (limits)
      this.#options.journal.tell(
        `the far end breaks a silence by itself after ${durationWithSeconds(after)}: nothing longer is measured`,
        'warn',
      );
  }

  /** @param remedy the key of the target that has to be set right, where nothing else helps */
  unreachable(reason: string, remedy?: Remedy): void {
    // Once for each reason, not for each try: a far end may fail in turns, and in words of its own.
    if (!this.#reasonsGiven.has(reason) && this.#reasonsGiven.size < MOST_REASONS) {
      this.#reasonsGiven.add(reason);
      this.#options.journal.tell(`${this.#options.target.name} does not answer: ${reason}`, 'warn');
    }
    this.#learn({ up: false, downReason: reason, remedy });
  }

  /** Called when it is clear whether the mappings still live: two addresses at once, or one after the other? */
  noticeSeenAddress(): void {
    const { introduction, seenAddresses: known } = this.#facts;
    const seen = introduction?.seenAddress;
    if (seen === undefined || known.includes(seen)) return;
    if (known.length > 0) this.#movedTo();
    this.#learn({ seenAddresses: [...known, seen].slice(-SEEN_ADDRESSES_KEPT) });
  }

  /** After a loss of every mapping a new address replaces the old ones. */
  forgetSeenAddresses(): void {
    const { introduction, seenAddresses: known } = this.#facts;
    const seen = introduction?.seenAddress;
    this.#learn({ seenAddresses: [] });
    if (seen === undefined || known.length === 0 || known.includes(seen)) return;
    this.#options.journal.tell('this host has a new address, as the far end sees it', 'info');
    this.#movedTo();
  }

  /** What the router said before is not to be compared with the new address. */
  #movedTo(): void {
    this.#movedAt = this.#options.clock.monotonic();
    this.#learn({ routerAddress: undefined });
  }

  /**
   * Learns the router's outer address. Only from a private address on: elsewhere no router of ours translates.
   * @returns whether it is another one than before
   */
  async askRouter(signal: AbortSignal): Promise<boolean> {
    const { address: remote, introduction } = this.#facts;
    const local = introduction?.localAddress;
    if (remote === undefined || local === undefined || addressClass(local) !== 'private') return false;
    const answer = await this.#options.askRouter({ local, remote });
    const { address, introduction: newest, routerAddress: before } = this.#facts;
    if (signal.aborted || address !== remote || newest?.localAddress !== local) return false;
    const routerAddress =
      answer !== undefined && answer.askedAt >= this.#movedAt ? answer.address : undefined;
    this.#learn({ routerAddress });
    return routerAddress !== before;
  }

  announced(outcome: AnnouncementOutcome): void {
    this.#learn({ announced: outcome.kind === 'announced' });
    // Once for each outcome, not for each answer: a far end may refuse in ever other words.
    if (outcome.kind === this.#announcement) return;
    this.#announcement = outcome.kind;
    const text = announcementText(outcome, this.#options.target.announce?.address ?? '');
    this.#options.journal.tell(text, outcome.kind === 'announced' ? 'info' : 'warn');
  }
}

function announcementText(outcome: AnnouncementOutcome, address: string): string {
  switch (outcome.kind) {
    case 'announced':
      return `this exporter is announced as ${address}`;
    case 'refused':
      return `the far end refused to announce this exporter as ${address}: ${outcome.detail}`;
    case 'not_taken':
      return 'the far end takes no announcements (it is older, or runs without --discovery)';
  }
}
