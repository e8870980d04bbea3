/** Connections that are kept fresh with limited TTLs until their one test, each known by a number of its owner's. */
import type { Arrivals, Cell, LocateAction, LocateEvent, ProbeId } from '../core/locate/locate-contract.js';
import type { Mode } from '../core/modes.js';
import type { Verdict } from '../core/verdict.js';
import { defined } from '../defined.js';
import { refreshedPath } from '../probe/refreshed-path.js';
import { Trial, type TrialSettings, type WatchedPath } from './trial.js';

export interface RefreshedTrialsOptions {
  readonly mode: Mode;
  readonly settings: Pick<TrialSettings, 'target' | 'search' | 'clock' | 'launches' | 'stood'>;
  readonly watched: WatchedPath;
  /** Called with each test that was held, and how far its connection was kept fresh from each end. */
  readonly tested: (cell: Cell, verdict: Verdict) => void;
  /** Called with what became of a connection, unless it was given up before. */
  readonly report: (event: Extract<LocateEvent, { readonly id: ProbeId }>) => void;
}

/** A connection on its way. */
interface Running {
  readonly trial: Trial;
  arrivals: Arrivals;
}

export class RefreshedTrials {
  readonly #options: RefreshedTrialsOptions;
  readonly #running = new Map<ProbeId, Running>();

  constructor(options: RefreshedTrialsOptions) {
    this.#options = options;
  }

  carryOut(action: Extract<LocateAction, { readonly kind: 'open' | 'test' | 'discard' }>): void {
    if (action.kind === 'open') this.#open(action);
    else if (action.kind === 'test') void this.#running.get(action.id)?.trial.test();
    else this.#discard(action.id);
  }

  discardAll(): void {
    for (const id of [...this.#running.keys()]) this.#discard(id);
  }

  #open({ id, interval, client, responder }: Extract<LocateAction, { readonly kind: 'open' }>): void {
    const { mode, settings, watched, tested } = this.#options;
    const { clock, search } = settings;
    const cell: Cell = { k: client?.ttl ?? 0, m: responder?.ttl ?? 0 };
    const path = refreshedPath(
      watched.path,
      { ttl: defined({ client: client?.ttl, responder: responder?.ttl }), interval },
      {
        clock,
        deadline: search.deadline,
        arrived: (arrivals) => {
          running.arrivals = arrivals;
        },
      },
    );
    const trial = new Trial(
      id,
      {
        ...settings,
        mode,
        opened: () => this.#report(trial, { kind: 'opened', id }),
        failed: () => this.#report(trial, { kind: 'open_failed', id }),
        concluded: (_, { verdict, idle }) => {
          tested(cell, verdict);
          this.#report(trial, { kind: 'verdict', id, verdict, idle, arrivals: running.arrivals });
        },
      },
      { ...watched, path },
    );
    const running: Running = { trial, arrivals: {} };
    this.#running.set(id, running);
    void trial.launch(undefined);
  }

  /** Closes it: nothing is heard of it any more. */
  #discard(id: ProbeId): void {
    this.#running.get(id)?.trial.end();
    this.#running.delete(id);
  }

  #report(trial: Trial, event: Extract<LocateEvent, { readonly id: ProbeId }>): void {
    if (this.#running.get(event.id)?.trial !== trial) return;
    if (event.kind !== 'opened') this.#running.delete(event.id);
    this.#options.report(event);
  }
}
