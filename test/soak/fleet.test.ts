import { setMaxListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Breaker } from '../../src/engine/breaker.js';
import { Launches } from '../../src/engine/launches.js';
import { Lifeline } from '../../src/engine/lifeline.js';
import { pause } from '../../src/pause.js';
import type { LinkEnd } from '../../src/net/errors.js';
import { ConnectError } from '../../src/net/link.js';
import type { Canary, Introduction, Path, ProbeConnection } from '../../src/probe/path.js';
import type { Observation } from '../../src/probe/observe.js';
import type { Seconds } from '../../src/units.js';
import { CoarseClock } from '../support/coarse-clock.js';
import { randomFrom } from '../support/prng.js';

const EXPORTERS = 2000;
/** What the far end accepts in a second; one responder process answers more than 8000 hellos. */
const ACCEPTS_PER_SECOND = 6000;
const ENDPOINT = { address: '203.0.113.9', port: 5382 };
/** What the default search keeps open in three modes. */
const PROBES = 72;

/** One connection that the fleet's far end has accepted. */
class Held implements Canary, ProbeConnection {
  readonly introduction: Introduction;
  readonly greeted = true;
  readonly local = '192.0.2.2:40000';
  readonly remote = '203.0.113.9:5382';
  readonly opened: ProbeConnection['opened'];
  end: LinkEnd | undefined;
  readonly #farEnd: FarEnd;
  #whenEnded: ((end: LinkEnd) => void) | undefined;

  constructor(farEnd: FarEnd, introduction: Introduction) {
    this.#farEnd = farEnd;
    this.introduction = introduction;
    const now = farEnd.clock.monotonic();
    this.opened = { earliest: now, latest: now };
  }

  whenEnded(run: (end: LinkEnd) => void): void {
    this.#whenEnded = run;
    if (this.end !== undefined) run(this.end);
  }

  finish(kind: 'closed' | 'reset'): void {
    this.#farEnd.held.delete(this);
    this.end ??= { kind, detail: `${kind} by the far end` };
    this.#whenEnded?.(this.end);
  }

  async beat(deadline: Seconds, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#farEnd;
    await pause(clock, 0.04, signal);
    if (this.end !== undefined) return false;
    if (this.#farEnd.up) return true;
    await pause(clock, deadline, signal);
    return false;
  }

  test(): Promise<Observation> {
    return Promise.reject(new Error('nothing is tested here'));
  }

  close(): void {
    this.#whenEnded = undefined;
    this.#farEnd.held.delete(this);
  }
}

/** The one responder of the whole fleet. */
class FarEnd {
  readonly clock = new CoarseClock();
  readonly held = new Set<Held>();
  up = true;
  instance = 'first';
  /** Connections that were tried, and turned away for want of room, second by second. */
  tries: number[] = [];
  overrun = 0;
  #since = 0;
  #budget = Number.POSITIVE_INFINITY;

  /** Counts from now on, and accepts no more than it can. */
  mark(): void {
    this.tries = [];
    this.#budget = ACCEPTS_PER_SECOND;
    this.#since = this.clock.monotonic();
  }

