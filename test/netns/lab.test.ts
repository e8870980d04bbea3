/** Proves what the lab does on demand, and that it leaves nothing behind. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { SweepMode } from './helpers/sweep.js';
import { createLab, reapStale, SERVER, type BoxKind, type Lab } from './lab.js';
import { LabProcess, run } from './process.js';
import { describeLab, isRoot } from './requirements.js';
import { columns, sweep } from './sweep.js';
import { until } from './until.js';

/** Runs `body` in a lab that is removed afterwards. */
async function inLab(box: BoxKind, idleTimeout: number, body: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await createLab({ box, idleTimeout });
  try {
    await body(lab);
  } finally {
    await lab.close();
  }
}

/** Leaves `count` connections idle for `idle` seconds, does something to the box meanwhile, and reads the marks. */
async function sendAfter(
  lab: Lab,
  idle: number,
  meanwhile: () => Promise<unknown>,
  count = 4,
): Promise<string[]> {
  const pairs = Array.from({ length: count }, (): [SweepMode, number] => ['send', idle]);
  const before = (await lab.mappings()).length;
  const outcome = sweep(lab, SERVER.v4, pairs);
  await Promise.race([
    outcome,
    until('all connections are open', 20_000, async () => (await lab.mappings()).length >= before + count),
  ]);
  await meanwhile();
  return (await outcome).map(({ client }) => client.mark);
}

const dead = (count: number): string[] => Array.from({ length: count }, () => '-');
const alive = (count: number): string[] => Array.from({ length: count }, () => '+');

