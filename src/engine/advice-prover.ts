/** Proves what is advised on a path: holds connections by it, and asks whether they live. */
import { setMaxListeners } from 'node:events';
import { Backoff } from '../backoff.js';
import { type Clock, type ClockStep, mayHaveStood } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import { timingOf } from '../config/far-ends.js';
import {
  type Advice,
  FAILURES_OF_A_REFUTATION,
  type Ground,
  isSameGround,
  type PathEnds,
  planWords,
  type Proof,
  PROOF_INTERVALS,
  type ProofKind,
  proofWords,
  provingOf,
  standing,
} from '../core/diagnosis/proof.js';
import { defined } from '../defined.js';
import { heldPath } from '../probe/hold.js';
import type { Seconds } from '../units.js';
import type { Experiments } from './experiments.js';
import type { Journal } from './journal.js';
import type { Launches } from './launches.js';
import { movedMoments } from './saved-target.js';
import { Trial, type TrialResult, type WatchedPath } from './trial.js';

/** Bounds of the pause after a try that said nothing, seconds. */
const FIRST_RETRY: Seconds = 10;
const LONGEST_RETRY: Seconds = 3600;

export interface AdviceProverOptions {
  readonly target: TargetConfig;
  readonly clock: Clock;
  readonly launches: Launches;
  /** Shared with whatever else the target tries beside its search. */
  readonly experiments: Experiments;
  readonly journal: Journal;
  readonly ends: () => PathEnds;
  /** Called when something has come of it. */
  readonly learnt: () => void;
}

export class AdviceProver {
  readonly #options: AdviceProverOptions;
  #proofs: readonly Proof[] = [];
  #watched: WatchedPath | undefined;
  #trying: { readonly ground: Ground; readonly over: AbortController } | undefined;
  readonly #fruitless = new Backoff({ first: FIRST_RETRY, longest: LONGEST_RETRY });
  /** Nothing is tried before, monotonic seconds. */
  #retryAt: Seconds = -Infinity;
  /** How long the host may have stood still since the start, no clock of its own running on, seconds. */
  #stood: Seconds = 0;

  constructor(options: AdviceProverOptions) {
    this.#options = options;
  }

  /** All that was shown and not refuted since: another list once something has changed. */
  get proofs(): readonly Proof[] {
    return this.#proofs;
  }

  /** What connections of the path can be held by; nothing while there is no path. */
  get holds(): readonly ProofKind[] {
    return this.#watched?.path.holds ?? [];
  }

  /** Goes on with what was shown before a restart. */
  restore(proofs: readonly Proof[]): void {
    this.#proofs = proofs;
  }

  /** The path is watched: from now on advice can be tried on it. */
  begin(watched: WatchedPath): void {
    this.#watched = watched;
  }

  /** The path is gone. */
  end(): void {
    this.#watched = undefined;
    this.lose();
  }

  /** Every connection was lost at once: what is being tried says nothing. */
  lose(): void {
    this.#trying?.over.abort();
  }

  /** The wall clock was set: what was shown before keeps its age. */
  stepped(step: ClockStep): void {
    this.#stood += mayHaveStood(step);
    this.#proofs = movedMoments(this.#proofs, step);
  }

  /** Looks at the present advice: forgets what does not count for it, and tries what is to be tried. */
  look(advice: Advice): void {
    const { clock, experiments, ends } = this.#options;
    const { ground } = advice;
    this.#proofs = standing(this.#proofs, ground, ends());
    const [trying, watched] = [this.#trying, this.#watched];
    const { open } = provingOf(advice, this.#proofs, this.holds, clock.wall());
    const isOther = ground === undefined || (trying !== undefined && !isSameGround(trying.ground, ground));
    if (isOther || advice.why !== undefined) trying?.over.abort();
    if (trying !== undefined || watched === undefined || ground === undefined) return;
    if (open.length === 0 || clock.monotonic() < this.#retryAt) return;
    void experiments.tryRun('advice_proof', () => this.#prove(open, ground, watched));
  }

  async #prove(kinds: readonly ProofKind[], ground: Ground, watched: WatchedPath): Promise<void> {
    const { clock, journal, target } = this.#options;
    const over = new AbortController();
    const signal = AbortSignal.any([over.signal, watched.signal]);
    setMaxListeners(0, signal);
    this.#trying = { ground, over };
    journal.tell(`proving the advice: ${planWords(kinds, ground, target.search.deadline)}`, 'info');
    try {
      const shown = await Promise.all(kinds.map((kind) => this.#show(kind, ground, watched, signal)));
      if (shown.every((each) => each)) this.#fruitless.reset();
      else this.#retryAt = clock.monotonic() + this.#fruitless.next();
    } finally {
      this.#trying = undefined;
    }
  }

  /** @returns whether the tries have shown something; a failure alone does not */
  async #show(kind: ProofKind, ground: Ground, watched: WatchedPath, signal: AbortSignal): Promise<boolean> {
    for (let failures = 1; ; failures += 1) {
      const result = await this.#hold(kind, ground, watched, signal);
      if (signal.aborted || result === undefined || result.verdict.kind === 'inconclusive') return false;
      const held = result.verdict.kind === 'alive';
      // One that was not held for longer than a silent one lives says nothing.
      if (held && result.idle <= ground.upper) return false;
      if (!held && failures < FAILURES_OF_A_REFUTATION) continue;
      this.#record({ ...ground, kind, held });
      return true;
    }
  }

  #record(shown: Omit<Proof, 'at' | 'address' | 'seen'>): void {
    const { clock, journal, ends, learnt } = this.#options;
    journal.tell(proofWords(shown), 'info');
    // First: asking the time may notice a step, and that moves what was shown before.
    const at = clock.wall();
    const { address, seen } = ends();
    const others = this.#proofs.filter(({ kind }) => kind !== shown.kind);
    this.#proofs = [...others, { ...shown, at, ...defined({ address, seen: seen.at(-1) }) }];
    learnt();
  }

  /** Holds one connection and asks it. @returns undefined where it never came to that */
  #hold(
    by: ProofKind,
    { interval, mode }: Ground,
    watched: WatchedPath,
    signal: AbortSignal,
  ): Promise<TrialResult | undefined> {
    const { target, clock, launches } = this.#options;
    const { search, far_end: farEnd } = target;
    const path = heldPath(watched.path, { by, interval }, { clock, deadline: search.deadline });
    const askAt = PROOF_INTERVALS * interval;
    const isAskedAtLaunch = timingOf(farEnd.kind, mode) === 'at_launch';
    return new Promise((resolve) => {
      const settle = (result?: TrialResult): void => {
        signal.removeEventListener('abort', giveUp);
        resolve(result);
      };
      const giveUp = (): void => {
        trial.end();
        settle();
      };
      const trial = new Trial(
        0,
        {
          target: target.name,
          mode,
          search,
          clock,
          launches,
          stood: () => this.#stood,
          opened: () => {
            if (!isAskedAtLaunch) clock.after(askAt, () => void trial.test());
          },
          failed: () => settle(),
          concluded: (_, result) => settle(result),
        },
        { ...watched, path, signal },
      );
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
      else void trial.launch(isAskedAtLaunch ? askAt : undefined);
    });
  }
}
