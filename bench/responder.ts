/**
 * What a responder costs: idle connections, memory of each, accepts a second; and the same for a server with a
 * thread for each connection as a yardstick. Loopback only, bounded, in processes of its own.
 */
import { availableParallelism, cpus, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFileLimit } from '../src/descriptors.js';
import { processRoom } from '../src/responder/limits.js';
import { table, writeSection } from './document.js';
import {
  Clients,
  cpuSeconds,
  listenDrops,
  machineSeconds,
  privateBytes,
  type Server,
  startResponderProgram,
  startThreads,
} from './responder/processes.js';

/** What one server showed. */
interface Figures {
  readonly server: string;
  readonly clients: number;
  /** Connections that were asked for, and idle ones held at the end. */
  readonly wanted: number;
  readonly held: number;
  /** Not answered within 10 s, reset, or ended while idle. */
  readonly lost: number;
  /** The kernel's own count of connections that nobody accepted in time. */
  readonly dropped: number;
  /** Private memory of all processes of the server, growth for each connection after the first tenth. */
  readonly bytesEach: number;
  readonly opensPerSecond: number;
  /** Processor time for each connection: of all processes of the server, and of the clients. */
  readonly cpuEach: number;
  readonly clientCpuEach: number;
  readonly load: number;
  /** Share of the machine's processor time that went to anybody else. */
  readonly foreign: number;
  /** What the server complained about, where it lost something. */
  readonly complaint: string;
}

const GOALS = {
  one: { atLeast: 19_000 },
  many: { atLeast: 100_000 },
  kilobytes: { atLeast: 4, aim: 2 },
  rate: { atLeast: 8000, aim: 10_000 },
  lost: { atLeast: 0, aim: 0 },
} as const;

/** Share of the machine's processor time that others may have before figures are worth nothing. */
const FOREIGN_MOST = 0.1;

/** Unanswered at a time, of all clients together. */
const WINDOW = 1000;
/** Descriptors that a client needs for other things. */
const CLIENT_RESERVE = 100;
/** How long they idle before they are counted again. */
const HOLD_MS = 5000;

interface Run {
  readonly server: string;
  readonly connections: number;
  readonly start: () => Promise<Server>;
}

/**
 * Prints the figures and writes them to docs/BENCHMARKS.md, unless others kept the machine busy; with a number, only
 * prints those of so many connections at most.
 */
export async function benchResponders(args: readonly string[]): Promise<void> {
  const most = args[0] === undefined ? Infinity : Number(args[0]);
  const workers = Math.ceil(GOALS.many.atLeast / (processRoom(2) * 0.9));
  const responder = (count: number, connections: number): Run => ({
    server: count === 1 ? 'responder, one process' : `responder, ${count} workers`,
    connections: Math.min(most, connections),
    start: () => startResponderProgram(count, Math.max(connections + 500 * (count - 1), 1000)),
  });
  const one = await measure(responder(1, GOALS.one.atLeast));
  const two = await measure(responder(2, 2 * 17_000));
  const many = await measure(responder(workers, GOALS.many.atLeast));
  const threads = await measure({
    server: 'thread per connection (Python)',
    connections: Math.min(most, GOALS.one.atLeast),
    start: startThreads,
  });
  const all = [one, two, many, threads];
  const text = [about(), goals(one, two, many, threads), everything(all)].join('\n\n');
  console.log(text);
  if (most < Infinity) return;
  const spoilt = all.filter(({ foreign }) => foreign > FOREIGN_MOST);
  if (spoilt.length === 0) writeSection('responder', text);
  else console.error(refusal(spoilt));
}

/** Why figures of a busy machine are not written. */
function refusal(spoilt: readonly Figures[]): string {
  const rows = spoilt.map(({ server, foreign }) => `"${server}" ${(foreign * 100).toFixed(0)} %`).join(', ');
  return `docs/BENCHMARKS.md is left as it was: other processes had more than ${FOREIGN_MOST * 100} % of the CPU during ${rows}`;
}

async function measure({ server, connections, start }: Run): Promise<Figures> {
  const perClient = openFileLimit() - CLIENT_RESERVE;
  const count = Math.max(1, Math.ceil(connections / perClient));
  console.error(`${server}: opening ${connections} connections from ${count} client processes`);
  const running = await start();
  let clients: Clients | undefined;
  try {
    clients = await Clients.start(running.port, count, perClient, WINDOW);
    const first = Math.floor(connections / 10);
    const warmUp = await clients.open(first);
    const sum = (read: (pid: number) => number): number =>
      running.pids.reduce((total, pid) => total + read(pid), 0);
    await sleep(1000);
    const before = { memory: sum(privateBytes), cpu: sum(cpuSeconds), clientCpu: clients.cpu() };
    const machine = machineSeconds();
    const drops = listenDrops();
    const began = performance.now();
    const opened = await clients.open(connections - first);
    const seconds = (performance.now() - began) / 1000;
    const cpu = sum(cpuSeconds) - before.cpu;
    const clientCpu = clients.cpu() - before.clientCpu;
    const foreign = (machineSeconds() - machine - cpu - clientCpu) / (seconds * availableParallelism());
    const load = loadavg()[0] ?? Number.NaN;
    await sleep(HOLD_MS);
    const held = Math.min(await clients.alive(), (await running.connections()) ?? Infinity);
    const figures = {
      server,
      clients: count,
      wanted: connections,
      held,
      lost: connections - held,
      dropped: listenDrops() - drops,
      bytesEach: (sum(privateBytes) - before.memory) / opened.held,
      opensPerSecond: opened.held / seconds,
      cpuEach: cpu / opened.held,
      clientCpuEach: clientCpu / opened.held,
      load,
      foreign: Math.max(0, foreign),
      complaint: running.complaint(),
    };
    console.error(`  held ${held}, not welcomed ${warmUp.lost + opened.lost}, ${JSON.stringify(figures)}`);
    return figures;
  } finally {
    await clients?.end();
    await running.end();
  }
}

