/** One profile on real connections: measures what stands beside a box that was found. */
import type { Side } from '../core/locate/locate-contract.js';
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
import { RefreshedRun } from './refreshed-run.js';
import type { RefreshedTrialsOptions } from './refreshed-trials.js';

export interface ProfileRunOptions extends Omit<RefreshedTrialsOptions, 'report' | 'mode'> {
  readonly options: ProfileOptions;
  /** Called with what is known before all of it is. */
  readonly learnt: (profile: ProfileFound) => void;
}

type OwnAction = Extract<ProfileAction, { readonly kind: 'learnt' | 'conclude' | 'fail' }>;

export class ProfileRun {
  readonly #options: ProfileRunOptions;
  readonly #run: RefreshedRun<ProfileState, OwnAction, ProfileFound | NotLocated>;
  /** Why there is none, where it could not be measured; undefined where it was ended before. */
  readonly result: Promise<ProfileFound | NotLocated | undefined>;

  constructor(options: ProfileRunOptions) {
    this.#options = options;
    this.#run = new RefreshedRun({
      ...options,
      mode: options.options.evidence.mode,
      state: createProfile(options.options),
      step: profileStep,
      carryOut: (action) => {
        if (action.kind === 'learnt') options.learnt(action.profile);
        else this.#run.end(action.kind === 'fail' ? action.reason : action.profile);
      },
    });
    this.result = this.#run.result;
    this.#run.start();
  }

  /** Every connection is gone, or must be given up: what was being searched begins anew. */
  interrupt(): void {
    this.#run.interrupt();
  }

  /** How far it is. */
  get shown(): ShownRun {
    const { state } = this.#run;
    return {
      stage: 'profile',
      connections: profileConnections(state),
      tests: state.tests,
      left: profileTimeLeft(state),
    };
  }

  /** Routers as each end counted them. */
  get hops(): Readonly<Partial<Record<Side, number>>> {
    return this.#options.options.evidence.hops;
  }
}