  async connect(signal: AbortSignal): Promise<Held> {
    const second = Math.floor(this.clock.monotonic() - this.#since);
    const tries = (this.tries[second] = (this.tries[second] ?? 0) + 1);
    await new Promise<void>((resolve) => this.clock.after(0.04, resolve));
    if (tries > this.#budget) this.overrun += 1;
    if (!this.up || signal.aborted || tries > this.#budget)
      throw new ConnectError(ENDPOINT, { kind: 'refused', detail: 'connection refused' });
    const held = new Held(this, {
      localAddress: '192.0.2.2',
      seenAddress: '198.51.100.1',
      instance: this.instance,
    });
    this.held.add(held);
    return held;
  }

  path(): Path {
    return {
      open: (_mode, _testAt, signal) => this.connect(signal),
      openCanary: (signal) => this.connect(signal),
      check: async (signal) => {
        const held = await this.connect(signal);
        held.close();
        return held.introduction;
      },
    };
  }

  /** Every connection ends in this moment; the next process listens after `downtime`. */
  async restart(kind: 'closed' | 'reset', downtime: Seconds): Promise<void> {
    this.up = false;
    for (const held of [...this.held]) held.finish(kind);
    await this.clock.advance(downtime);
    this.instance = 'second';
    this.up = true;
  }
}

/** What one exporter has of a target: the lifeline, the breaker and the launches, and 72 connections that it wants. */
class Exporter {
  readonly #stop = new AbortController();
  readonly #clock: CoarseClock;
  readonly #path: Path;
  readonly #launches: Launches;
  readonly #breaker: Breaker;
  #round = 0;
  #open = 0;
  losses = 0;
  watched = false;

  constructor(farEnd: FarEnd, random: () => number) {
    const { clock } = farEnd;
    setMaxListeners(0, this.#stop.signal);
    this.#clock = clock;
    this.#path = farEnd.path();
    this.#launches = new Launches({ clock });
    this.#breaker = new Breaker({ clock, random });
    const relaunch = (): void => {
      this.#breaker.slowDown();
      this.#launchAll();
    };
    const lifeline = new Lifeline({
      path: this.#path,
      clock,
      random,
      deadline: 8,
      resolution: 10,
      survives: () => undefined,
      events: {
        reached: () => undefined,
        watched: () => {
          this.watched = true;
          this.#breaker.release();
        },
        unwatched: () => {
          this.watched = false;
          this.#breaker.hold();
        },
        unreachable: () => undefined,
        mappingLoss: () => (this.losses += 1),
        farEndRestarted: relaunch,
        closedByFarEnd: relaunch,
        outageOutlasted: relaunch,
        lifetime: () => undefined,
      },
    });
    void lifeline.run(this.#stop.signal);
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Worse than a search, which lets its ladder wait for longer and longer: all of them at once. */
  #launchAll(): void {
    this.#round += 1;
    this.#open = 0;
    for (let probe = 0; probe < PROBES; probe += 1) void this.#launch(this.#round);
  }

  async #launch(round: number): Promise<void> {
    const { signal } = this.#stop;
    const wanted = (): boolean => round === this.#round && this.#open < PROBES;
    while (wanted()) {
      if (!(await this.#breaker.pass(wanted, signal))) return;
      const slot = await this.#launches.acquire('far', wanted, signal);
      const launchedAt = this.#clock.monotonic();
      try {
        await this.#path.open('send', undefined, signal);
        this.#open += 1;
        return;
      } catch {
        this.#breaker.failed(launchedAt);
      } finally {
        slot?.release();
        this.#breaker.settled();
      }
    }
  }
}

describe('a fleet of 2000 exporters', () => {
  it.each([
    ['closes politely and is back at once', 'closed', 1],
    ['is killed and back after half a minute', 'reset', 30],
  ] as const)(
    'comes back without a stampede when its responder %s',
    async (_what, kind, downtime) => {
      const farEnd = new FarEnd();
      const { clock } = farEnd;
      const random = randomFrom(5382);
      const exporters: Exporter[] = [];
      // Only their canaries live yet: this test is about coming back, then with all that each of them wants.
      for (let group = 0; group < 20; group += 1) {
        for (let each = 0; each < EXPORTERS / 20; each += 1) exporters.push(new Exporter(farEnd, random));
        await clock.advance(0.5);
      }
      await clock.advance(5);
      expect(farEnd.held.size).toBe(EXPORTERS * 2);

      farEnd.mark();
      await farEnd.restart(kind, downtime);
      let watched: Seconds | undefined;
      let all: Seconds | undefined;
      for (let elapsed = 1; all === undefined && elapsed < 180; elapsed += 1) {
        await clock.advance(1);
        if (exporters.every((each) => each.watched)) watched ??= elapsed;
        if (farEnd.held.size === EXPORTERS * (PROBES + 2)) all = elapsed;
      }
      const tries = Array.from(farEnd.tries, (each) => each ?? 0);
      for (const exporter of exporters) exporter.stop();
      const whileDown = Math.max(...tries.slice(0, downtime));
      const figures = { kind, whileDown, peak: Math.max(...tries), watched, all };
      if (process.env['FIGURES']) console.log(figures, tries.join(' '));
      expect(farEnd.overrun, JSON.stringify(figures)).toBe(0);
      expect(figures.peak).toBeLessThan(5000);
      expect(whileDown).toBeLessThan(1500);
      expect(watched).toBeLessThan(30);
      expect(all).toBeLessThan(75);
      expect(exporters.filter(({ losses }) => losses > 0)).toEqual([]);
    },
    400_000,
  );
});
