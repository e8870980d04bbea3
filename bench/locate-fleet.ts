/**
 * What it costs a fleet that all of its timeouts change at once: every search finds the new one, and every target wants its
 * box located again, and once more when that is due. The product's searches, turns, launches and localisations in virtual
 * time, on simulated chains.
 */
import { setMaxListeners } from 'node:events';
import type { Timer } from '../src/clock.js';
import type { LocateAction, LocateEvent, ProbeId } from '../src/core/locate/locate-contract.js';
import type { LocateState } from '../src/core/locate/locate-state.js';
import { createLocate, locateStep } from '../src/core/locate/locate-step.js';
import { DEFAULT_LOCATE, DEFAULT_MAX_CONNECTIONS } from '../src/config/schema.js';
import { RFC5382_REQ5 } from '../src/core/requirements.js';
import { Launches, type Slot } from '../src/engine/launches.js';
import { LocateTurns } from '../src/engine/locate-turns.js';
import { optionsFor } from '../test/support/chain-options.js';
import { randomFrom, type Random } from '../test/support/prng.js';
import { ackedTtls, type Chain, idleAcross, type Refreshing } from '../test/support/simulated-chain.js';
import { table, writeSection } from './document.js';
import { FleetSearch } from './fleet-search.js';
import { quantile } from './search/model.js';
import { VirtualClock } from './virtual-clock.js';

const TARGETS = 2000;
/** Idle connections of each target's search: 12 000 of the budget of 15 000. */
const CONNECTIONS = 6;
/** Timeouts that the searches find; before, each was twice as long. */
const TIMEOUTS = [900, 3600] as const;
/** The searches have found what was before by then, in times of it. */
const SETTLED = 8;
/** They run along for so long after the change, in times of the new timeout: every one has found it by then. */
const WATCHED = 8;
const DAY = 86_400;
/** Nothing here is given up. */
const NEVER = new AbortController().signal;
setMaxListeners(0, NEVER);
const SEARCH = {
  minIdle: 15,
  maxIdle: 7800,
  resolution: 10,
  deadline: 8,
  required: RFC5382_REQ5.idle,
  guard: 5,
  timing: 'late',
} as const;
/** Counting the routers: a connection idles before it is tried, and is tried for so long, seconds. */
const REACH_TIME = 3.7;
/** Packets of a connection beside its refreshes, counted on both ends together: opened, greeted, tested, closed. */
const PACKETS_OF_A_CONNECTION = 16;

/** Prints the figures and writes them to docs/BENCHMARKS.md. */
export async function benchLocateFleet(): Promise<void> {
  const columns: Record<string, string>[] = [];
  for (const timeout of TIMEOUTS) columns.push(await new Fleet(timeout).run());
  const alone: Record<string, string>[] = [];
  for (const timeout of TIMEOUTS) alone.push(await new Fleet(timeout, false).run());
  const rows = Object.entries(columns[0] ?? {}).map(([figure]) => [
    figure,
    ...columns.map((column) => column[figure] ?? ''),
  ]);
  const late = 'lateness of a launch of the search, p99 · worst';
  const text = [
    `Measured by \`npm run bench -- locate-fleet\` in virtual time: ${TARGETS} targets in one process, each with a router`,
    `that forgets at hop 1 to 6 of 6, whose timeouts all become half of what they were in the same moment. Each search has`,
    `${CONNECTIONS} connections; a test is late when its launch has to wait for the budget (${DEFAULT_MAX_CONNECTIONS}) or for the rate of opens.`,
    'A localisation has as many connections (rows are bisected); `every` is 7 d. Once all are located each is asked again when',
    'that is due, and when its turn comes.',
    '',
    table(
      ['figure', ...TIMEOUTS.map((timeout) => `timeout ${timeout} s`)],
      [...rows, [`${late}, without localisation`, ...alone.map((column) => column[late] ?? '')]],
    ),
    '',
    'One target in a hundred at once is the bound: with a long timeout and few connections the whole fleet takes longer than',
    '`every`, and a finding gets older than the two times `every` for which it would be believed otherwise: it stands while it',
    'waits for its turn.',
  ].join('\n');
  console.log(text);
  writeSection('locate-fleet', text);
}

class Fleet {
  readonly #timeout: number;
  readonly #changesAt: number;
  readonly #searches: FleetSearch[] = [];
  /** How long it took each search to find the new timeout. */
  readonly #foundAfter: number[] = [];
  /** Launches of searches in each minute. */
  readonly #launchesByMinute: number[] = [];
  /** When each target was located last, and how old that was when it was located again. */
  readonly #locatedAt = new Map<string, number>();
  readonly #renewedAt: number[] = [];
  readonly #clock = new VirtualClock();
  readonly #launches = new Launches({ clock: this.#clock });
  readonly #turns = new LocateTurns(this.#clock);
  readonly #random: Random = randomFrom(1);
  readonly #locates: boolean;
  readonly #waits: number[] = [];
  readonly #durations: number[] = [];
  readonly #packetsByDay: number[] = [];
  #allLocatedAt = 0;
  #wrong = 0;
  #running = 0;
  #mostRunning = 0;
  #open = 0;
  #mostOpen = 0;
  #mostTaken = 0;

