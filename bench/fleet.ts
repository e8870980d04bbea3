/**
 * What a fleet costs in one exporter: hundreds and thousands of targets of three modes on loopback, each from an
 * address of its own. The exporter's engine and metrics and the responder are processes of their own.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { type Clock, systemClock } from '../src/clock.js';
import { DEFAULT_MAX_CONNECTIONS } from '../src/config/schema.js';
import { checkConfig } from '../src/config/load.js';
import type { Config } from '../src/config/config.js';
import { Engine } from '../src/engine/engine.js';
import { ExporterMetrics } from '../src/exporter/metrics.js';
import { createLogger } from '../src/log.js';
import { enableSocketOptions } from '../src/net/socket-options/library.js';
import { keepNurserySmall } from '../src/nursery.js';
import { openPath } from '../src/probe/far-ends/index.js';
import type { Observation, TestContext } from '../src/probe/observe.js';
import type { Path, PathOptions, ProbeConnection } from '../src/probe/path.js';
import { startResponder } from '../src/responder/responder.js';
import { createBaseApp } from '../src/web/base-app.js';
import { metricsRoute } from '../src/web/metrics-route.js';
import { table, writeSection } from './document.js';

/** What one size of a fleet cost. */
export interface FleetFigures {
  readonly targets: number;
  /** Idle probe connections at the end of the window. */
  readonly connections: number;
  /** Resident memory of the process at the end, bytes. */
  readonly bytes: number;
  /** Its growth since there were no targets, and that of the part of it that is in use, bytes. */
  readonly grown: number;
  readonly grownInUse: number;
  /** Share of one core over the window. */
  readonly cpu: number;
  /** Tests that were begun, and how late, milliseconds. */
  readonly tests: number;
  readonly lateP50: number;
  readonly lateP99: number;
  /** The first scrape of the process, milliseconds: every series' labels are put into text. */
  readonly firstScrape: number;
  /** Samples of a scrape, how long each took and how long it stood in the way of everything else, milliseconds. */
  readonly series: number;
  readonly scrapes: readonly number[];
  /** Processor time of the process during each scrape, milliseconds. */
  readonly scrapeCpu: readonly number[];
  readonly scrapeStall: number;
  /** Longest time that the event loop stood still while nobody scraped, milliseconds. */
  readonly stall: number;
  /** The machine's load over the last minute: above its number of cores everybody waits for a core. */
  readonly load: number;
}

/** What the exporter's process says: where it wants to be scraped now, or what it has measured. */
type Said = { readonly scrape: string } | { readonly figures: FleetFigures };

/** What is wanted at least, and what is aimed at: at 15 000 connections in one process. */
const GOALS = {
  memory: ['≤ 8 KB', '≤ 4 KB'],
  lateness: ['≤ 50 ms', '≤ 25 ms'],
  scrape: ['≤ 50 ms', '≤ 25 ms'],
  stall: ['≤ 100 ms', '≤ 50 ms'],
} as const;

const SIZES = [200, 1000, 2000] as const;
/** Seconds that are measured once the connections are open. */
const WINDOW = 30;
/** Opening ends with this share of the connections open: tests take some away all the time. */
const OPEN_ENOUGH = 0.98;
/** Opening takes no longer than this, seconds. */
const LONGEST_RAMP = 240;
const SCRAPE_EVERY = 5;

/** Measures each size (or those of the arguments), prints the figures and writes them to docs/BENCHMARKS.md. */
export async function benchFleet(args: readonly string[]): Promise<void> {
  const sizes = args.length > 0 ? args.map(Number) : SIZES;
  const figures: FleetFigures[] = [];
  for (const size of sizes) {
    figures.push(await measureFleet(size));
    console.error(JSON.stringify(figures.at(-1)));
    // After each size: a run that is broken off leaves the figures that it has.
    writeSection('fleet', formatFleetFigures(figures));
  }
  console.log(formatFleetFigures(figures));
}

async function measureFleet(targets: number): Promise<FleetFigures> {
  const farEnd = forkSelf(['far-end']);
  const [port] = (await once(farEnd, 'message')) as [number];
  const exporter = forkSelf(['exporter', String(targets), String(port)]);
  try {
    for (;;) {
      const [said] = (await once(exporter, 'message')) as [Said];
      if ('figures' in said) return said.figures;
      exporter.send(await scrape(said.scrape));
    }
  } finally {
    exporter.kill('SIGKILL');
    farEnd.kill('SIGKILL');
  }
}

/** Scrapes as Prometheus does, compressed. @returns milliseconds until the last byte */
async function scrape(url: string): Promise<number> {
  const began = performance.now();
  const request = get(url, { headers: { 'accept-encoding': 'gzip' } });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`${url} answers ${response.statusCode}`);
  response.resume();
  await once(response, 'end');
  return performance.now() - began;
}

