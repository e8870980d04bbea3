/** Floods between the processes of a real responder: what its processes keep in memory, and who is served. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startClusteredResponder } from '../../../src/responder/cluster/primary.js';
import { encodeClientMessage } from '../../../src/wire/codec.js';
import { newHello, RawClient } from '../raw-client.js';
import { withOnly, workerPids } from './workers.js';

/** What the program has for it. */
const MOST_UNANSWERED = 64;

// A wait has its own deadline; this one is for a busy machine.
vi.setConfig({ testTimeout: 90_000 });

const X = '0123456789abcdef';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Program {
  readonly process: ChildProcess;
  readonly port: number;
  /** The primary and its workers. */
  readonly pids: () => number[];
}

/** A responder of two workers as a program of its own. */
async function startProgram(): Promise<Program> {
  const listen = ['--listen-address=127.0.0.1:0', '--web.listen-address=127.0.0.1:0', '--log.format=json'];
  const args = ['dist/main.js', 'responder', '--workers=2', ...listen];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'exit');
  closing.push(async () => {
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await ended;
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const port = await vi.waitFor(
    () => {
      const found = /"native":\[\{[^}]*"port":(\d+)/.exec(said)?.[1];
      if (found === undefined) throw new Error(`it does not listen: ${said}`);
      return Number(found);
    },
    { timeout: 30_000 },
  );
  const pid = child.pid ?? 0;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim().split(' ').map(Number);
  const workers = children.filter((each) =>
    readFileSync(`/proc/${each}/cmdline`, 'latin1').includes('cluster/worker.'),
  );
  expect(workers).toHaveLength(2);
  return { process: child, port, pids: () => [pid, ...workers] };
}

/** Resident memory of a process, MiB. */
function residentOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) / 1024;
}

/** Runs in a thread of its own: controls that each send so many lines a second, in twenty parts. */
const FLOOD = `
const { connect } = require('node:net');
const { parentPort, workerData: { port, hellos, lines, counts } } = require('node:worker_threads');
for (const hello of hellos) {
  const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.66' }, () => socket.write(hello));
  let welcome = false;
  socket.on('data', () => { if (!welcome) { welcome = true; Atomics.add(counts, 0, 1); } });
  socket.on('error', () => {});
  const pace = setInterval(() => { if (welcome && socket.writableLength < 1e6) socket.write(lines); }, 50);
  socket.on('close', () => { clearInterval(pace); Atomics.add(counts, 1, 1); });
}
parentPort.on('message', () => process.exit());
`;

/** Resolves when all controls are opened; how many of them have ended is asked of the result. */
async function flood(port: number, controls: number, lines: string): Promise<() => number> {
  const counts = new Int32Array(new SharedArrayBuffer(8));
  const hellos = Array.from({ length: controls }, () => encodeClientMessage(newHello('control')));
  const thread = new Worker(FLOOD, { eval: true, workerData: { port, hellos, lines, counts } });
  closing.push(() => thread.terminate());
  await vi.waitFor(() => expect(Atomics.load(counts, 0)).toBe(controls), { timeout: 30_000 });
  return () => Atomics.load(counts, 1);
}

const perPart = (count: number, line: (probe: number) => string): string =>
  Array.from({ length: count }, (_, probe) => line(probe)).join('');

/** Bytes that have arrived for the connections of a port and were not read. */
function unreadAt(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((row) => row.trim().split(/\s+/))
    .filter(([, address, , state]) => address === local && state === '01')
    .reduce((sum, columns) => sum + Number.parseInt(columns[4]?.split(':')[1] ?? '0', 16), 0);
}

