/**
 * The soak: the exporter with its built-in target on the fastest schedule, and a responder under a storm of FIN and
 * DROP, both for a while, their own figures taken again and again. What grows after the first quarter is a leak.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { House } from './house.js';
import { finAndDrop } from './storm.js';
import type { Victim } from './victim.js';

/** Tells on a signal what the process holds, after a collection of garbage; the program itself is the shipped one. */
const FIGURES = `
const { performance } = require('node:perf_hooks');
process.on('SIGUSR2', () => {
  global.gc();
  const resources = process.getActiveResourcesInfo();
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0);
  process.stderr.write('soak ' + JSON.stringify({
    timers: resources.filter((name) => name === 'Timeout' || name === 'Immediate').length,
    listeners,
    heap: process.memoryUsage().heapUsed / 2 ** 20,
  }) + '\\n');
});
`;

const CONFIG = `
schedule: "* * * * * *"
targets:
  - name: embedded
    embedded: {idle_timeout: 2s}
    search: {min_idle: 1s, deadline: 1s, resolution: 1s, max_idle: 10s}
`;
/** Probe connections of a round of the storm, and the pause after it. */
const STORM_PROBES = 20;
const STORM_PAUSE_MS = 300;

/** What a process holds at one moment. */
export interface Holding {
  /** Seconds since the beginning. */
  readonly at: number;
  readonly descriptors: number;
  /** Sockets that are open without a connection. */
  readonly lost: number;
  readonly timers: number;
  /** Listeners of the process itself. */
  readonly listeners: number;
  /** Heap in use after a collection of garbage, and resident memory, MB. */
  readonly heap: number;
  readonly resident: number;
}

export interface Soaked {
  readonly exporter: readonly Holding[];
  readonly responder: readonly Holding[];
  /** Tests that the exporter made, and rounds of the storm. */
  readonly tests: number;
  readonly rounds: number;
}

/** Runs both roles for `seconds` and looks at them every `interval` seconds. */
export async function soak(
  house: House,
  seconds: number,
  interval: number,
  told: (role: string, holding: Holding) => void = () => undefined,
): Promise<Soaked> {
  const preload = await house.write('figures.cjs', FIGURES);
  const room = { descriptors: 1024, node: ['--expose-gc', `--require=${preload}`] };
  const exporter = await house.exporter(CONFIG, [], room);
  const responder = await house.responder([], room);
  const began = performance.now();
  const since = (): number => (performance.now() - began) / 1000;
  let rounds = 0;
  const storm = (async (): Promise<void> => {
    while (since() < seconds) {
      await finAndDrop(responder.port, STORM_PROBES);
      rounds += 1;
      await sleep(STORM_PAUSE_MS);
    }
  })();
  const seen = { exporter: [] as Holding[], responder: [] as Holding[] };
  while (since() < seconds) {
    await sleep(Math.max(0, interval * 1000 - 2000));
    const holdings = await Promise.all([holdingOf(exporter, since()), holdingOf(responder, since())]);
    for (const [index, role] of (['exporter', 'responder'] as const).entries()) {
      const holding = holdings[index];
      if (holding === undefined) continue;
      seen[role].push(holding);
      told(role, holding);
    }
  }
  await storm;
  return { ...seen, tests: await exporter.metric('nat_probe_verdicts_total'), rounds };
}

/** Takes about 2 s: a lost socket is one that stays. */
async function holdingOf(victim: Victim, at: number): Promise<Holding> {
  const lost = await victim.lostSockets();
  const from = victim.process.mark();
  victim.process.signal('SIGUSR2');
  const [, told = ''] = await victim.process.waitForLine(/^soak (\{.*\})$/, 30_000, from);
  return {
    at,
    descriptors: victim.descriptors(),
    lost,
    resident: victim.megabytes(),
    ...(JSON.parse(told) as Pick<Holding, 'timers' | 'listeners' | 'heap'>),
  };
}

/** How much the middle of the last quarter may be above that of the second one: share of it, and in its own unit. */
const ALLOWANCE: Readonly<Partial<Record<keyof Holding, readonly [share: number, units: number]>>> = {
  descriptors: [0.1, 10],
  timers: [0.1, 10],
  listeners: [0, 0],
  heap: [0.1, 2],
};

/** What grew after the first quarter, or was lost at all, in words; empty when nothing did. */
export function growthOf(holdings: readonly Holding[]): string[] {
  const quarter = Math.floor(holdings.length / 4);
  if (quarter === 0) return [`only ${holdings.length} looks, at least 4 are needed`];
  const second = holdings.slice(quarter, 2 * quarter);
  const last = holdings.slice(-quarter);
  const grown = Object.entries(ALLOWANCE).flatMap(([name, [share, units]]) => {
    // What is under way comes and goes with the rounds, so what is left behind shows in the least of it.
    const typical = name === 'heap' || name === 'listeners' ? median : least;
    const [before, after] = [second, last].map((part) =>
      typical(part.map((each) => each[name as keyof Holding])),
    );
    if (before === undefined || after === undefined || after <= before * (1 + share) + units) return [];
    return [`${name} grew from ${before.toFixed(1)} to ${after.toFixed(1)}`];
  });
  const lost = Math.max(...last.map((each) => each.lost));
  return lost > 0 ? [...grown, `${lost} descriptors without a connection`] : grown;
}

function least(values: readonly number[]): number {
  return Math.min(...values);
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
