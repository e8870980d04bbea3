/** One parallel sweep over a lab with plain sockets: many bare connections, each left idle and tested once. */
import { fileURLToPath } from 'node:url';
import type { Mark, SweepMode, SweepResult, SweepTest } from './helpers/sweep.js';
import type { Lab } from './lab.js';
import type { LabProcess } from './process.js';
import { inTurn } from './turns.js';

export interface SweepOutcome extends SweepTest {
  /** What the client saw, and when (seconds since the start of the silence). */
  readonly client: SweepResult;
  /** What the server saw of the client's answer; only in `recv`. */
  readonly server?: SweepResult;
}

const helper = (name: string): string[] => [
  '--import',
  'tsx',
  fileURLToPath(new URL(`helpers/${name}.ts`, import.meta.url)),
];

/** Where the server of a sweep listens. */
export const PORT = 7000;

/** A test before it has its number. */
export type SweepPlan = Omit<SweepTest, 'id'>;

/**
 * Tests one connection for each pair of mode and idle time (seconds), all at the same time.
 * @param host the server's address
 */
export function sweep(
  lab: Lab,
  host: string,
  pairs: readonly (readonly [mode: SweepMode, idle: number])[],
): Promise<SweepOutcome[]> {
  return sweepPlans(
    lab,
    host,
    pairs.map(([mode, idle]) => ({ mode, idle })),
  );
}

/**
 * Tests one connection for each plan; those without a start of their own all at the same time.
 * @param host the server's address, for the plans that have none of their own
 * @returns the outcomes in the order of the plans
 */
export async function sweepPlans(
  lab: Lab,
  host: string,
  plans: readonly SweepPlan[],
): Promise<SweepOutcome[]> {
  const tests: SweepTest[] = plans.map((plan, id) => ({ ...plan, id }));
  const server = await inTurn(async () => {
    const started = lab.spawn('server', process.execPath, [...helper('sweep_server'), String(PORT)]);
    await started.waitForLine(/^listening$/, 30_000);
    return started;
  });
  const args = [...helper('sweep_client'), host, String(PORT), JSON.stringify(tests)];
  const client = lab.spawn('client', process.execPath, args);
  const longest = Math.max(...tests.map(({ start = 0, idle }) => start + idle));
  try {
    return await Promise.all(tests.map((test) => outcome(test, client, server, (longest + 30) * 1000)));
  } finally {
    await Promise.all([client.stop('SIGKILL'), server.stop('SIGKILL')]);
  }
}

async function outcome(
  test: SweepTest,
  client: LabProcess,
  server: LabProcess,
  patience: number,
): Promise<SweepOutcome> {
  const result = async (end: LabProcess): Promise<SweepResult> => {
    const [line] = await end.waitForLine(new RegExp(`^\\{"id":${test.id},.*$`), patience);
    return JSON.parse(line) as SweepResult;
  };
  if (test.mode !== 'recv') return { ...test, client: await result(client) };
  return { ...test, client: await result(client), server: await result(server) };
}

/**
 * The marks of each column of the truth table, one character for each idle time in the order given; `recv+` is the
 * server's view of the client's answer.
 */
export function columns(
  outcomes: readonly SweepOutcome[],
  idleTimes: readonly number[],
): Record<SweepMode | 'recv+', string> {
  const marks = (mode: SweepMode, of: (outcome: SweepOutcome) => Mark | undefined): string =>
    idleTimes
      .map((idle) => {
        const seen = outcomes.filter((one) => one.mode === mode && one.idle === idle).map(of);
        // Connections that were tested alike must agree; else all their marks are shown.
        return new Set(seen).size === 1 ? seen[0] : `(${seen.join('')})`;
      })
      .join('');
  return {
    send: marks('send', (one) => one.client.mark),
    recv: marks('recv', (one) => one.client.mark),
    'recv+': marks('recv', (one) => one.server?.mark),
    keepalive: marks('keepalive', (one) => one.client.mark),
  };
}
