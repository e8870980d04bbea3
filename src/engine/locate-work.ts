/** What a target's localizer has carried out on the path: finding a box, measuring what stands beside it, asking hops. */
import type { Clock } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import { sideOf } from '../core/locate/cells.js';
import type { LocateOptions } from '../core/locate/locate-contract.js';
import type { HopAddress } from '../core/locate/locating.js';
import type { ProfileFound, ProfileGround, ProfileOptions } from '../core/locate/profile-search.js';
import type { Mode } from '../core/modes.js';
import type { Seconds } from '../units.js';
import { searchOptions } from './judge.js';
import type { Launches } from './launches.js';
import { LocateRun } from './locate-run.js';
import { ProfileRun } from './profile-run.js';
import type { RefreshedTrialsOptions } from './refreshed-trials.js';
import type { EngineObserver } from './snapshot.js';
import type { WatchedPath } from './trial.js';

/** A router that has not told its address by then does not, seconds. */
const HOP_PATIENCE: Seconds = 2;

export interface LocateWorkOptions {
  readonly target: TargetConfig;
  readonly clock: Clock;
  readonly launches: Launches;
  readonly observer: EngineObserver;
  /** How long the host may have stood still since the start, no clock of its own running on, seconds. */
  readonly stood: () => Seconds;
}

export class LocateWork {
  readonly #options: LocateWorkOptions;

  constructor(options: LocateWorkOptions) {
    this.#options = options;
  }

  /** Looks for the box; the signal of the watched path ends it. */
  box(options: LocateOptions, watched: WatchedPath): LocateRun {
    return new LocateRun({ options, ...this.#settings(options.mode), watched });
  }

  /** Measures what stands beside a box that was found; the signal of the watched path ends it. */
  profile(
    options: ProfileOptions,
    watched: WatchedPath,
    learnt: (profile: ProfileFound) => void,
  ): ProfileRun {
    return new ProfileRun({ options, ...this.#settings(options.evidence.mode), watched, learnt });
  }

  /** How the searches of a profile ask: as the mode's own, with as many connections for all of them. */
  profileOptions(ground: ProfileGround): ProfileOptions {
    const { share: _alone, ...search } = searchOptions(this.#options.target, ground.evidence.mode, 'late');
    return { ...ground, search };
  }

  /** Who stands at each hop, as far as routers tell it. */
  async hopAddresses(hops: number, { path, signal }: WatchedPath): Promise<readonly HopAddress[]> {
    const asked = await Promise.all(
      Array.from({ length: hops }, async (_, index) => {
        const address = await path.hopAddress?.(index + 1, HOP_PATIENCE, signal).catch(() => undefined);
        return address === undefined ? [] : [{ hop: index + 1, address }];
      }),
    );
    return asked.flat();
  }

  #settings(mode: Mode): Pick<RefreshedTrialsOptions, 'settings' | 'tested'> {
    const { target, clock, launches, observer, stood } = this.#options;
    return {
      settings: { target: target.name, search: target.search, clock, launches, stood },
      tested: (cell, verdict) => observer.localized?.(target, mode, sideOf(cell), verdict),
    };
  }
}
