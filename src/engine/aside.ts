/** One connection beside a mode's search, which learns nothing from it: held and asked once by somebody else. */
import type { ConnectionId } from '../core/search/contract.js';
import { defined } from '../defined.js';
import type { Seconds } from '../units.js';
import type { WaitingConnection } from './snapshot.js';
import { Trial, type TrialResult, type TrialSettings, type WatchedPath } from './trial.js';

export interface AsideOptions {
  readonly id: ConnectionId;
  /** Those of the mode; who listens to its trials hears nothing of this one. */
  readonly settings: TrialSettings;
  readonly watched: WatchedPath;
  /** Idle time at which the far end breaks the silence, where that is fixed at launch, seconds. */
  readonly testAt?: Seconds | undefined;
  /** Called once, when it is closed; with what its test came to, where it was open. */
  readonly over: (result: TrialResult | undefined) => void;
}

export class Aside {
  readonly #options: AsideOptions;
  readonly #trial: Trial;
  #openedAt: Seconds | undefined;
  #state: 'opening' | 'idle' | 'testing' | 'over' = 'opening';
  #noticeOpened: (isOpen: boolean) => void = () => undefined;
  #noticeResult: (result: TrialResult | undefined) => void = () => undefined;
  /** Whether it could be opened. */
  readonly opened = new Promise<boolean>((resolve) => (this.#noticeOpened = resolve));
  /** What its test came to, or its end while it idled; undefined where it was never open. */
  readonly result = new Promise<TrialResult | undefined>((resolve) => (this.#noticeResult = resolve));

  constructor(options: AsideOptions) {
    this.#options = options;
    const { id, settings, watched, testAt } = options;
    this.#trial = new Trial(
      id,
      {
        ...settings,
        opened: () => this.#open(),
        failed: () => this.#end(undefined),
        concluded: (_, result) => this.#end(result),
      },
      watched,
    );
    void this.#trial.launch(testAt);
  }

  /** Whether its connection is open. */
  get open(): boolean {
    return this.#trial.open;
  }

  /** As it is shown; undefined once it is over. */
  get waiting(): WaitingConnection | undefined {
    const { id, settings, testAt } = this.#options;
    if (this.#state === 'over') return undefined;
    const age = this.#openedAt === undefined ? undefined : settings.clock.monotonic() - this.#openedAt;
    return defined({ id, state: this.#state, age, testAt });
  }

  /** Breaks the silence now, unless the far end was asked to at launch. */
  ask(): Promise<TrialResult | undefined> {
    if (this.#state === 'idle' && this.#options.testAt === undefined) {
      this.#state = 'testing';
      void this.#trial.test();
    }
    return this.result;
  }

  /** Closes it: it is not needed any more, and counts as no test. */
  close(): void {
    this.#end(undefined);
  }

  /** Ends it for reasons of our own: a test that could not be held. */
  giveUp(): void {
    if (this.#state !== 'over') this.#end(this.#trial.giveUp());
  }

  #open(): void {
    this.#state = 'idle';
    this.#openedAt = this.#options.settings.clock.monotonic();
    this.#noticeOpened(true);
  }

  #end(result: TrialResult | undefined): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#trial.end();
    this.#options.over(result);
    this.#noticeOpened(false);
    this.#noticeResult(result);
  }
}
