/** A target's saved state: read at its start, written soon after something new, and now and then otherwise. */
import type { Clock, Timer } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import { defined } from '../defined.js';
import type { Logger } from '../log.js';
import type { Seconds } from '../units.js';
import type { AdviceProver } from './advice-prover.js';
import type { Localizer } from './localizer.js';
import type { ModeRunner } from './mode-runner.js';
import type { QuotaChecker } from './quota-checker.js';
import { parseSavedTarget, type SavedTarget } from './saved-target.js';
import type { StateStore } from './state-store.js';

/** News is written this long after it came, so that a burst is written once, seconds. */
const NEWS_AFTER: Seconds = 1;
/** Mere routine waits this long: a disk need not be worn by a finding that stays the same, seconds. */
const ROUTINE_AFTER: Seconds = 60;

export interface SaverOptions {
  readonly target: TargetConfig;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly log: Logger;
}

export class Saver {
  readonly #options: SaverOptions;
  #pending: { readonly due: Seconds; readonly timer: Timer } | undefined;
  /** What is saved, once it has been loaded. */
  #modes: readonly ModeRunner[] = [];
  #quota: QuotaChecker | undefined;
  #prover: Pick<AdviceProver, 'proofs'> | undefined;
  #localizer: Pick<Localizer, 'save'> | undefined;

  constructor(options: SaverOptions) {
    this.#options = options;
  }

  /** What was saved of the same path; undefined where there is nothing, or nothing that can be believed. */
  async load(): Promise<SavedTarget | undefined> {
    const { store, target, clock, log } = this.#options;
    const loaded = await store.load(target.name);
    if (loaded === undefined) return undefined;
    const saved = parseSavedTarget(loaded, clock.wall());
    if (saved === undefined) {
      log.warn('the state file holds no state; starting without it');
      return undefined;
    }
    if (saved.path !== identityOf(target)) {
      log.info('the saved state belongs to another path; starting anew');
      return undefined;
    }
    return saved;
  }

  /** Saves these from now on. */
  follow(
    modes: readonly ModeRunner[],
    quota: QuotaChecker,
    prover?: Pick<AdviceProver, 'proofs'>,
    localizer?: Pick<Localizer, 'save'>,
  ): void {
    this.#localizer = localizer;
    this.#modes = modes;
    this.#quota = quota;
    this.#prover = prover;
  }

  /** Notes a change; `news` is anything that a restart must not forget. */
  changed(news: boolean): void {
    const { clock } = this.#options;
    const due = clock.monotonic() + (news ? NEWS_AFTER : ROUTINE_AFTER);
    if (this.#pending !== undefined && this.#pending.due <= due) return;
    this.#pending?.timer.cancel();
    const timer = clock.after(due - clock.monotonic(), () => {
      this.#pending = undefined;
      void this.save();
    });
    this.#pending = { due, timer };
  }

  /** Writes no more by itself. */
  stop(): void {
    this.#pending?.timer.cancel();
    this.#pending = undefined;
  }

  async save(): Promise<void> {
    const { store, target, clock } = this.#options;
    if (this.#modes.length === 0) return;
    const saved: SavedTarget = defined({
      path: identityOf(target),
      savedAt: clock.wall(),
      searches: this.#modes.map((runner) => ({ name: { mode: runner.mode }, ...runner.save() })),
      proofs: this.#prover?.proofs ?? [],
      quota: this.#quota?.save(),
      localization: this.#localizer?.save(),
    });
    await store.save(target.name, saved);
  }
}

/** Says which path is measured. */
function identityOf({
  far_end: farEnd,
  family,
  local_address: address,
  interface: name,
}: TargetConfig): string {
  const source = name === undefined ? (address ?? null) : { interface: name };
  return JSON.stringify([farEnd, family, source]);
}
