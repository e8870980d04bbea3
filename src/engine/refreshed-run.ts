/** Drives a pure machine over refreshed connections: carries out what it asks of them, and tells it what happened. */
import type { Timer } from '../clock.js';
import type { LocateAction, LocateEvent } from '../core/locate/locate-contract.js';
import type { Seconds } from '../units.js';
import { RefreshedTrials, type RefreshedTrialsOptions } from './refreshed-trials.js';

/** Moments that lie closer together are one, seconds: a sum of them may lie behind its parts by a rounding. */
const SHORTEST_WAKE: Seconds = 0.001;

type ConnectionAction = Extract<LocateAction, { readonly kind: 'open' | 'test' | 'discard' | 'wake' }>;

/** The signal of the watched path ends the run. */
export interface RefreshedRunOptions<State, Action> extends Omit<RefreshedTrialsOptions, 'report'> {
  readonly state: State;
  readonly step: (
    state: State,
    now: Seconds,
    event: LocateEvent,
  ) => { readonly state: State; readonly actions: readonly (ConnectionAction | Action)[] };
  /** Carries out what the machine asks for beside connections and moments. */
  readonly carryOut: (action: Action) => void;
}

export class RefreshedRun<State, Action extends { readonly kind: string }, Result> {
  readonly #options: RefreshedRunOptions<State, Action>;
  readonly #trials: RefreshedTrials;
  readonly #startedAt: Seconds;
  #state: State;
  #wake: Timer | undefined;
  /** Counts interruptions, and the end. */
  #era = 0;
  #finish: (result: Result | undefined) => void = () => undefined;
  /** Undefined where it was ended before. */
  readonly result = new Promise<Result | undefined>((resolve) => (this.#finish = resolve));

  constructor(options: RefreshedRunOptions<State, Action>) {
    this.#options = options;
    this.#state = options.state;
    this.#startedAt = options.settings.clock.monotonic();
    this.#trials = new RefreshedTrials({ ...options, report: (event) => this.send(event) });
  }

  start(): void {
    const { signal } = this.#options.watched;
    signal.addEventListener('abort', () => this.end(), { once: true });
    if (signal.aborted) this.end();
    else this.send({ kind: 'start' });
  }

  get state(): State {
    return this.#state;
  }

  /** Seconds since its start. */
  get now(): Seconds {
    return this.#options.settings.clock.monotonic() - this.#startedAt;
  }

  /** @returns until when something that is begun now may be reported: whether neither an interruption nor the end came */
  begin(): () => boolean {
    const era = this.#era;
    return () => era === this.#era;
  }

  /** Every connection is gone, or must be given up. */
  interrupt(): void {
    this.#era += 1;
    this.#trials.discardAll();
    this.send({ kind: 'interrupted' });
  }

  send(event: LocateEvent): void {
    if (this.#options.watched.signal.aborted) return;
    const { state, actions } = this.#options.step(this.#state, this.now, event);
    this.#state = state;
    for (const action of actions) this.#carryOut(action);
  }

  #carryOut(action: ConnectionAction | Action): void {
    if (!isOfConnections(action)) this.#options.carryOut(action);
    else if (action.kind === 'wake') this.#wakeAt(action.at);
    else this.#trials.carryOut(action);
  }

  #wakeAt(at: Seconds): void {
    this.#wake?.cancel();
    const wait = Math.max(SHORTEST_WAKE, at - this.now);
    this.#wake = this.#options.settings.clock.after(wait, () => this.send({ kind: 'tick' }));
  }

  /** Ends it, whatever it is at. */
  end(result?: Result): void {
    this.#era += 1;
    this.#wake?.cancel();
    this.#trials.discardAll();
    this.#finish(result);
  }
}

function isOfConnections(action: { readonly kind: string }): action is ConnectionAction {
  return ['open', 'test', 'discard', 'wake'].includes(action.kind);
}