function about(): string {
  return [
    `Measured by \`npm run bench -- responder\`: the program as it is installed (\`dist/main.js responder\`), on loopback,`,
    `with ${openFileLimit()} descriptors for each process. A connection counts when its hello was answered with a welcome; lost`,
    `is what was not answered within 10 s, was reset, or was not there any more after ${HOLD_MS / 1000} s of idling, by the clients`,
    "and by the responder's own metric. Clients are Python processes with the hellos ready, at most",
    `${WINDOW} unanswered connections of all of them at a time. The first tenth warms the program up; times and memory are`,
    'of the rest. Memory is what the processes of the server have for themselves alone (Private of',
    '`smaps_rollup`, no collection of garbage asked for); what the kernel needs for a socket is not in it.',
    '',
    `The machine: ${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, which server **and clients** share; Node ${process.version}. So the rate`,
    'is that of both together; the processor time of the server alone is beside it. The yardstick has the same duty and',
    'the same clients.',
  ].join('\n');
}

type Standing = 'PASS (aim)' | 'PASS' | '**MISS**';

function standing(
  value: number,
  { atLeast, aim }: { atLeast: number; aim?: number },
  more: boolean,
): Standing {
  const reaches = (goal: number): boolean => (more ? value >= goal : value <= goal);
  if (!reaches(atLeast)) return '**MISS**';
  return aim !== undefined && reaches(aim) ? 'PASS (aim)' : 'PASS';
}

function goals(one: Figures, two: Figures, many: Figures, threads: Figures): string {
  const kilobytes = ({ bytesEach }: Figures): number => bytesEach / 1024;
  const row = (
    name: string,
    value: number,
    goal: { atLeast: number; aim?: number },
    more: boolean,
    digits = 0,
  ): string[] => {
    const sign = more ? '≥ ' : '≤ ';
    const aim = goal.aim === undefined ? '–' : sign + String(goal.aim);
    return [name, sign + String(goal.atLeast), aim, value.toFixed(digits), standing(value, goal, more)];
  };
  const lost = one.lost + two.lost + many.lost;
  const ratio = (mine: number, theirs: number): string => (mine / theirs).toFixed(2);
  return [
    table(
      ['figure', 'at least', 'aim', 'measured', ''],
      [
        row('idle connections held by one process', one.held, GOALS.one, true),
        row(`idle connections held by several (${many.server})`, many.held, GOALS.many, true),
        row('KB of user memory for a connection, one process', kilobytes(one), GOALS.kilobytes, false, 2),
        row(`the same, ${two.server}`, kilobytes(two), GOALS.kilobytes, false, 2),
        row(`the same, ${many.server}`, kilobytes(many), GOALS.kilobytes, false, 2),
        row('accepted and answered a second, one process', one.opensPerSecond, GOALS.rate, true),
        row(`the same, ${two.server}`, two.opensPerSecond, GOALS.rate, true),
        row(`the same, ${many.server}`, many.opensPerSecond, GOALS.rate, true),
        row('connections lost, all of these runs', lost, GOALS.lost, false),
        row(
          "connections that the kernel dropped from the listener's queue (ListenDrops)",
          one.dropped + two.dropped + many.dropped,
          GOALS.lost,
          false,
        ),
      ],
    ),
    '',
    `Against the yardstick (one process / thread per connection): ${ratio(one.held, threads.held)} times the connections,`,
    `${ratio(kilobytes(one), kilobytes(threads))} times the memory of each, ${ratio(one.opensPerSecond, threads.opensPerSecond)} times the rate, ${ratio(one.cpuEach, threads.cpuEach)} times the processor`,
    `time of each.${shortfall(threads)}`,
  ].join('\n');
}

function shortfall({ wanted, held, complaint }: Figures): string {
  if (held >= wanted) return ` The yardstick held all ${wanted} that it was asked for.`;
  const words = complaint === '' ? 'without a word' : `saying "${complaint}"`;
  return ` The yardstick held ${held} of the ${wanted} that it was asked for, ${words}.`;
}

function everything(all: readonly Figures[]): string {
  return table(
    [
      'server',
      'client processes',
      'idle connections',
      'lost',
      'KB each',
      'opened and answered a second',
      'CPU seconds of the server for 1000',
      'of the clients',
      'load average',
      'CPU that others had',
    ],
    all.map((seen) => [
      seen.server,
      String(seen.clients),
      String(seen.held),
      String(seen.lost),
      (seen.bytesEach / 1024).toFixed(2),
      seen.opensPerSecond.toFixed(0),
      (seen.cpuEach * 1000).toFixed(3),
      (seen.clientCpuEach * 1000).toFixed(3),
      seen.load.toFixed(1),
      `${(seen.foreign * 100).toFixed(0)} %`,
    ]),
  );
}
