/** What the exporter concludes when a worker of a clustered responder dies, or hangs: nothing. */
import { pino } from 'pino';
import { afterEach, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/clock.js';
import { checkConfig } from '../../../src/config/load.js';
import { Engine } from '../../../src/engine/engine.js';
import { openPath } from '../../../src/probe/far-ends/index.js';
import { createNativePath } from '../../../src/probe/far-ends/native.js';
import type { TestRecord } from '../../../src/engine/snapshot.js';
import type { Path, PathOptions } from '../../../src/probe/path.js';
import { startClusteredResponder } from '../../../src/responder/cluster/primary.js';
import type { Responder } from '../../../src/responder/responder.js';
import { openSockets } from '../../support/sockets.js';
import { withOnly, workerPids } from './workers.js';

/** As many as a search opens at once in the beginning. */
const PROBES = 4;
const CANARIES = 2;

let far: Responder | undefined;
let engine: Engine | undefined;
afterEach(async () => {
  await engine?.stop();
  for (const pid of workerPids()) process.kill(pid, 'SIGCONT');
  await far?.close();
});

it.each(['native', 'nat-tcp-test'])(
  '%s: no verdict and no mapping loss comes of a worker that was killed while the canaries live in another',
  async (protocol) => {
    const loopback = [{ host: '127.0.0.1', port: 0 }];
    far = await startClusteredResponder({
      native: loopback,
      legacyEcho: loopback,
      legacySleep: loopback,
      workers: 2,
      execArgv: ['--import', 'tsx'],
      logger: pino({ level: 'silent' }),
    });
    const [ofCanaries = 0, ofProbes = 0] = workerPids();
    const { native, legacyEcho, legacySleep } = far.addresses;
    const ports =
      protocol === 'native'
        ? { port: native[0]?.port }
        : { echo_port: legacyEcho[0]?.port, sleep_port: legacySleep[0]?.port };
    const idle = { canaries: openSockets(ofCanaries), probes: openSockets(ofProbes) };
    // The kernel connects at once, whoever accepts later.
    const accepted = (worker: number, sockets: number): Promise<void> =>
      vi.waitFor(() => expect(openSockets(worker)).toBeGreaterThanOrEqual(sockets), {
        timeout: 15_000,
        interval: 5,
      });

    // The canaries open in the one worker, then all probes in the other: whoever shall not accept is stopped meanwhile.
    process.kill(ofProbes, 'SIGSTOP');
    let opened = 0;
    let opening = 0;
    let killed = false;
    const watchedPath = (options: PathOptions): Path => {
      const path = openPath(options);
      const open = path.open.bind(path);
      path.open = async (...args) => {
        if (!killed) {
          await accepted(ofCanaries, idle.canaries + CANARIES);
          process.kill(ofProbes, 'SIGCONT');
          process.kill(ofCanaries, 'SIGSTOP');
        }
        opening += 1;
        try {
          const connection = await open(...args);
          opened += 1;
          if (!killed) await accepted(ofProbes, idle.probes + opened);
          return connection;
        } finally {
          opening -= 1;
          if (opening === 0) process.kill(ofCanaries, 'SIGCONT');
        }
      };
      return path;
    };
    const tests: TestRecord[] = [];
    const events: string[] = [];
    engine = new Engine({
      clock: systemClock,
      log: pino({ level: 'silent' }),
      observer: {
        tested: (_target, _mode, test) => {
          tests.push(test);
          if (!killed) events.push('tested before the worker was killed');
        },
        mappingLoss: () => events.push('mapping loss'),
        earlyDeath: () => events.push('early death'),
        changed: () => events.push('change'),
      },
      openEmbedded: () => Promise.reject(new Error('no embedded target here')),
      openPath: watchedPath,
    });
    await engine.apply(
      checkConfig(
        {
          // No test of its own comes due before the worker dies.
          search: { min_idle: '60s' },
          targets: [{ name: 'far', host: '127.0.0.1', protocol, ...ports, modes: ['send'] }],
        },
        'test',
      ),
    );
    await vi.waitFor(() => expect(opened).toBeGreaterThanOrEqual(PROBES), { timeout: 30_000, interval: 20 });
    expect(events).toEqual([]);
    const before = opened;

    killed = true;
    process.kill(ofProbes, 'SIGKILL');
    await vi.waitFor(() => expect(tests.length).toBeGreaterThanOrEqual(PROBES), { timeout: 30_000 });
    expect(tests.map(({ verdict }) => verdict.kind)).toEqual(tests.map(() => 'inconclusive'));
    // It goes on with new connections, whose canaries are new as well.
    await vi.waitFor(() => expect(opened).toBeGreaterThanOrEqual(before + PROBES), { timeout: 30_000 });
    expect(tests.map(({ verdict }) => verdict.kind)).toEqual(tests.map(() => 'inconclusive'));
    expect(events).toEqual([]);
    expect(engine.targets()[0]?.events.map(({ text }) => text)).toContain(
      'the far end was restarted: its connections are gone',
    );
  },
);

it('no verdict comes of a worker that hangs while the canary lives in another', async () => {
  far = await startClusteredResponder({
    native: [{ host: '127.0.0.1', port: 0 }],
    workers: 2,
    execArgv: ['--import', 'tsx'],
    logger: pino({ level: 'silent' }),
  });
  const [ofCanary = 0, ofProbes = 0] = workerPids();
  const { signal } = new AbortController();
  const endpoint = { address: '127.0.0.1', port: far.addresses.native[0]?.port ?? 0 };
  const path = createNativePath({ clock: systemClock, deadline: 3, endpoint: () => endpoint });
  const canary = await withOnly(ofCanary, () => path.openCanary(signal));
  const probes = await withOnly(ofProbes, () =>
    Promise.all((['send', 'recv'] as const).map((mode) => path.open(mode, undefined, signal))),
  );
  try {
    process.kill(ofProbes, 'SIGSTOP');
    const context = { clock: systemClock, deadline: 1, signal };
    const seen = await Promise.all(probes.map((probe) => probe.test(context)));
    expect(seen).toEqual([
      { kind: 'unclear', reason: 'control_failed' },
      { kind: 'unclear', reason: 'canary_lost' },
    ]);
    expect(await canary.beat(1, signal)).toBe(true);
  } finally {
    for (const connection of [canary, ...probes]) connection.close();
  }
});
