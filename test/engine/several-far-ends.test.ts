/** Two real responders behind one address that a balancer gives out in turns: no death may come from it. */
import { once, setMaxListeners } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.js';
import type { TargetConfig } from '../../src/config/config.js';
import { MODES } from '../../src/core/modes.js';
import { Launches } from '../../src/engine/launches.js';
import type { TestRecord } from '../../src/engine/snapshot.js';
import { TargetRunner } from '../../src/engine/target-runner.js';
import { createLogger } from '../../src/log.js';
import { openPath } from '../../src/probe/far-ends/index.js';
import { startResponder } from '../../src/responder/responder.js';
import { until } from '../netns/until.js';

const log = createLogger({ level: 'error', format: 'logfmt' });

async function startFarEnd() {
  const far = await startResponder({
    native: [{ host: '127.0.0.1', port: 0 }],
    legacyEcho: [],
    legacySleep: [],
    logger: log,
  });
  onTestFinished(() => far.close());
  return { port: far.addresses.native[0]?.port ?? 0, close: () => far.close() };
}

/** Passes each new connection on to the next of these ports that answers. */
async function balance(ports: readonly number[]): Promise<number> {
  const sockets = new Set<Socket>();
  let turn = 0;
  const pass = (client: Socket, tries = ports.length): void => {
    const upstream = connect({ host: '127.0.0.1', port: ports[turn++ % ports.length] ?? 0 });
    sockets.add(upstream);
    let open = false;
    upstream.once('connect', () => {
      open = true;
      client.pipe(upstream).pipe(client);
    });
    upstream.on('error', () => {
      if (open || tries <= 1) client.destroy();
      else pass(client, tries - 1);
    });
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => open && client.end());
  };
  const server = createServer((client) => {
    sockets.add(client);
    client.on('error', () => undefined);
    pass(client);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

function targetAt(port: number): TargetConfig {
  return {
    name: 'pair',
    far_end: { kind: 'native', host: '127.0.0.1', port },
    modes: [...MODES],
    family: 4,
    labels: {},
    search: { min_idle: 1.5, max_idle: 4, resolution: 1, connections: 8, deadline: 1, guard: 0.5 },
  };
}

it('is told, and neither its turns nor the end of one of them is a death', { timeout: 60_000 }, async () => {
  const [stays, goes] = [await startFarEnd(), await startFarEnd()];
  const tests: (TestRecord & { readonly mode: string })[] = [];
  const runner = new TargetRunner({
    target: targetAt(await balance([stays.port, goes.port])),
    clock: systemClock,
    log,
    observer: { tested: (_target, mode, test) => void tests.push({ ...test, mode }) },
    testsKept: 500,
    launches: new Launches({ clock: systemClock }),
    openEmbedded: () => Promise.reject(new Error('no embedded far end here')),
    openPath,
    askRouter: () => Promise.resolve(undefined),
  });
  setMaxListeners(0);
  await runner.start();
  const rounds = setInterval(() => runner.round(), 1000);
  onTestFinished(async () => {
    clearInterval(rounds);
    await runner.stop();
  });
  const tested = (): string[] => tests.map(({ mode, verdict }) => `${mode} ${verdict.kind}`);
  const knows = (): boolean => runner.snapshot().verdict.conditions.includes('several_far_ends');
  await until('all modes have survived, and the far ends were noticed', 30_000, () =>
    Promise.resolve(knows() && MODES.every((mode) => tested().includes(`${mode} alive`))),
  );
  await goes.close();
  const before = tests.length;
  await until('its connections were judged', 20_000, () =>
    Promise.resolve(tests.slice(before).filter(({ verdict }) => verdict.kind === 'alive').length > 10),
  );
  expect(tests.filter(({ verdict }) => verdict.kind === 'dead')).toEqual([]);
  for (const { finding } of runner.snapshot().modes) expect(finding.upper).toBeUndefined();
});