function formatFleetFigures(figures: readonly FleetFigures[]): string {
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const median = (values: readonly number[]): number => quantile(values, 0.5);
  const row = (name: string, show: (each: FleetFigures) => string, goal: keyof typeof GOALS | '' = '') => [
    name,
    ...(goal === '' ? ['', ''] : GOALS[goal]),
    ...figures.map(show),
  ];
  const memory = (count: (each: FleetFigures) => number, digits: number) => (each: FleetFigures) =>
    [each.grownInUse, each.grown]
      .map((sum) => `${(sum / count(each) / 1024).toFixed(digits)} KB`)
      .join(' · ');
  return [
    `Measured by \`npm run bench -- fleet\`: targets of three modes on loopback, each from an address of its own, in one`,
    `process; the responder and the scraper are others. The search is the shipped one but for its number of connections`,
    `(the budget of ${DEFAULT_MAX_CONNECTIONS} shared evenly, 24 at most). Once they are open, ${WINDOW} s are measured. There is a scrape`,
    `every ${SCRAPE_EVERY} s from the beginning, over HTTP and compressed as Prometheus asks for it, timed until the last byte.`,
    `Lateness is the begin of a test against its planned moment. A stall is the longest time between two turns of the`,
    `event loop, outside of scrapes and during them. Memory is the growth of resident memory since there were no`,
    `targets, all that a target needs included; "in use" leaves out what V8 holds free for the garbage of a busy minute.`,
    `The machine has ${cpus().length} cores, shared with the responder; where its load average is above that, times contain`,
    `waiting for a core.`,
    '',
    table(
      ['figure', 'at least', 'aim', ...figures.map(({ targets }) => `${targets} targets`)],
      [
        row('idle probe connections', (each) => String(each.connections)),
        row(
          'memory of a connection: in use · resident',
          memory(({ connections }) => connections, 1),
          'memory',
        ),
        row(
          'memory of a target: in use · resident',
          memory(({ targets }) => targets, 0),
        ),
        row('resident memory of the process', (each) => `${(each.bytes / 2 ** 20).toFixed(0)} MB`),
        row('CPU, share of one core', (each) => `${(each.cpu * 100).toFixed(0)} %`),
        row('tests in the window', (each) => String(each.tests)),
        row('lateness of a test, p50', (each) => ms(each.lateP50)),
        row('lateness of a test, p99', (each) => ms(each.lateP99), 'lateness'),
        row('samples of a scrape', (each) => String(each.series)),
        row('time of a scrape, median', (each) => ms(median(each.scrapes))),
        row(
          'the same for 10 000 samples',
          (each) => ms((median(each.scrapes) * 10_000) / each.series),
          'scrape',
        ),
        row('time of a scrape, longest of the window', (each) => ms(Math.max(...each.scrapes))),
        row('time of the first scrape of the process', (each) => ms(each.firstScrape)),
        row('processor time of the process during a scrape, median', (each) => ms(median(each.scrapeCpu))),
        row('longest stall during a scrape', (each) => ms(each.scrapeStall)),
        row('longest stall otherwise', (each) => ms(each.stall), 'stall'),
        row('load average of the machine', (each) => each.load.toFixed(1)),
      ],
    ),
  ].join('\n');
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

function forkSelf(args: readonly string[]): ChildProcess {
  return fork(fileURLToPath(import.meta.url), args, {
    execArgv: ['--expose-gc'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

async function runFarEnd(): Promise<void> {
  const responder = await startResponder({
    native: [{ host: '127.0.0.1', port: 0 }],
    limits: { maxConnections: 19_500 },
    logger: pino({ level: 'silent' }),
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.(responder.addresses.native[0]?.port);
}

function configOf(targets: number, port: number): Config {
  const connections = Math.max(2, Math.min(24, Math.floor(DEFAULT_MAX_CONNECTIONS / (3 * targets))));
  const list = Array.from({ length: targets }, (_, index) => ({
    name: `target-${index}`,
    host: '127.0.0.1',
    port,
    local_address: `127.1.${index >> 8}.${index & 255}`,
    labels: { isp: `isp-${index % 7}` },
  }));
  return checkConfig({ search: { connections }, targets: list }, 'bench');
}

/** A clock and paths that tell how late each test begins. */
class Lateness {
  readonly seen: number[] = [];
  #late: number | undefined;
  readonly #watched = new Set<ProbeConnection>();

  readonly clock: Clock = {
    ...systemClock,
    after: (delay, run) => {
      const due = systemClock.monotonic() + Math.max(0, delay);
      return systemClock.after(delay, () => {
        this.#late = (systemClock.monotonic() - due) * 1000;
        try {
          run();
        } finally {
          this.#late = undefined;
        }
      });
    },
  };

  readonly openPath = (options: PathOptions): Path => {
    const path = openPath(options);
    const open = path.open.bind(path);
    path.open = async (...args) => {
      const connection = await open(...args);
      this.#watch(connection);
      return connection;
    };
    return path;
  };

  /** Watches all connections of this kind: a wrapper for each would weigh on the memory that is measured. */
  #watch(connection: ProbeConnection): void {
    const kind = Object.getPrototypeOf(connection) as ProbeConnection;
    if (this.#watched.has(kind)) return;
    this.#watched.add(kind);
    const test = Object.getOwnPropertyDescriptor(kind, 'test')?.value as (
      this: ProbeConnection,
      context: TestContext,
    ) => Promise<Observation>;
    const noteLateness = (): void => {
      // Set only while a timer runs: a test begins in the turn in which its moment comes.
      if (this.#late !== undefined) this.seen.push(this.#late);
    };
    kind.test = function (this: ProbeConnection, context) {
      noteLateness();
      return test.call(this, context);
    };
  }
}

/** The longest pauses of the event loop, told apart by whether somebody scrapes. */
class Stalls {
  scraping = false;
  during = 0;
  otherwise = 0;
  #last = performance.now();

  start(): void {
    this.during = 0;
    this.otherwise = 0;
    this.#last = performance.now();
    const look = (): void => {
      this.note();
      setTimeout(look, 1);
    };
    look();
  }

  note(): void {
    const now = performance.now();
    const pause = now - this.#last;
    this.#last = now;
    if (this.scraping) this.during = Math.max(this.during, pause);
    else this.otherwise = Math.max(this.otherwise, pause);
  }
}

async function runExporter(count: number, port: number): Promise<void> {
  keepNurserySmall();
  // As the program does at its start, and as it can be told not to.
  if (process.env['NAT_IDLE_SOCKET_OPTIONS'] !== 'off') await enableSocketOptions();
  const lateness = new Lateness();
  const metrics = new ExporterMetrics({
    view: { targets: () => engine.targets(), snapshots: () => engine.snapshots() },
    build: { version: 'bench', revision: 'bench' },
  });
  const engine: Engine = new Engine({
    clock: lateness.clock,
    log: createLogger({ level: 'info', format: 'logfmt', stream: { write: () => undefined } }),
    observer: metrics.observer,
    openEmbedded: () => Promise.reject(new Error('no embedded target here')),
    openPath: lateness.openPath,
  });
  await collect();
  const before = memory();
  const config = configOf(count, port);
  await engine.apply(config);
  metrics.reload(true, systemClock.wall());
  const wanted = Math.min(
    DEFAULT_MAX_CONNECTIONS,
    config.targets.reduce((sum, { modes, search }) => sum + modes.length * search.connections, 0),
  );
  const app = createBaseApp({ name: 'bench', ready: () => true });
  app.get('/metrics', metricsRoute(metrics));
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  const firstScrape = await scrapeOurselves(url);
  // Prometheus scrapes from the beginning, too.
  for (let waited = 0; waited < LONGEST_RAMP; waited += SCRAPE_EVERY) {
    await sleep(SCRAPE_EVERY);
    if (openConnections(engine) >= wanted * OPEN_ENOUGH) break;
    await scrapeOurselves(url);
  }

  const stalls = new Stalls();
  lateness.seen.length = 0;
  const cpuBefore = process.cpuUsage();
  stalls.start();
  const scrapes: number[] = [];
  const scrapeCpu: number[] = [];
  for (let at = 0; at < WINDOW; at += SCRAPE_EVERY) {
    await sleep(SCRAPE_EVERY);
    stalls.note();
    stalls.scraping = true;
    const cpu = process.cpuUsage();
    scrapes.push(await scrapeOurselves(url));
    const used = process.cpuUsage(cpu);
    scrapeCpu.push((used.user + used.system) / 1000);
    stalls.note();
    stalls.scraping = false;
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  const late = [...lateness.seen];
  const { during: scrapeStall, otherwise: stall } = stalls;
  const connections = openConnections(engine);
  server.close();
  await collect();
  const after = memory();
  const figures: FleetFigures = {
    targets: count,
    connections,
    bytes: after.resident,
    grown: after.resident - before.resident,
    grownInUse: after.inUse - before.inUse,
    cpu: (user + system) / 1e6 / WINDOW,
    tests: late.length,
    lateP50: quantile(late, 0.5),
    lateP99: quantile(late, 0.99),
    series: (await metrics.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#')).length,
    firstScrape,
    scrapes,
    scrapeCpu,
    scrapeStall,
    stall,
    load: loadavg()[0] ?? Number.NaN,
  };
  process.on('disconnect', () => process.exit(0));
  say({ figures });
}

/** Has the other process scrape this one. @returns milliseconds */
async function scrapeOurselves(url: string): Promise<number> {
  const scraped = once(process, 'message') as Promise<[number]>;
  say({ scrape: url });
  const [took] = await scraped;
  return took;
}

function say(said: Said): void {
  process.send?.(said);
}

function openConnections(engine: Engine): number {
  let sum = 0;
  for (const { modes } of engine.snapshots()) for (const { connections } of modes) sum += connections;
  return sum;
}

function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

/** A second collection frees what the first one's finalizers let go of. */
async function collect(): Promise<void> {
  const gc = (globalThis as { gc?: () => void }).gc;
  gc?.();
  await sleep(0.5);
  gc?.();
}

function memory(): { readonly resident: number; readonly inUse: number } {
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  return { resident: rss, inUse: rss - (heapTotal - heapUsed) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , what = '', first, second] = process.argv;
  if (what === 'far-end') await runFarEnd();
  if (what === 'exporter') await runExporter(Number(first), Number(second));
}
