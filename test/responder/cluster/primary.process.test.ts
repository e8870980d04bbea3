/** A responder of several real processes. */
import { createServer } from 'node:net';
import { type Logger, pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type ClusterOptions, startClusteredResponder } from '../../../src/responder/cluster/primary.js';
import type { Responder } from '../../../src/responder/responder.js';
import { newHello, RawClient } from '../raw-client.js';
import { withOnly, workerPids } from './workers.js';
import { openSockets } from '../../support/sockets.js';

vi.setConfig({ testTimeout: 60_000 });

const X = '0123456789abcdef';
let far: Responder | undefined;
const clients: RawClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await far?.close();
  far = undefined;
});

async function start(options: Partial<ClusterOptions> = {}): Promise<number> {
  far = await startClusteredResponder({
    native: [{ host: '127.0.0.1', port: 0 }],
    workers: 2,
    execArgv: ['--import', 'tsx'],
    logger: pino({ level: 'silent' }),
    ...options,
  });
  return far.addresses.native[0]?.port ?? 0;
}

async function open(port: number, ...hello: Parameters<typeof newHello>): Promise<RawClient> {
  const client = await RawClient.open(port, newHello(...hello));
  clients.push(client);
  return client;
}

/** The value of one series on the aggregated metrics. */
async function metric(series: string): Promise<number> {
  const text = (await far?.metrics.registry.metrics()) ?? '';
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.split(' ')[1],
  );
}

async function metricBecomes(series: string, value: number): Promise<void> {
  await vi.waitFor(async () => expect(await metric(series)).toBe(value), { timeout: 15_000, interval: 20 });
}

/** A log whose lines can be read. */
function listen(): { readonly logger: Logger; readonly text: () => string } {
  const lines: string[] = [];
  const logger = pino({ level: 'info' }, { write: (line: string) => lines.push(line) });
  return { logger, text: () => lines.join('') };
}

/** A port that is free and not one of those that the kernel hands out by itself at the moment. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return address !== null && typeof address === 'object' ? address.port : 0;
}

/** Opens a connection as soon as somebody accepts it. */
function openSoon(port: number): Promise<RawClient> {
  return vi.waitFor(() => open(port, 'check'), { timeout: 15_000, interval: 50 });
}

/** Runs it while no process can be started. */
async function withoutNode<Value>(run: () => Promise<Value>): Promise<Value> {
  const { execPath } = process;
  process.execPath = '/nonexistent/node';
  try {
    return await run();
  } finally {
    process.execPath = execPath;
  }
}

