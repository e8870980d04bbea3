/** A day of a fleet in virtual time, scraped all along: what the process holds is the same every quarter. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { DEFAULT_SEARCH } from '../../src/config/schema.js';
import type { TargetConfig } from '../../src/config/config.js';
import { Engine } from '../../src/engine/engine.js';
import { ExporterMetrics } from '../../src/exporter/metrics.js';
import { createLogger } from '../../src/log.js';
import { growthOf, type Holding } from '../../attack/support/soak.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakePath } from '../support/fake-path.js';

const HOURS = 24;
const TARGETS = Number(process.env['GROWTH_TARGETS'] ?? 200);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Abort listeners that were added and not removed; one that fires once ends with its signal. */
function countAbortListeners(): { readonly count: () => number; readonly restore: () => void } {
  // eslint-disable-next-line @typescript-eslint/unbound-method -- both are called with the `this` that they are called with
  const { addEventListener, removeEventListener } = EventTarget.prototype;
  const held = new Map<unknown, number>();
  let count = 0;
  EventTarget.prototype.addEventListener = function (
    this: EventTarget,
    ...args: Parameters<typeof addEventListener>
  ) {
    if (args[0] === 'abort') {
      count += 1;
      held.set(args[1], (held.get(args[1]) ?? 0) + 1);
    }
    addEventListener.apply(this, args);
  };
  EventTarget.prototype.removeEventListener = function (
    this: EventTarget,
    ...args: Parameters<typeof removeEventListener>
  ) {
    const times = held.get(args[1]) ?? 0;
    if (args[0] === 'abort' && times > 0) {
      count -= 1;
      if (times === 1) held.delete(args[1]);
      else held.set(args[1], times - 1);
    }
    removeEventListener.apply(this, args);
  };
  return {
    count: () => count,
    restore: () => Object.assign(EventTarget.prototype, { addEventListener, removeEventListener }),
  };
}

/** Nothing here waits for anything but promises, which settle a thousand times as fast as turns of the event loop. */
function promises(): () => Promise<void> {
  let calls = 0;
  return async () => {
    for (let turn = 0; turn < 25; turn += 1) await Promise.resolve();
    // Now and then a real one, for the test's own deadline.
    if ((calls += 1) % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  };
}

const target = (index: number): TargetConfig => ({
  name: `target-${index}`,
  far_end: { kind: 'native', host: '203.0.113.9', port: 5382 },
  modes: ['send'],
  family: 'any',
  labels: {},
  search: { ...DEFAULT_SEARCH, connections: 4 },
});

it(`${TARGETS} targets over ${HOURS} h hold no more series, timers, listeners and heap in the end`, async () => {
  const clock = new FakeClock(promises());
  const listeners = countAbortListeners();
  const metrics = new ExporterMetrics({
    view: { targets: () => engine.targets() },
    build: { version: '1', revision: 'a', nodeVersion: 'v0' },
    defaultMetrics: false,
  });
  let made = 0;
  const engine: Engine = new Engine({
    clock,
    log: createLogger({ level: 'error', format: 'logfmt', stream: { write: () => undefined } }),
    observer: metrics.observer,
    // As many as have come together after an hour or two: what is kept for the page is full before the first look.
    testsKept: 20,
    openEmbedded: () => Promise.reject(new Error('not part of this test')),
    askRouter: () => Promise.resolve(undefined),
    openPath: () => {
      const path = new FakePath(clock);
      // Every kind of path: forgetful ones, and some that never forget.
      path.idleTimeout = [300, 900, 3600, undefined][made++ % 4];
      return path;
    },
  });
  const holdings: Holding[] = [];
  const series: number[] = [];
  try {
    await engine.apply({
      schedule: '*/5 * * * *',
      targets: Array.from({ length: TARGETS }, (_, index) => target(index)),
    });
    for (let look = 1; look <= 16; look += 1) {
      await clock.advance((HOURS * 3600) / 16);
      const text = await metrics.text();
      series.push(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length);
      collect();
      holdings.push({
        ...{ at: clock.monotonic(), descriptors: 0, lost: 0, timers: clock.timers, resident: 0 },
        listeners: listeners.count(),
        heap: process.memoryUsage().heapUsed / 2 ** 20,
      });
    }
  } finally {
    await engine.stop();
    listeners.restore();
  }
  expect(growthOf(holdings)).toEqual([]);
  // All of it is known by then; a counter of a rare reason may still begin.
  expect(series.at(-1)).toBeLessThanOrEqual(1.02 * Math.max(...series.slice(4, 8)));
  console.log(
    JSON.stringify({ first: holdings[4], last: holdings.at(-1), series: [series[4], series.at(-1)] }),
  );
  // Not a measure of speed: a core for a minute and a half, shared with what runs beside it.
}, 900_000);
