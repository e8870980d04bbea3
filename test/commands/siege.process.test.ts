/** Both programs under attack at all of their doors at once, with few descriptors: what they are for goes on. */
import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { tokenMac } from '../../src/net/token.js';
import { macInput } from '../../src/wire/proofs.js';
import { LabProcess } from '../netns/process.js';
import { allSeries, total } from '../netns/metrics.js';
import { until } from '../netns/until.js';
import { newHello, RawClient } from '../responder/raw-client.js';
import { Bench, freePort } from '../support/program.js';

vi.setConfig({ testTimeout: 90_000 });

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const TOKEN = 'correct horse battery staple';
/** What stays free for files, name lookups and probes of the process itself. */
const LEAST_FREE = 32;

let bench: Bench | undefined;
let running: LabProcess | undefined;
const held: Socket[] = [];
afterEach(async () => {
  for (const socket of held.splice(0)) socket.destroy();
  await running?.stop('SIGTERM');
  running = undefined;
  await bench?.close();
  bench = undefined;
});

function start(descriptors: number, args: readonly string[], cwd: string): LabProcess {
  const limited = `ulimit -n ${descriptors} && exec "$@"`;
  running = new LabProcess(['sh', '-c', limited, 'sh', process.execPath, MAIN, ...args], { cwd });
  return running;
}

/** Opens silent connections from several addresses, and again whenever one is ended. */
function flood(port: number, count: number, addresses: number, say = ''): () => void {
  let stopped = false;
  let left = count * 4;
  const one = (index: number): void => {
    if (stopped || (left -= 1) < 0) return;
    const localAddress = `127.0.3.${1 + (index % addresses)}`;
    const socket = connect({ port, host: '127.0.0.1', localAddress }, () => socket.write(say));
    held.push(socket);
    socket.on('error', () => undefined).on('close', () => setTimeout(one, 50, index));
  };
  for (let index = 0; index < count; index += 1) one(index);
  return () => {
    stopped = true;
  };
}

/** A control connection that proves the token, and lives. */
async function welcomed(port: number): Promise<RawClient> {
  const hello = newHello('control');
  const client = await RawClient.open(port, hello);
  held.push(client.socket);
  const [challenge] = await client.hear(1);
  const nonce = challenge?.kind === 'challenge' ? challenge.nonce : '';
  client.say({ kind: 'auth', mac: tokenMac(TOKEN, macInput('client', hello, nonce)) });
  expect((await client.hear(2))[1]).toMatchObject({ kind: 'welcome' });
  return client;
}

const descriptorsOf = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

describe.each([256, 512, 1024])('with %d descriptors, every door held by strangers', (descriptors) => {
  it('the responder answers scrapes and welcomes whoever proves the token', async () => {
    bench = await Bench.open();
    const [port, echo, sleep] = [await freePort(), await freePort(), await freePort()];
    const token = await bench.write('token', TOKEN);
    const far = start(
      descriptors,
      [
        'responder',
        `--listen-address=127.0.0.1:${port}`,
        `--legacy.echo-address=127.0.0.1:${echo}`,
        `--legacy.sleep-address=127.0.0.1:${sleep}`,
        '--web.listen-address=127.0.0.1:0',
        `--token-file=${token}`,
      ],
      bench.directory,
    );
    const [, url = ''] = await far.waitForLine(/serving metrics.* url=(\S+)\//, 30_000);
    const floods = [
      flood(Number(new URL(url).port), 600, 3),
      flood(port, 600, 4),
      flood(echo, 600, 4),
      flood(sleep, 300, 4, '86400'),
    ];
    await far.waitForLine(/level=warn.*callers are turned away.*door=site/, 30_000);
    await far.waitForLine(/level=warn.*callers are turned away.*door=responder/, 30_000);
    const proven: RawClient[] = [];
    for (let round = 0; round < 8; round += 1) {
      const page = await (await fetch(`${url}/metrics`, { headers: { connection: 'close' } })).text();
      expect(page).toContain('nat_web_rejected_total{reason="evicted"}');
      proven.push(await welcomed(port));
      expect(descriptorsOf(far.pid)).toBeLessThan(descriptors - LEAST_FREE);
    }
    // None of them was ended for a stranger since.
    for (const client of proven) client.say({ kind: 'ping', nonce: '0123456789abcdef' });
    for (const client of proven) expect((await client.hear(3))[2]).toMatchObject({ kind: 'pong' });
    for (const stop of floods) stop();
    const page = await (await fetch(`${url}/metrics`, { headers: { connection: 'close' } })).text();
    expect(total(page, 'nat_responder_rejected_total', { reason: 'accept' })).toBe(0);
    expect(far.stderr.match(/callers are turned away/g)).toHaveLength(2);
  });
});

describe('with 512 descriptors, the site held by strangers', () => {
  it('the exporter answers scrapes and goes on testing', async () => {
    bench = await Bench.open();
    const config = await bench.write(
      'config.yaml',
      'schedule: "* * * * * *"\ntargets:\n  - {name: embedded, embedded: {idle_timeout: 2s}, search: {min_idle: 1s, max_idle: 6s, resolution: 1s, connections: 6}}\n',
    );
    const args = [`--config.file=${config}`, '--web.listen-address=127.0.0.1:0'];
    const exporter = start(512, args, bench.directory);
    const [, url = ''] = await exporter.waitForLine(/serving the status page.* url=(\S+)\//, 30_000);
    const scrape = async (): Promise<string> =>
      (await fetch(`${url}/metrics`, { headers: { connection: 'close' } })).text();
    const verdicts = async (): Promise<number> => total(await scrape(), 'nat_probe_verdicts_total', {});
    const finished = 'the search has a finding in every mode';
    await until(
      finished,
      60_000,
      async () => allSeries(await scrape(), 'nat_idle_timeout_seconds', {}).length === 3,
    );
    /** Tests finished within 5 s. */
    const rate = async (): Promise<number> => {
      const before = await verdicts();
      await new Promise((resolve) => setTimeout(resolve, 5000));
      return (await verdicts()) - before;
    };
    const undisturbed = await rate();
    const stop = flood(Number(new URL(url).port), 1100, 1);
    await exporter.waitForLine(/level=warn.*callers are turned away.*door=site/, 30_000);
    const besieged = await rate();
    expect(descriptorsOf(exporter.pid)).toBeLessThan(512 - LEAST_FREE);
    stop();
    console.log(`tests in 5 s: ${undisturbed} undisturbed, ${besieged} under attack`);
    expect(besieged).toBeGreaterThanOrEqual(undisturbed / 2);
    expect(total(await scrape(), 'nat_target_up', {})).toBe(1);
    expect(total(await scrape(), 'nat_mapping_losses_total', {})).toBe(0);
    expect(exporter.stderr.match(/callers are turned away/g)).toHaveLength(1);
  });
});
