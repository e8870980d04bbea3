/** `npm run bench -- NAME [options]`: runs one benchmark; without a name, lists them. */

/** A benchmark: prints its figures and writes its own section of docs/BENCHMARKS.md. */
export type Benchmark = (args: readonly string[]) => Promise<void> | void;

interface Entry {
  readonly about: string;
  readonly load: () => Promise<Benchmark>;
}

const BENCHMARKS: Readonly<Record<string, Entry>> = {
  search: {
    about: 'the search against the sweep and a sequential bisection, in virtual time',
    load: async () => (await import('./search.js')).benchSearch,
  },
  'search-modes': {
    about: 'the searches of a target’s modes together, 24 connections each beside 12, in virtual time',
    load: async () => (await import('./search-modes.js')).benchModes,
  },
  locate: {
    about: 'which box forgets, in random chains of boxes, in virtual time',
    load: async () => (await import('./locate.js')).benchLocate,
  },
  'locate-fleet': {
    about: 'which box forgets, of 2000 targets whose timeouts change at once, in virtual time',
    load: async () => (await import('./locate-fleet.js')).benchLocateFleet,
  },
  fleet: {
    about: 'hundreds and thousands of targets in one exporter: memory, CPU, lateness, scrapes, stalls',
    load: async () => (await import('./fleet.js')).benchFleet,
  },
  dashboards: {
    about: 'every panel of the fleet dashboard with 2000 vantage points on a real Prometheus',
    load: async () => (await import('./dashboards.js')).benchDashboards,
  },
  ssh: {
    about: 'an SSH server as far end beside the responder: time behind a kernel NAT, memory of a connection',
    load: async () => (await import('./ssh.js')).benchSsh,
  },
  audit: {
    about: 'the whole command audit with 2000 paths and a month of history on a real Prometheus',
    load: async () => (await import('./audit.js')).benchAudit,
  },
  'first-minute': {
    about: 'from a fresh clone to the first bracket of the demonstration',
    load: async () => (await import('./first-minute.js')).benchFirstMinute,
  },
  responder: {
    about: 'idle connections, memory and accepts of the responder beside a thread-per-connection server',
    load: async () => (await import('./responder.js')).benchResponders,
  },
};

async function main(args: readonly string[]): Promise<number> {
  const [name, ...rest] = args;
  const entry = name === undefined ? undefined : BENCHMARKS[name];
  if (entry === undefined) {
    if (name !== undefined) console.error(`no benchmark is called "${name}"`);
    console.error('usage: npm run bench -- NAME');
    for (const [known, { about }] of Object.entries(BENCHMARKS)) console.error(`  ${known}  ${about}`);
    return 2;
  }
  await (await entry.load())(rest);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