describeLab('the lab', () => {
  test.concurrent('setIdleTimeout() leaves an idle mapping its moment of expiry', { timeout: 60_000 }, () =>
    inLab('strict', 20, async (lab) => {
      expect(await sendAfter(lab, 9, () => lab.setIdleTimeout(5))).toEqual(alive(4));
      expect(await sendAfter(lab, 9, () => Promise.resolve())).toEqual(dead(4));
    }),
  );

  test.concurrent('shortenExisting() counts the age that a mapping already has', { timeout: 60_000 }, () =>
    inLab('strict', 60, async (lab) => {
      const shorten = async (): Promise<void> => {
        await sleep(3000);
        await lab.shortenExisting(7);
      };
      expect(await sendAfter(lab, 5.5, shorten)).toEqual(alive(4));
      expect(await sendAfter(lab, 8.5, shorten)).toEqual(dead(4));
    }),
  );

  test.concurrent('reboot() loses every mapping, and new ones work', { timeout: 60_000 }, () =>
    inLab('strict', 60, async (lab) => {
      expect(await sendAfter(lab, 7, () => lab.reboot())).toEqual(dead(4));
      expect(await sendAfter(lab, 1, () => Promise.resolve())).toEqual(alive(4));
    }),
  );

  test.concurrent(
    'changePublicAddress() loses every mapping and shows a new address',
    { timeout: 60_000 },
    () =>
      inLab('double_nat', 60, async (lab) => {
        const peers = async (): Promise<string> =>
          (await lab.exec('server', 'ss', ['-Htn', 'sport', '=', ':7000'])).stdout;
        const first = lab.publicAddress.v4;
        expect(await sendAfter(lab, 7, () => lab.changePublicAddress())).toEqual(dead(4));
        expect(lab.publicAddress.v4).not.toBe(first);
        const look = async (): Promise<void> => {
          expect(await peers()).toContain(`[::ffff:${lab.publicAddress.v4}]`);
        };
        expect(await sendAfter(lab, 3, look)).toEqual(alive(4));
        const overIpv6 = columns(await sweep(lab, SERVER.v6, [['send', 1]]), [1]);
        expect(overIpv6.send).toBe('+');
      }),
  );

  test.concurrent('evict() removes the given part of the mappings only', { timeout: 60_000 }, () =>
    inLab('strict', 60, async (lab) => {
      let evicted: readonly number[] = [];
      const evict = async (): Promise<void> => {
        evicted = await lab.evict(0.25);
      };
      const marks = await sendAfter(lab, 7, evict, 8);
      expect(evicted).toHaveLength(2);
      expect(marks.filter((mark) => mark === '-')).toHaveLength(2);
    }),
  );

  test.concurrent('link() down deletes the mappings of a masquerading NAT', { timeout: 60_000 }, () =>
    inLab('double_nat', 60, async (lab) => {
      const flap = async (): Promise<void> => {
        await lab.link('down');
        await sleep(500);
        await lab.link('up');
      };
      expect(await sendAfter(lab, 7, flap)).toEqual(dead(4));
      expect(await sendAfter(lab, 1, () => Promise.resolve())).toEqual(alive(4));
      expect(columns(await sweep(lab, SERVER.v6, [['send', 1]]), [1]).send).toBe('+');
    }),
  );

  test.concurrent('outage() drops everything and keeps the mappings', { timeout: 60_000 }, () =>
    inLab('strict', 60, async (lab) => {
      const short = async (): Promise<void> => {
        await lab.outage(true);
        await sleep(1000);
        await lab.outage(false);
      };
      expect(await sendAfter(lab, 7, short)).toEqual(alive(4));
      expect(await sendAfter(lab, 7, () => lab.outage(true))).toEqual(dead(4));
    }),
  );

  test.concurrent(
    'http() fetches inside a namespace, and a hosts file is seen there alone',
    { timeout: 60_000 },
    () =>
      inLab('strict', 60, async (lab) => {
        const directory = mkdtempSync(join(tmpdir(), 'natlab-'));
        try {
          const hosts = join(directory, 'hosts');
          writeFileSync(hosts, `${SERVER.v4} far.example\n`);
          const serve = `require('http').createServer((q, r) => r.end('up 1\\n')).listen(8000, () => console.log('on'))`;
          const server = lab.spawn('server', process.execPath, ['-e', serve]);
          await server.waitForLine(/^on$/, 10_000);
          expect(await lab.http('client', `http://${SERVER.v4}:8000/`)).toEqual({
            status: 200,
            body: 'up 1\n',
          });
          expect(await lab.metrics('server', 8000)).toBe('up 1\n');
          await expect(lab.http('client', `http://${SERVER.v4}:8001/`)).rejects.toThrow('ECONNREFUSED');
          const { stdout } = await lab.exec('client', 'getent', ['hosts', 'far.example'], { hosts });
          expect(stdout).toContain(SERVER.v4);
          const outside = await lab.exec('client', 'getent', ['hosts', 'far.example'], { mayFail: true });
          expect(outside.code).not.toBe(0);
        } finally {
          rmSync(directory, { recursive: true });
        }
      }),
  );

  test.concurrent(
    'the keepalive eater leaves handshakes, data and acknowledgements alone',
    { timeout: 60_000 },
    () =>
      inLab('keepalive_eater', 60, async (lab) => {
        const eaten = async (): Promise<number> => {
          const { stdout } = await lab.exec('nat', 'nft', ['list', 'counter', 'inet', 'box', 'eaten']);
          return Number(/packets (\d+)/.exec(stdout)?.[1]);
        };
        // Two megabytes at once, then drops of data slower than delayed acknowledgements, then a clean end.
        const serve = `require('http').createServer(async (q, r) => {
        r.write('x'.repeat(2e6));
        for (let i = 0; i < 4; i++) { await new Promise((f) => setTimeout(f, 1000)); r.write('y'); }
        r.end();
      }).listen(8000, () => console.log('on'))`;
        const server = lab.spawn('server', process.execPath, ['-e', serve]);
        await server.waitForLine(/^on$/, 20_000);
        for (const host of [SERVER.v4, `[${SERVER.v6}]`])
          expect((await lab.http('client', `http://${host}:8000/`, 'GET', 20_000)).body).toHaveLength(
            2e6 + 4,
          );
        expect(await eaten()).toBe(0);
        expect(columns(await sweep(lab, SERVER.v4, [['keepalive', 4]]), [4]).keepalive).toBe('-');
        expect(await eaten()).toBeGreaterThanOrEqual(2);
      }),
  );

  const abandon = ['--import', 'tsx', fileURLToPath(new URL('helpers/abandon.ts', import.meta.url))];

  test.concurrent.each(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)(
    'a test process that ends by %s leaves neither namespaces nor processes',
    { timeout: 60_000 },
    async (signal) => {
      const owner = new LabProcess([process.execPath, ...abandon]);
      const [line] = await owner.waitForLine(/^\{"lab".*$/, 20_000);
      const { lab, sleeper } = JSON.parse(line) as { lab: string; sleeper: number };
      expect(existsSync(`/proc/${sleeper}`)).toBe(true);
      await owner.stop(signal);
      await until('the process in the lab is gone', 5000, () => !existsSync(`/proc/${sleeper}`));
      await until('the namespaces are gone', 5000, () => !existsSync(`/run/netns/${lab}-client`));
    },
  );

  test.runIf(isRoot())('reapStale() removes what a dead test process left, and nothing else', async () => {
    await inLab('strict', 10, async (lab) => {
      const { pid, exited } = new LabProcess(['true']);
      await exited;
      const stale = `natlab-${pid}-1-client`;
      await run(['ip', 'netns', 'add', stale]);
      expect(reapStale()).toEqual([stale]);
      expect(existsSync(`/run/netns/${stale}`)).toBe(false);
      expect(existsSync(`/run/netns/${lab.name}-client`)).toBe(true);
    });
  });

  test.runIf(isRoot())('works for a user without any right', { timeout: 60_000 }, async () => {
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
    const owner = new LabProcess([...nobody, process.execPath, ...abandon]);
    try {
      const [line] = await owner.waitForLine(/^\{"lab".*$/, 20_000);
      const { lab, sleeper } = JSON.parse(line) as { lab: string; sleeper: number };
      expect(existsSync(`/proc/${sleeper}`)).toBe(true);
      expect(existsSync(`/run/netns/${lab}-client`)).toBe(false);
      await owner.stop('SIGKILL');
      await until('the process in the lab is gone', 5000, () => !existsSync(`/proc/${sleeper}`));
    } finally {
      await owner.stop('SIGKILL');
    }
  });
});
