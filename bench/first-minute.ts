/** The first minute of somebody new: from a clone to the first bracket of the demonstration, step by step. */
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { table, writeSection } from './document.js';

const run = promisify(execFile);
/** The demonstration has its verdict within two minutes on an idle machine; a busy one is waited for, seconds. */
const PATIENCE = 600;

/** A port that nobody listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  return port;
}

/** Waits until a page says something. @throws when it does not in time */
async function untilSaid(url: string, pattern: RegExp): Promise<void> {
  const end = performance.now() + PATIENCE * 1000;
  while (performance.now() < end) {
    const text = await fetch(url).then(
      (answer) => answer.text(),
      () => '',
    );
    if (pattern.test(text)) return;
    await sleep(100);
  }
  throw new Error(`${url} does not say ${pattern} within ${PATIENCE} s`);
}

/** Measures, prints the figures and writes them to docs/BENCHMARKS.md. */
export async function benchFirstMinute(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'first-minute-'));
  const clone = join(folder, 'clone');
  const began = performance.now();
  const passed = (): number => (performance.now() - began) / 1000;
  const steps: (readonly [name: string, at: number])[] = [];
  const step = (name: string): void => {
    steps.push([name, passed()]);
    console.log(`${passed().toFixed(1)} s  ${name}`);
  };
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  try {
    await run('git', ['clone', '--quiet', process.cwd(), clone]);
    step('`git clone`, from this disk');
    await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: clone });
    step('`npm ci`');
    await run('npm', ['run', 'build'], { cwd: clone });
    step('`npm run build`');
    const empty = mkdtempSync(join(folder, 'empty-'));
    const args = [join(clone, 'dist/main.js'), `--web.listen-address=127.0.0.1:${port}`];
    const demo = spawn(process.execPath, args, { cwd: empty, stdio: 'ignore' });
    try {
      await untilSaid(`${url}/`, /<html/);
      step('the status page answers');
      await untilSaid(`${url}/metrics`, /^nat_idle_timeout_upper_bound_seconds\{.*\} \d/m);
      step('the first bracket of the demonstration');
      await untilSaid(`${url}/metrics`, /^(rfc5382_req5_compliant\{.*\} 0\n){3}/m);
      step('its verdict in all three modes');
    } finally {
      demo.kill();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  const rows = steps.map(([name, at], index) => {
    const before = steps[index - 1]?.[1] ?? 0;
    return [name, (at - before).toFixed(1), at.toFixed(1)];
  });
  const text = [
    'Measured by `npm run bench -- first-minute`, in a fresh clone; what npm had loaded before stays in its cache. The built-in',
    'NAT of the demonstration forgets after 60 s, so that no bracket has an upper bound before.',
    '',
    table(['until', 'seconds', 'since the beginning'], rows),
    '',
    `The machine: ${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores; Node ${process.version}; load average at the end ${(loadavg()[0] ?? 0).toFixed(1)}.`,
  ].join('\n');
  console.log(text);
  writeSection('first-minute', text);
}
