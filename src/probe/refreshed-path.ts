/** Connections that one or both ends keep fresh with a limited TTL while they idle, up to their one test. */
import type { Clock, Timer } from '../clock.js';
import type { Arrivals, Side } from '../core/locate/locate-contract.js';
import { SIDES } from '../core/locate/locate-contract.js';
import { defined } from '../defined.js';
import { pause } from '../pause.js';
import type { Seconds } from '../units.js';
import type { Observation, TestContext } from './observe.js';
import type { Path, ProbeConnection } from './path.js';

/** How connections are kept fresh. */
export interface Freshening {
  /** The TTL of each end that refreshes; the other one keeps silent. */
  readonly ttl: Readonly<Partial<Record<Side, number>>>;
  /** Whole seconds between two refreshes. */
  readonly interval: Seconds;
}

/** The hello is acknowledged so long after it at the latest: what is repeated later would go no further than a TTL. */
const ALL_ACKNOWLEDGED: Seconds = 0.3;

export interface RefreshedPathOptions {
  readonly clock: Clock;
  /** How long the far end may take to begin or to end its refreshes, seconds. */
  readonly deadline: Seconds;
  /** Told once before the verdict of a connection, or when it ends by itself. */
  readonly arrived: (arrivals: Arrivals) => void;
}

/** The same path, but its connections are refreshed as told from the moment in which they are open until their test. */
export function refreshedPath(path: Path, freshening: Freshening, options: RefreshedPathOptions): Path {
  return {
    open: async (mode, testAt, signal) => {
      const connection = await path.open(mode, testAt, signal);
      const refreshed = new RefreshedConnection(connection, freshening, options);
      try {
        await refreshed.begin(signal);
      } catch (error) {
        refreshed.close();
        throw error;
      }
      return refreshed;
    },
    openCanary: (signal) => path.openCanary(signal),
    check: (signal) => path.check(signal),
  };
}

class RefreshedConnection implements ProbeConnection {
  readonly #connection: ProbeConnection;
  readonly #freshening: Freshening;
  readonly #options: RefreshedPathOptions;
  readonly #sides: readonly Side[];
  /** Segments that had arrived when the idling began, and at the last look. */
  #heardBefore: number | undefined;
  #heard: number | undefined;
  #looking: Timer | undefined;
  #rested = false;
  readonly opened: ProbeConnection['opened'];
  readonly local: string;
  readonly remote: string;
  readonly seen?: string;
  readonly instance?: string;

  constructor(connection: ProbeConnection, freshening: Freshening, options: RefreshedPathOptions) {
    this.#connection = connection;
    this.#freshening = freshening;
    this.#options = options;
    this.#sides = SIDES.filter((side) => freshening.ttl[side] !== undefined);
    const { opened, local, remote, seen, instance } = connection;
    this.opened = opened;
    this.local = local;
    this.remote = remote;
    Object.assign(this, defined({ seen, instance }));
  }

  /** @throws Error where an end does not begin to refresh it */
  async begin(signal: AbortSignal): Promise<void> {
    const { clock, deadline } = this.#options;
    await pause(clock, ALL_ACKNOWLEDGED, signal);
    this.#heardBefore = this.#connection.segmentsHeard?.();
    this.#look();
    const { ttl, interval } = this.#freshening;
    const begun = await Promise.all(
      this.#sides.map(async (side) =>
        this.#connection.ends?.[side]?.refresh(ttl[side] ?? 1, interval, { clock, deadline, signal }),
      ),
    );
    if (signal.aborted || begun.some((isBegun) => isBegun !== true))
      throw new Error('the connection cannot be refreshed');
  }

  /** Of a connection that has ended nobody can ask the kernel any more. */
  #look(): void {
    const { clock } = this.#options;
    this.#heard = this.#connection.segmentsHeard?.() ?? this.#heard;
    this.#looking = clock.after(this.#freshening.interval, () => this.#look());
  }

  whenEnded(run: Parameters<ProbeConnection['whenEnded']>[0]): void {
    this.#connection.whenEnded((end) => {
      this.#tellArrivals();
      run(end);
    });
  }

  async test(context: TestContext): Promise<Observation> {
    this.#heard = this.#connection.segmentsHeard?.() ?? this.#heard;
    this.#tellArrivals();
    this.#rested = true;
    const rested = await Promise.all(
      this.#sides.map(async (side) => this.#connection.ends?.[side]?.rest(context)),
    );
    // What the far end writes with a small TTL would die on the way, and look like a mapping that is gone.
    if (rested[this.#sides.indexOf('responder')] === undefined && this.#sides.includes('responder'))
      return { kind: 'unclear', reason: context.signal.aborted ? 'interrupted' : 'canary_lost' };
    return this.#connection.test(context);
  }

  close(): void {
    this.#looking?.cancel();
    const { clock, deadline } = this.#options;
    const context = { clock, deadline, signal: new AbortController().signal };
    if (!this.#rested) for (const side of this.#sides) void this.#connection.ends?.[side]?.rest(context);
    this.#rested = true;
    this.#connection.close();
  }

  #tellArrivals(): void {
    this.#looking?.cancel();
    const [before, now] = [this.#heardBefore, this.#heard];
    if (before === undefined || now === undefined) return;
    this.#options.arrived(Object.fromEntries(this.#sides.map((side) => [side, now !== before])));
  }
}
