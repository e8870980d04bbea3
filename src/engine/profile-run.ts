/** One profile on real connections: carries out what the pure machine asks for, and tells it what happened. */
import type { Timer } from '../clock.js';
import type { LocateEvent, Side } from '../core/locate/locate-contract.js';
import type { NotLocated } from '../core/locate/localization.js';
import type { LocateRun as ShownRun } from '../core/locate/locating.js';
import {
  createProfile,
  type ProfileAction,
  profileConnections,
  type ProfileFound,
  type ProfileOptions,
  type ProfileState,
  profileStep,
  profileTimeLeft,
} from '../core/locate/profile-search.js';
import type { Seconds } from '../units.js';
import { SHORTEST_WAKE } from './locate-run.js';
import { RefreshedTrials, type RefreshedTrialsOptions } from './refreshed-trials.js';

export interface ProfileRunOptions extends Omit<RefreshedTrialsOptions, 'report' | 'mode'> {
  readonly options: ProfileOptions;
  /** Called with what is known before all of it is. */
  readonly learnt: (profile: ProfileFound) => void;
}

export class ProfileRun {
  readonly #options: ProfileRunOptions;
  readonly #trials: RefreshedTrials;
  readonly #startedAt: Seconds;
  #state: ProfileState;
  #wake: Timer | undefined;
  #finish: (result: ProfileFound | NotLocated | undefined) => void = () => undefined;
  /** Why there is none, where it could not be measured; undefined where it was ended before. */
  readonly result = new Promise<ProfileFound | NotLocated | undefined>((resolve) => (this.#finish = resolve));

  constructor(options: ProfileRunOptions) {
    this.#options = options;
    const { settings, watched } = options;
    this.#state = createProfile(options.options);
    this.#startedAt = settings.clock.monotonic();
    this.#trials = new RefreshedTrials({
      ...options,
      mode: options.options.evidence.mode,
      report: (event) => this.#send(event),
    });
    watched.signal.addEventListener('abort', () => this.#end(), { once: true });
    if (watched.signal.aborted) this.#end();
    else this.#send({ kind: 'start' });
  }

  /** Every connection is gone, or must be given up: what was being searched begins anew. */
  interrupt(): void {
    this.#trials.discardAll();
    this.#send({ kind: 'interrupted' });
  }

  /** How far it is. */
  get shown(): ShownRun {
    const { tests } = this.#state;
    return {
      stage: 'profile',
      connections: profileConnections(this.#state),
      tests,
      left: profileTimeLeft(this.#state),
    };
  }

  /** Routers as each end counted them. */
  get hops(): Readonly<Partial<Record<Side, number>>> {
    return this.#options.options.evidence.hops;
  }

  #now(): Seconds {
    return this.#options.settings.clock.monotonic() - this.#startedAt;
  }

  #send(event: LocateEvent): void {
    if (this.#options.watched.signal.aborted) return;
    const { state, actions } = profileStep(this.#state, this.#now(), event);
    this.#state = state;
    for (const action of actions) this.#carryOut(action);
  }

  #carryOut(action: ProfileAction): void {
    switch (action.kind) {
      case 'open':
      case 'test':
      case 'discard':
        this.#trials.carryOut(action);
        return;
      case 'wake':
        this.#wake?.cancel();
        this.#wake = this.#options.settings.clock.after(
          Math.max(SHORTEST_WAKE, action.at - this.#now()),
          () => this.#send({ kind: 'tick' }),
        );
        return;
      case 'learnt':
        this.#options.learnt(action.profile);
        return;
      case 'conclude':
        this.#end(action.profile);
        return;
      case 'fail':
        this.#end(action.reason);
        return;
    }
  }

  /** Ends it, whatever it is at. */
  #end(result?: ProfileFound | NotLocated): void {
    this.#wake?.cancel();
    this.#trials.discardAll();
    this.#finish(result);
  }
}
