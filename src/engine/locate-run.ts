/** One localisation on real connections: finds the box that forgets, and counts the hops before it. */
import type { LocateAction, LocateOptions, Side } from '../core/locate/locate-contract.js';
import type { Localization } from '../core/locate/localization.js';
import type { LocateRun as ShownRun } from '../core/locate/locating.js';
import { locateProgress, locateTimeLeft } from '../core/locate/locate-progress.js';
import type { LocateState } from '../core/locate/locate-state.js';
import { createLocate, locateStep } from '../core/locate/locate-step.js';
import { pause } from '../pause.js';
import { defined } from '../defined.js';
import type { Seconds } from '../units.js';
import { RefreshedRun } from './refreshed-run.js';
import type { RefreshedTrialsOptions } from './refreshed-trials.js';

/** A connection is idle before it is asked whether a segment arrives; less than a second does not do, seconds. */
const IDLE_BEFORE_REACH: Seconds = 1.2;

export interface LocateRunOptions extends Omit<RefreshedTrialsOptions, 'report' | 'mode'> {
  readonly options: LocateOptions;
}

type OwnAction = Extract<LocateAction, { readonly kind: 'reach' | 'conclude' }>;

export class LocateRun {
  readonly #options: LocateRunOptions;
  readonly #run: RefreshedRun<LocateState, OwnAction, Localization>;
  /** Connections that try whether segments arrive. */
  #trying = 0;
  /** Undefined where it was ended before. */
  readonly result: Promise<Localization | undefined>;

  constructor(options: LocateRunOptions) {
    this.#options = options;
    this.#run = new RefreshedRun({
      ...options,
      mode: options.options.mode,
      state: createLocate(options.options),
      step: locateStep,
      carryOut: (action) => {
        if (action.kind === 'reach') void this.#reach(action);
        else this.#run.end(action.result);
      },
    });
    this.result = this.#run.result;
    this.#run.start();
  }

  /** Every connection is gone, or must be given up: it begins anew. */
  interrupt(): void {
    this.#run.interrupt();
  }

  /** How far it is. */
  get shown(): ShownRun {
    const { state, now } = this.#run;
    const { stage, connections, tests } = locateProgress(state);
    return {
      stage: stage === 'over' ? 'confirmation' : stage,
      connections: connections + this.#trying,
      tests,
      left: locateTimeLeft(state, now, this.#options.settings.search.deadline),
    };
  }

  /** Routers as each end counted them. */
  get hops(): Readonly<Partial<Record<Side, number>>> {
    const { client, responder } = this.#run.state.ends;
    return defined({ client: client.distance, responder: responder.distance });
  }

  async #reach({ side, ttls }: Extract<LocateAction, { kind: 'reach' }>): Promise<void> {
    const wanted = this.#run.begin();
    const left = [...ttls];
    const acked: number[] = [];
    const work = async (): Promise<void> => {
      for (let ttl = left.shift(); ttl !== undefined && wanted(); ttl = left.shift())
        if (await this.#arrives(side, ttl, wanted)) acked.push(ttl);
    };
    // Both ends may count at the same time.
    const most = Math.max(1, Math.floor(this.#options.options.places / 2));
    await Promise.all(Array.from({ length: Math.min(most, left.length) }, work));
    if (wanted()) this.#run.send({ kind: 'reached', side, acked });
  }

  /** Whether a segment of so many hops is acknowledged; one that could not be sent is not. */
  async #arrives(side: Side, ttl: number, wanted: () => boolean): Promise<boolean> {
    const { options, settings, watched } = this.#options;
    const { clock, launches, search, target } = settings;
    const { path, breaker, signal } = watched;
    if (!(await breaker.pass(wanted, signal))) return false;
    const slot = await launches.acquire(target, wanted, signal);
    if (slot === undefined) {
      breaker.settled();
      return false;
    }
    this.#trying += 1;
    try {
      const connection = await path.open(options.mode, undefined, signal).finally(() => breaker.settled());
      try {
        await pause(clock, IDLE_BEFORE_REACH, signal);
        if (signal.aborted) return false;
        const context = { clock, deadline: search.deadline, signal };
        return (await connection.ends?.[side]?.reaches(ttl, context)) === true;
      } finally {
        connection.close();
      }
    } catch {
      return false;
    } finally {
      this.#trying -= 1;
      slot.release();
    }
  }
}
