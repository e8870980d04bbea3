/** One localisation on real connections: carries out what the pure machine asks for, and tells it what happened. */
import type { Timer } from '../clock.js';
import type { LocateAction, LocateEvent, LocateOptions, Side } from '../core/locate/locate-contract.js';
import type { Localization } from '../core/locate/localization.js';
import type { LocateRun as ShownRun } from '../core/locate/locating.js';
import { locateProgress, locateTimeLeft } from '../core/locate/locate-progress.js';
import type { LocateState } from '../core/locate/locate-state.js';
import { createLocate, locateStep } from '../core/locate/locate-step.js';
import { pause } from '../pause.js';
import { defined } from '../defined.js';
import type { Seconds } from '../units.js';
import { RefreshedTrials, type RefreshedTrialsOptions } from './refreshed-trials.js';

/** A connection is idle before it is asked whether a segment arrives; less than a second does not do, seconds. */
const IDLE_BEFORE_REACH: Seconds = 1.2;

/** Moments that lie closer together are one, seconds: a sum of them may lie behind its parts by a rounding. */
export const SHORTEST_WAKE: Seconds = 0.001;

/** The signal of the watched path ends the run. */
export interface LocateRunOptions extends Omit<RefreshedTrialsOptions, 'report' | 'mode'> {
  readonly options: LocateOptions;
}

export class LocateRun {
  readonly #options: LocateRunOptions;
  readonly #trials: RefreshedTrials;
  #state: LocateState;
  #wake: Timer | undefined;
  /** Counts interruptions: what was begun before one is not reported. */
  #era = 0;
  /** Connections that try whether segments arrive. */
  #trying = 0;
  #finish: (result: Localization | undefined) => void = () => undefined;
  /** Undefined where it was ended before. */
  readonly result = new Promise<Localization | undefined>((resolve) => (this.#finish = resolve));

  constructor(options: LocateRunOptions) {
    this.#options = options;
    this.#state = createLocate(options.options);
    this.#trials = new RefreshedTrials({
      ...options,
      mode: options.options.mode,
      report: (event) => this.#send(event),
    });
    const { signal } = options.watched;
    signal.addEventListener('abort', () => this.#end(), { once: true });
    if (signal.aborted) this.#end();
    else this.#send({ kind: 'start' });
  }

  /** Every connection is gone, or must be given up: it begins anew. */
  interrupt(): void {
    this.#era += 1;
    this.#trials.discardAll();
    this.#send({ kind: 'interrupted' });
  }

  /** How far it is. */
  get shown(): ShownRun {
    const { stage, connections, tests } = locateProgress(this.#state);
    return {
      stage: stage === 'over' ? 'confirmation' : stage,
      connections: connections + this.#trying,
      tests,
      left: locateTimeLeft(this.#state, this.#now(), this.#options.settings.search.deadline),
    };
  }

  /** Routers as each end counted them. */
  get hops(): Readonly<Partial<Record<Side, number>>> {
    const { client, responder } = this.#state.ends;
    return defined({ client: client.distance, responder: responder.distance });
  }

  #now(): Seconds {
    return this.#options.settings.clock.monotonic();
  }

  #send(event: LocateEvent): void {
    if (this.#options.watched.signal.aborted) return;
    const { state, actions } = locateStep(this.#state, this.#now(), event);
    this.#state = state;
    for (const action of actions) this.#carryOut(action);
  }

  #carryOut(action: LocateAction): void {
    switch (action.kind) {
      case 'reach':
        void this.#reach(action);
        return;
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
      case 'conclude':
        this.#end(action.result);
        return;
    }
  }

  /** Ends it, whatever it is at. */
  #end(result?: Localization): void {
    this.#era += 1;
    this.#wake?.cancel();
    this.#trials.discardAll();
    this.#finish(result);
  }

  async #reach({ side, ttls }: Extract<LocateAction, { kind: 'reach' }>): Promise<void> {
    const era = this.#era;
    const left = [...ttls];
    const acked: number[] = [];
    const work = async (): Promise<void> => {
      for (let ttl = left.shift(); ttl !== undefined && era === this.#era; ttl = left.shift())
        if (await this.#arrives(side, ttl, () => era === this.#era)) acked.push(ttl);
    };
    // Both ends may count at the same time.
    const most = Math.max(1, Math.floor(this.#options.options.places / 2));
    await Promise.all(Array.from({ length: Math.min(most, left.length) }, work));
    if (era === this.#era) this.#send({ kind: 'reached', side, acked });
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
