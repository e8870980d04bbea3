import { spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Announcements } from '../../src/responder/discovery/announcements.js';
import {
  addCounts,
  createResponderMetrics,
  registerAnnouncementMetrics,
  zeroCounts,
} from '../../src/responder/responder-metrics.js';
import { type Responder, startResponder } from '../../src/responder/responder.js';
import { startFixture } from './fixture.js';
import { newHello, RawClient } from './raw-client.js';

vi.setConfig({ testTimeout: 30_000 });

const running: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

/** A logger that keeps its lines. */
function recorder() {
  const lines: { level: number; msg: string }[] = [];
  const logger = pino(
    { level: 'debug' },
    { write: (line: string) => lines.push(JSON.parse(line) as (typeof lines)[number]) },
  );
  return { logger, warnings: () => lines.filter(({ level }) => level === 40).map(({ msg }) => msg), lines };
}

async function start(options: Parameters<typeof startResponder>[0]): Promise<Responder> {
  const responder = await startResponder(options);
  running.push(responder);
  return responder;
}

describe('startResponder', () => {
  it('listens at several native addresses at once, IPv6 among them', async () => {
    const { logger } = recorder();
    const responder = await start({
      native: [
        { host: '127.0.0.1', port: 0 },
        { host: '127.0.0.1', port: 0 },
        { host: '::1', port: 0 },
      ],
      logger,
    });
    const ports = responder.addresses.native.map(({ port }) => port);
    expect(new Set(ports).size).toBe(3);
    const first = await RawClient.open(ports[0] ?? 0);
    expect(first.messages).toMatchObject([{ kind: 'welcome' }]);
    const hello = newHello('control');
    const control = await RawClient.open(ports[0] ?? 0, hello);
    const probe = await RawClient.connect(ports[2] ?? 0, '::1', '::1');
    probe.say(newHello('probe', { session: hello.session, probe: 1 }));
    expect(await probe.hear(1)).toMatchObject([{ seen: `[::1]:${probe.socket.localPort}` }]);
    // The session spans the ports.
    control.say({ kind: 'call', probe: 1, nonce: '0'.repeat(16) });
    expect((await probe.hear(2))[1]).toMatchObject({ kind: 'ring' });
  });

  it('sees an IPv4 client of a wildcard listener as IPv4', async () => {
    const { logger } = recorder();
    const responder = await start({ native: [{ port: 0 }], logger });
    const client = await RawClient.open(responder.addresses.native[0]?.port ?? 0);
    expect(client.messages).toMatchObject([{ seen: `127.0.0.1:${client.socket.localPort}` }]);
  });

  it.each([
    ['warns', { port: 0 }, undefined, 1],
    ['does not warn with a token', { port: 0 }, 'correct horse battery staple', 0],
    ['does not warn on loopback', { host: '127.0.0.1', port: 0 }, undefined, 0],
  ])('%s when strangers can use it', async (_name, address, token, warnings) => {
    const log = recorder();
    await start({ native: [address], logger: log.logger, ...(token === undefined ? {} : { token }) });
    expect(log.warnings()).toHaveLength(warnings);
    expect(JSON.stringify(log.lines)).not.toContain('correct horse');
  });

  it('leaves nothing listening when one address is taken', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const address = taken.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const freeAddress = free.address();
    const freePort = freeAddress !== null && typeof freeAddress === 'object' ? freeAddress.port : 0;
    await new Promise((resolve) => free.close(resolve));
    const { logger } = recorder();
    const native = [
      { host: '127.0.0.1', port: freePort },
      { host: '127.0.0.1', port },
    ];
    await expect(startResponder({ native, logger })).rejects.toMatchObject({ code: 'EADDRINUSE', port });
    await expect(RawClient.connect(freePort)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    taken.close();
  });

  it('says at debug level whom it turned away and why', async () => {
    const log = recorder();
    const responder = await start({ native: [{ host: '127.0.0.1', port: 0 }], logger: log.logger });
    const client = await RawClient.connect(responder.addresses.native[0]?.port ?? 0);
    client.write('NOISE\n');
    await client.hearToTheEnd();
    expect(log.lines).toContainEqual(
      expect.objectContaining({ level: 20, msg: 'turned away', reason: 'syntax', client: '127.0.0.1' }),
    );
  });
});

describe('responder metrics', () => {
  it('count what is open, what was opened and what was turned away', async () => {
    const far = await startFixture();
    running.push(far);
    const session = newHello('control');
    const control = await RawClient.open(far.port, session);
    await RawClient.open(far.port, newHello('probe', { session: session.session, probe: 1 }));
    control.say({ kind: 'call', probe: 99, nonce: '0'.repeat(16) });
    await control.hear(2);
    const text = await far.metrics.registry.metrics();
    const again = await far.metrics.registry.metrics();
    expect(again).toBe(text);
    expect(text).toContain('nat_responder_connections{kind="control"} 1');
    expect(text).toContain('nat_responder_connections{kind="pending"} 0');
    expect(text).toContain('nat_responder_connections_total{kind="pending"} 2');
    expect(text).toContain('nat_responder_connections_total{kind="probe"} 1');
    expect(text).toContain('nat_responder_rejected_total{reason="unknown_probe"} 1');
  });

  it('add up over processes', async () => {
    const [one, two] = [zeroCounts(), zeroCounts()];
    one.open.probe = 3;
    two.open.probe = 4;
    two.rejected.auth = 5;
    const { registry } = createResponderMetrics(() => Promise.resolve(addCounts([one, two])));
    const text = await registry.metrics();
    expect(text).toContain('nat_responder_connections{kind="probe"} 7');
    expect(text).toContain('nat_responder_rejected_total{reason="auth"} 5');
  });

  const promtool = spawnSync('promtool', ['--version']).error === undefined;
  it.skipIf(!promtool)(
    `pass promtool check metrics${promtool ? '' : ' (SKIPPED: install prometheus)'}`,
    async () => {
      const { registry } = createResponderMetrics();
      registerAnnouncementMetrics(registry, new Announcements({ ttl: 90 }));
      const text = await registry.metrics();
      expect(text).toContain('nat_responder_announced_exporters 0');
      const lint = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' });
      expect({ status: lint.status, said: lint.stdout + lint.stderr }).toEqual({ status: 0, said: '' });
    },
  );
});