describe('a flood of requests for probes that are not there', () => {
  it('is not read while the primary is stopped, ends those who go on, and an honest client is served', async () => {
    const { process: primary, port, pids } = await startProgram();
    const honest = await RawClient.open(port, newHello('control'));
    closing.push(() => honest.destroy());
    const before = pids().map(residentOf);
    const drops = perPart(20, (probe) => encodeClientMessage({ kind: 'drop', probe: 4_000_000_000 + probe }));
    const ended = await flood(port, 300, drops);
    primary.kill('SIGSTOP');
    await vi.waitFor(() => expect(unreadAt(port)).toBeGreaterThan(1e6), { timeout: 20_000, interval: 50 });
    // What needs no other process is served all the while.
    honest.say({ kind: 'ping', nonce: X });
    expect((await honest.hear(2))[1]).toEqual({ kind: 'pong', nonce: X });
    await vi.waitFor(() => expect(ended()).toBe(300), { timeout: 20_000 });
    const growth = pids().map((pid, index) => residentOf(pid) - (before[index] ?? 0));
    console.log(`grew by ${growth.map((each) => each.toFixed(0)).join(', ')} MiB`);
    expect(Math.max(...growth)).toBeLessThan(80);
    primary.kill('SIGCONT');
    honest.say({ kind: 'call', probe: 1, nonce: X });
    expect((await honest.hear(3))[2]).toMatchObject({ code: 'unknown_probe', probe: 1 });
    const probe = await RawClient.open(port, newHello('probe'));
    closing.push(() => probe.destroy());
    expect(probe.messages).toMatchObject([{ kind: 'welcome' }]);
  });

  it('ends those who send it, and an honest client is served throughout', async () => {
    const { port, pids } = await startProgram();
    const before = pids().map(residentOf);
    const calls = perPart(45, (probe) => encodeClientMessage({ kind: 'call', probe, nonce: X }));
    const ended = await flood(port, 300, calls);
    let served = 0;
    for (const began = performance.now(); performance.now() - began < 5000; ) {
      // One of its own: that the probe before is gone may be told to a session for a while.
      const session = served.toString(16).padStart(32, '0');
      const probe = await RawClient.open(port, newHello('probe', { session, probe: served }));
      const control = await RawClient.open(port, newHello('control', { session }));
      control.say({ kind: 'call', probe: served, nonce: X });
      expect((await probe.hear(2))[1]).toEqual({ kind: 'ring', nonce: X });
      expect((await control.hear(2))[1]).toEqual({ kind: 'rung', probe: served, nonce: X });
      probe.destroy();
      control.destroy();
      served += 1;
    }
    expect(served).toBeGreaterThan(0);
    const growth = pids().map((pid, index) => residentOf(pid) - (before[index] ?? 0));
    console.log(`grew by ${growth.map((each) => each.toFixed(0)).join(', ')} MiB; ${served} served`);
    expect(Math.max(...growth)).toBeLessThan(150);
    await vi.waitFor(() => expect(ended()).toBe(300), { timeout: 20_000 });
  });
});

describe('a worker that is stopped', () => {
  it('is rung no oftener than may be unanswered, and who goes on calling its probes is ended', async () => {
    const far = await startClusteredResponder({
      native: [{ host: '127.0.0.1', port: 0 }],
      workers: 2,
      execArgv: ['--import', 'tsx'],
      logger: pino({ level: 'silent' }),
    });
    closing.push(() => far.close());
    const port = far.addresses.native[0]?.port ?? 0;
    const [one = 0, other = 0] = workerPids();
    const session = 'd'.repeat(32);
    const control = await withOnly(one, () => RawClient.open(port, newHello('control', { session })));
    const probe = await withOnly(other, () => RawClient.open(port, newHello('probe', { session, probe: 1 })));
    closing.push(() => probe.destroy());
    process.kill(other, 'SIGSTOP');
    try {
      for (let call = 0; call < 500; call += 1) control.say({ kind: 'call', probe: 1, nonce: X });
      expect(await control.hearToTheEnd()).toEqual(['welcome', 'syntax']);
      expect(control.messages[1]).toMatchObject({ detail: 'too many requests are unanswered' });
    } finally {
      process.kill(other, 'SIGCONT');
    }
    probe.say({ kind: 'ping', nonce: X });
    await probe.until(() => probe.messages.at(-1)?.kind === 'pong', 'the pong');
    expect(probe.messages.filter(({ kind }) => kind === 'ring').length).toBeLessThanOrEqual(MOST_UNANSWERED);
  });
});