  constructor(timeout: number, locates = true) {
    this.#timeout = timeout;
    this.#changesAt = SETTLED * 2 * timeout;
    this.#locates = locates;
    this.#turns.fleet = Array.from({ length: TARGETS }, () => DEFAULT_LOCATE.every);
  }

  async run(): Promise<Record<string, string>> {
    for (let target = 0; target < TARGETS; target++)
      this.#clock.after(this.#random() * this.#timeout, () => this.#begin(`t${target}`, 1 + (target % 6)));
    const clock = this.#clock;
    clock.after(this.#changesAt + WATCHED * this.#timeout, () => {
      for (const search of this.#searches) search.end();
    });
    const isWatched = (): boolean => clock.monotonic() > this.#changesAt + WATCHED * this.#timeout;
    await clock.run(() => isWatched() && (!this.#locates || this.#renewedAt.length === TARGETS));
    const perDay = this.#packetsByDay;
    const days = (this.#allLocatedAt - this.#changesAt) / DAY;
    const [before, after] = this.#busiestMinutes();
    const seconds = (value: number): string => `${value.toFixed(2)} s`;
    return {
      'searches that found the new timeout, and after: median · longest': `${this.#foundAfter.length} · ${[0.5, 1].map((share) => `${(quantile(this.#foundAfter, share) / 60).toFixed(0)} min`).join(' · ')}`,
      'launches of searches in the minute with most, before · after': `${before} · ${after}`,
      'targets localising at once, most': `${this.#mostRunning} (${((100 * this.#mostRunning) / TARGETS).toFixed(1)} %)`,
      'connections of localisations at once, most': String(this.#mostOpen),
      'connections in the budget, most': String(this.#mostTaken),
      'a localisation, median · longest':
        this.#durations.length === 0
          ? ''
          : `${(quantile(this.#durations, 0.5) / 60).toFixed(0)} · ${(Math.max(...this.#durations) / 60).toFixed(0)} min`,
      'all are located after': `${days.toFixed(1)} d`,
      'oldest finding when it was made anew, median · most':
        this.#renewedAt.length === 0
          ? ''
          : `${(quantile(this.#renewedAt, 0.5) / DAY).toFixed(1)} · ${(Math.max(...this.#renewedAt) / DAY).toFixed(1)} d`,
      'claims against the chain': String(this.#wrong),
      'packets of localisations on the day with most': `${(Math.max(0, ...perDay) / 1e6).toFixed(2)} million, ${(Math.max(0, ...perDay) / DAY).toFixed(1)} a second`,
      'packets of one localisation, mean': (
        perDay.reduce((sum, each) => sum + each, 0) / this.#durations.length
      ).toFixed(0),
      'lateness of a launch of the search, p99 · worst': `${seconds(quantile(this.#waits, 0.99))} · ${seconds(this.#waits.reduce((most, wait) => Math.max(most, wait), 0))}`,
    };
  }

  /** A target's search; once it knows the new timeout, its box is looked for, and again when that is due. */
  #begin(name: string, hop: number): void {
    const clock = this.#clock;
    const hasChanged = (): boolean => clock.monotonic() >= this.#changesAt;
    let isFound = false;
    this.#searches.push(
      new FleetSearch({
        search: { ...SEARCH, connections: CONNECTIONS },
        clock,
        timeout: () => (hasChanged() ? 1 : 2) * this.#timeout,
        launch: async () => {
          const wanted = clock.monotonic();
          const slot = await this.#acquire(name);
          const minute = Math.floor(clock.monotonic() / 60);
          this.#launchesByMinute[minute] = (this.#launchesByMinute[minute] ?? 0) + 1;
          if (hasChanged()) this.#waits.push(clock.monotonic() - wanted);
          return slot;
        },
        stepped: (search) => {
          if (isFound || !hasChanged() || !search.knows(this.#timeout)) return;
          isFound = true;
          this.#foundAfter.push(clock.monotonic() - this.#changesAt);
          if (this.#locates) void this.#wait(name, hop);
        },
      }),
    );
  }

  /** Launches in the busiest minute of the last hour before the change, and after it. */
  #busiestMinutes(): readonly [number, number] {
    const change = Math.floor(this.#changesAt / 60);
    const most = (from: number, to?: number): number =>
      this.#launchesByMinute.slice(from, to).reduce((top, each) => Math.max(top, each), 0);
    return [most(change - 60, change), most(change)];
  }

  async #acquire(name: string): Promise<Slot | undefined> {
    const slot = await this.#launches.acquire(name, () => true, NEVER);
    this.#mostTaken = Math.max(this.#mostTaken, this.#launches.taken);
    return slot;
  }

  async #wait(name: string, hop: number): Promise<void> {
    const isFirst = !this.#locatedAt.has(name);
    const leave = await this.#turns.turn(new AbortController().signal, isFirst);
    this.#running += 1;
    this.#mostRunning = Math.max(this.#mostRunning, this.#running);
    const begun = this.#clock.monotonic();
    const chain: Chain = Array.from({ length: 6 }, (_, index) =>
      index + 1 === hop ? { kind: 'router', timeout: this.#timeout } : { kind: 'router' },
    );
    this.#locate(name, chain, (isRight) => {
      this.#durations.push(this.#clock.monotonic() - begun);
      this.#running -= 1;
      if (!isRight(hop)) this.#wrong += 1;
      leave?.();
      this.#noteLocated(name, hop);
    });
  }

  #noteLocated(name: string, hop: number): void {
    const clock = this.#clock;
    const now = clock.monotonic();
    const last = this.#locatedAt.get(name);
    this.#locatedAt.set(name, now);
    if (last !== undefined) this.#renewedAt.push(now - last);
    else {
      if (this.#locatedAt.size === TARGETS) this.#allLocatedAt = now;
      clock.after(DEFAULT_LOCATE.every, () => void this.#wait(name, hop));
    }
  }

  /** One localisation, each of its connections launched as the product does. */
  #locate(name: string, chain: Chain, ended: (isRight: (hop: number) => boolean) => void): void {
    const clock = this.#clock;
    const options = optionsFor(chain, { mode: 'send', timeout: this.#timeout }, { places: CONNECTIONS });
    const held = new Map<ProbeId, { slot: Slot | undefined; since: number; refreshing: Refreshing }>();
    let state: LocateState = createLocate(options);
    let wake: Timer | undefined;
    const feed = (event: LocateEvent): void => {
      const stepped = locateStep(state, clock.monotonic(), event);
      state = stepped.state;
      for (const action of stepped.actions) carryOut(action);
    };
    const close = (id: ProbeId): void => {
      const probe = held.get(id);
      if (probe === undefined) return;
      held.delete(id);
      this.#open -= 1;
      probe.slot?.release();
      const { k, m, interval } = probe.refreshing;
      const ends = (k > 0 ? 1 : 0) + (m > 0 ? 1 : 0);
      this.#count(PACKETS_OF_A_CONNECTION + (ends * (clock.monotonic() - probe.since)) / interval);
    };
    const launch = async ({ id, client, responder, interval }: Extract<LocateAction, { kind: 'open' }>) => {
      const slot = await this.#acquire(name);
      this.#open += 1;
      this.#mostOpen = Math.max(this.#mostOpen, this.#open);
      const means = { client: 'keepalive', responder: 'keepalive' } as const;
      const refreshing = { k: client?.ttl ?? 0, m: responder?.ttl ?? 0, interval, means };
      held.set(id, { slot, since: clock.monotonic(), refreshing });
      feed({ kind: 'opened', id });
    };
    const carryOut = (action: LocateAction): void => {
      switch (action.kind) {
        case 'reach': {
          const { side, ttls, means } = action;
          this.#count(ttls.length * PACKETS_OF_A_CONNECTION);
          const turns = Math.ceil(ttls.length / Math.floor(CONNECTIONS / 2));
          clock.after(turns * REACH_TIME, () =>
            feed({ kind: 'reached', side, acked: ackedTtls(chain, side, ttls, means) }),
          );
          return;
        }
        case 'open':
          void launch(action);
          return;
        case 'test': {
          const probe = held.get(action.id);
          if (probe === undefined) return;
          const idle = clock.monotonic() - probe.since;
          const { alive, evidence, arrivals } = idleAcross(chain, 'send', idle, probe.refreshing);
          clock.after(alive ? 0.1 : 3, () => {
            close(action.id);
            feed({
              kind: 'verdict',
              id: action.id,
              verdict: alive ? { kind: 'alive' } : { kind: 'dead', evidence },
              idle,
              arrivals: probe.refreshing.m === 0 ? { ...arrivals, responder: false } : arrivals,
            });
          });
          return;
        }
        case 'discard':
          close(action.id);
          return;
        case 'wake':
          wake?.cancel();
          wake = clock.after(Math.max(0.001, action.at - clock.monotonic()), () => feed({ kind: 'tick' }));
          return;
        case 'conclude': {
          wake?.cancel();
          const { result } = action;
          ended((hop) => result.kind === 'located' && result.box.kind === 'router' && result.box.hop === hop);
        }
      }
    };
    feed({ kind: 'start' });
  }

  #count(packets: number): void {
    const day = Math.floor(this.#clock.monotonic() / DAY);
    for (let each = this.#packetsByDay.length; each <= day; each++) this.#packetsByDay.push(0);
    this.#packetsByDay[day] = (this.#packetsByDay[day] ?? 0) + packets;
  }
}