describe('clustered responder', () => {
  it('rings probes wherever they are, and adds the counts up', async () => {
    const port = await start();
    const [one = 0, other = 0] = workerPids();
    const session = 'a'.repeat(32);
    const control = await withOnly(one, () => open(port, 'control', { session }));
    const probes: RawClient[] = [];
    const sockets = openSockets(other);
    // Half of them share the control's worker, half do not.
    for (let probe = 0; probe < 6; probe += 1) {
      const worker = probe % 2 === 0 ? one : other;
      probes.push(await withOnly(worker, () => open(port, 'probe', { session, probe })));
    }
    expect(openSockets(other) - sockets).toBe(3);
    const instances = [control, ...probes].map(({ messages: [first] }) =>
      first?.kind === 'welcome' ? first.instance : undefined,
    );
    expect(instances[0]).toMatch(/^[0-9a-f]{16}$/);
    expect(new Set(instances).size).toBe(1);
    let heard = 1;
    for (const [index, probe] of probes.entries()) {
      control.say({ kind: 'call', probe: index, nonce: X });
      expect((await probe.hear(2))[1]).toEqual({ kind: 'ring', nonce: X });
      probe.say({ kind: 'answer', nonce: X });
      heard += 2;
      expect((await control.hear(heard)).slice(-2)).toEqual([
        { kind: 'rung', probe: index, nonce: X },
        { kind: 'heard', probe: index, nonce: X },
      ]);
    }
    control.say({ kind: 'call', probe: 99, nonce: X });
    expect((await control.hear(heard + 1)).at(-1)).toMatchObject({ code: 'unknown_probe', probe: 99 });
    expect(await metric('nat_responder_connections{kind="probe"}')).toBe(6);
    expect(await metric('nat_responder_connections{kind="control"}')).toBe(1);
    expect(await metric('nat_responder_connections_total{kind="pending"}')).toBe(7);
    expect(await metric('nat_responder_rejected_total{reason="unknown_probe"}')).toBe(1);
  });

  it('turns down a used probe number, reports gone probes and drops ghosts across workers', async () => {
    const port = await start();
    const session = 'b'.repeat(32);
    const [one = 0, other = 0] = workerPids();
    const control = await withOnly(one, () => open(port, 'control', { session }));
    const [first, second] = await withOnly(other, async () => [
      await open(port, 'probe', { session, probe: 1 }),
      await open(port, 'probe', { session, probe: 2 }),
    ]);
    if (first === undefined || second === undefined) throw new Error('no probes');
    for (const worker of [one, other, one]) {
      const thief = await withOnly(worker, () => open(port, 'probe', { session, probe: 1 }));
      expect(await thief.hearToTheEnd()).toEqual(['duplicate_probe']);
    }
    first.socket.resetAndDestroy();
    expect((await control.hear(2))[1]).toEqual({ kind: 'gone', probe: 1, cause: 'reset' });
    control.say({ kind: 'drop', probe: 2 });
    await second.hearToTheEnd();
    await metricBecomes('nat_responder_connections{kind="probe"}', 0);
    expect(await metric('nat_responder_rejected_total{reason="duplicate_probe"}')).toBe(3);
    // Both numbers are free again everywhere.
    await open(port, 'probe', { session, probe: 1 });
    await open(port, 'probe', { session, probe: 2 });
    expect(await metric('nat_responder_connections{kind="probe"}')).toBe(2);
  });

  it('holds the limit of connections for all workers together', async () => {
    const port = await start({ limits: { maxConnections: 6 } });
    for (let probe = 0; probe < 6; probe += 1) await open(port, 'probe', { probe });
    // The workers have told each other by the time that their counts have come.
    expect(await metric('nat_responder_connections{kind="probe"}')).toBe(6);
    for (let attempt = 0; attempt < 4; attempt += 1) {
      const late = await RawClient.connect(port);
      late.say(newHello());
      expect(await late.hearToTheEnd()).toEqual(['limit_total']);
    }
    expect(await metric('nat_responder_rejected_total{reason="limit_total"}')).toBe(4);
  });

  it('replaces a worker that dies, ends the controls of its sessions elsewhere, and its counters do not fall', async () => {
    const port = await start();
    const [survivor = 0, victim = 0] = workerPids();
    const session = 'c'.repeat(32);
    const control = await withOnly(survivor, () => open(port, 'control', { session }));
    const stranger = await withOnly(survivor, () => open(port, 'control'));
    const stays = await withOnly(survivor, () => open(port, 'probe', { session, probe: 0 }));
    const lost = await withOnly(victim, () => open(port, 'probe', { session, probe: 1 }));
    expect(await metric('nat_responder_connections_total{kind="probe"}')).toBe(2);
    process.kill(victim, 'SIGKILL');
    await lost.hearToTheEnd();
    expect(await control.hearToTheEnd()).toEqual(['welcome', 'shutting_down']);
    // Who finds all of its connections ended can know that it was no NAT.
    const instanceOf = ({ messages: [first] }: RawClient) =>
      first?.kind === 'welcome' ? first.instance : undefined;
    expect(instanceOf(await open(port, 'check'))).not.toBe(instanceOf(control));
    await vi.waitFor(() => expect(workerPids()).toHaveLength(2), { timeout: 15_000 });
    const again = await open(port, 'control', { session });
    expect(instanceOf(again)).not.toBe(instanceOf(control));
    await open(port, 'probe', { session, probe: 1 });
    // Nobody else's connections are touched, and the new controls stay.
    for (const client of [stranger, again, stays]) {
      client.say({ kind: 'ping', nonce: X });
      expect((await client.hear(2))[1]).toEqual({ kind: 'pong', nonce: X });
    }
    expect(await metric('nat_responder_connections_total{kind="probe"}')).toBe(3);
    await metricBecomes('nat_responder_connections{kind="probe"}', 2);
  });

  it('says at the start that a process cannot be started, and hangs neither then nor at its end', async () => {
    await expect(withoutNode(() => start())).rejects.toMatchObject({ code: 'ENOENT' });
    expect(workerPids()).toEqual([]);
  });

  it('goes on trying to replace a worker whose process cannot be started', async () => {
    const { logger, text } = listen();
    const port = await start({ logger });
    await withoutNode(async () => {
      process.kill(workerPids()[0] ?? 0, 'SIGKILL');
      await vi.waitFor(() => expect(text()).toContain('a worker could not be replaced'), { timeout: 15_000 });
      expect(workerPids()).toHaveLength(1);
      expect((await openSoon(port)).messages).toMatchObject([{ kind: 'welcome' }]);
    });
    await vi.waitFor(() => expect(workerPids()).toHaveLength(2), { timeout: 15_000 });
  });

  it('has an idle worker take the door when those who held it die and nobody replaces them', async () => {
    // A port of the kernel's choice would be lost if both died before the third has opened its door.
    const port = await freePort();
    await start({ workers: 3, native: [{ host: '127.0.0.1', port }] });
    await withoutNode(async () => {
      for (let left = 2; left > 0; left -= 1) {
        const sockets = new Map(workerPids().map((pid) => [pid, openSockets(pid)]));
        await openSoon(port);
        const holder = workerPids().find((pid) => openSockets(pid) > (sockets.get(pid) ?? 0));
        process.kill(holder ?? 0, 'SIGKILL');
        await vi.waitFor(() => expect(workerPids()).toHaveLength(left));
      }
      expect((await openSoon(port)).messages).toMatchObject([{ kind: 'welcome' }]);
    });
  });

  it('ends a replacement that cannot listen, and tries again until it can', async () => {
    const { logger, text } = listen();
    const port = await freePort();
    await start({ logger, native: [{ host: '127.0.0.1', port }] });
    for (const pid of workerPids()) process.kill(pid, 'SIGKILL');
    const thief = createServer();
    await vi.waitFor(
      () =>
        new Promise<void>((resolve, reject) => {
          thief.once('error', reject).listen(port, '127.0.0.1', resolve);
        }),
      { timeout: 900, interval: 5 },
    );
    const failures = (): number => text().split('a worker could not be replaced').length - 1;
    await vi.waitFor(() => expect(failures()).toBeGreaterThanOrEqual(2), { timeout: 15_000, interval: 5 });
    expect(text()).toContain('EADDRINUSE');
    // Asked for its counts it does not fall over either.
    expect(await metric('nat_responder_connections{kind="check"}')).toBe(0);
    await vi.waitFor(() => expect(workerPids()).toEqual([]), { timeout: 15_000 });
    await new Promise((resolve) => thief.close(resolve));
    expect((await openSoon(port)).messages).toMatchObject([{ kind: 'welcome' }]);
    await vi.waitFor(() => expect(workerPids()).toHaveLength(2), { timeout: 15_000 });
  });

  it('has all workers fill up before one turns anybody away', async () => {
    // Twenty each; the workers report their loads at every change.
    const port = await start({ workers: 3, limits: { maxConnections: 60, maxConnectionsPerProcess: 20 } });
    const clients: RawClient[] = [];
    for (let probe = 0; probe < 57; probe += 1) clients.push(await open(port, 'probe', { probe }));
    expect(clients.filter(({ messages: [first] }) => first?.kind !== 'welcome')).toEqual([]);
    expect(await metric('nat_responder_connections{kind="probe"}')).toBe(57);
  });

  it('passes on what its workers log', async () => {
    const lines: string[] = [];
    const port = await start({
      logger: pino({ level: 'debug' }, { write: (line: string) => lines.push(line) }),
    });
    const client = await RawClient.connect(port);
    client.write('NOISE\n');
    await client.hearToTheEnd();
    const all = (): string => lines.join('');
    await vi.waitFor(() => expect(all()).toContain('"reason":"syntax"'), { timeout: 15_000 });
    expect(lines.filter((line) => line.includes('responder listens'))).toHaveLength(1);
  });

  it('stops within 2 s and leaves no process', async () => {
    const port = await start({ token: 'correct horse battery staple' });
    const client = await open(port, 'control');
    expect(client.messages).toMatchObject([{ kind: 'challenge' }]);
    const began = performance.now();
    await far?.close();
    expect(performance.now() - began).toBeLessThan(2000);
    expect(workerPids()).toEqual([]);
  });

  it('names the address that is taken and leaves no process', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    await expect(start({ native: [{ host: '127.0.0.1', port }] })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      port,
    });
    expect(workerPids()).toEqual([]);
    taken.close();
  });
});
