import { once } from 'node:events';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { series } from '../netns/metrics.js';
import { until } from '../netns/until.js';
import { Bench, freePort, type RunningExporter } from '../support/program.js';

const QUICK = 'search: {min_idle: 1s, max_idle: 20s, resolution: 1s, deadline: 1s, connections: 6}';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

async function lower(exporter: RunningExporter, target: string, mode = 'send'): Promise<number | undefined> {
  return series(await exporter.metrics(), 'nat_idle_timeout_lower_bound_seconds', { target, mode });
}

async function value(exporter: RunningExporter, name: string, labels: Record<string, string>) {
  return series(await exporter.metrics(), name, labels);
}

/** Waits until the longest survivor of a target is older than `seconds`. */
function untilSurvived(exporter: RunningExporter, target: string, seconds: number): Promise<unknown> {
  return until(
    `${target} survives ${seconds} s`,
    40_000,
    async () => ((await lower(exporter, target)) ?? 0) > seconds,
  );
}

interface TargetDocument {
  readonly name: string;
  readonly local_address?: string;
  readonly seen_address?: string;
  readonly address?: string;
  readonly down_reason?: string;
}

async function targetDocument(exporter: RunningExporter, name: string): Promise<TargetDocument | undefined> {
  const { targets } = (await (await exporter.get('/api/v1/targets')).json()) as { targets: TargetDocument[] };
  return targets.find((target) => target.name === name);
}

describe('exporter', () => {
  it('measures several targets at once: by name, over IPv6, from a local address, over the legacy protocol', async () => {
    const [port, echo, sleep] = [await freePort(), await freePort(), await freePort()];
    await bench.responder(port, [
      `--listen-address=[::1]:${port}`,
      `--legacy.echo-address=127.0.0.1:${echo}`,
      `--legacy.sleep-address=127.0.0.1:${sleep}`,
    ]);
    const config = await bench.write(
      'config.yaml',
      `${QUICK}
targets:
  - {name: by-name, host: localhost, port: ${port}, family: 4, labels: {site: a}}
  - {name: six, host: '::1', port: ${port}, labels: {site: b}}
  - {name: uplink, host: 127.0.0.1, port: ${port}, local_address: 127.0.0.77, labels: {site: c}}
  - {name: original, host: 127.0.0.1, protocol: nat-tcp-test, echo_port: ${echo}, sleep_port: ${sleep}, labels: {site: d}}
`,
    );
    const exporter = await bench.exporter(config);
    for (const target of ['by-name', 'six', 'uplink', 'original'])
      for (const mode of ['send', 'recv', 'keepalive'])
        await until(
          `${target} ${mode} survives 2 s`,
          40_000,
          async () => ((await lower(exporter, target, mode)) ?? 0) > 2,
        );
    const text = await exporter.metrics();
    expect(series(text, 'nat_target_up', { target: 'six', site: 'b' })).toBe(1);
    expect(series(text, 'nat_detected', { target: 'by-name' })).toBe(0);
    expect(series(text, 'nat_detected', { target: 'original' })).toBeUndefined();
    expect(text).not.toMatch(/nat_probe_verdicts_total\{[^}]*verdict="dead"[^}]*\} [1-9]/);
    expect(await targetDocument(exporter, 'uplink')).toMatchObject({
      local_address: '127.0.0.77',
      seen_address: '127.0.0.77',
    });
    expect(await targetDocument(exporter, 'six')).toMatchObject({ address: '::1', seen_address: '::1' });
  });

  it('starts with a host that does not resolve, says so, and keeps trying', async () => {
    const config = await bench.write('config.yaml', 'targets: [{name: lost, host: nowhere.invalid}]\n');
    const exporter = await bench.exporter(config);
    await exporter.process.waitForLine(/lost does not answer: nowhere\.invalid does not resolve/, 20_000);
    expect(await value(exporter, 'nat_target_up', { target: 'lost' })).toBe(0);
    expect(await value(exporter, 'nat_idle_timeout_seconds', { target: 'lost' })).toBeUndefined();
    expect((await targetDocument(exporter, 'lost'))?.down_reason).toContain(
      'nowhere.invalid does not resolve',
    );
    expect(exporter.process.status).toBeUndefined();
  });

  it('says of a far end that speaks another protocol that it does, and measures nothing', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const { port } = server.address() as { port: number };
      const config = await bench.write(
        'config.yaml',
        `targets: [{name: web, host: 127.0.0.1, port: ${port}}]\n`,
      );
      const exporter = await bench.exporter(config);
      await exporter.process.waitForLine(/web does not answer: .*does not speak the native protocol/, 20_000);
      expect(await value(exporter, 'nat_target_up', { target: 'web' })).toBe(0);
    } finally {
      server.close();
    }
  });

  it('takes a responder that dies and comes back neither for a dead connection nor for a mapping loss', async () => {
    const port = await freePort();
    const responder = await bench.responder(port);
    const config = await bench.write(
      'config.yaml',
      `${QUICK}\ntargets: [{name: vps, host: 127.0.0.1, port: ${port}}]\n`,
    );
    const exporter = await bench.exporter(config);
    await untilSurvived(exporter, 'vps', 3);
    await responder.stop('SIGKILL');
    await until(
      'the target is down',
      20_000,
      async () => (await value(exporter, 'nat_target_up', { target: 'vps' })) === 0,
    );
    await bench.responder(port);
    await until(
      'the target is up',
      40_000,
      async () => (await value(exporter, 'nat_target_up', { target: 'vps' })) === 1,
    );
    await untilSurvived(exporter, 'vps', 6);
    const text = await exporter.metrics();
    expect(text).not.toMatch(/nat_probe_verdicts_total\{[^}]*verdict="dead"[^}]*\} [1-9]/);
    expect(series(text, 'nat_mapping_losses_total', { target: 'vps' })).toBe(0);
    expect(series(text, 'nat_idle_timeout_upper_bound_seconds', { target: 'vps', mode: 'send' })).toBe(
      Infinity,
    );
    expect(exporter.process.stderr).toContain('the far end was restarted');
  });

  it('keeps the running searches of unchanged targets through SIGHUP and /-/reload', async () => {
    const port = await freePort();
    await bench.responder(port);
    const stays = `  - {name: stays, host: 127.0.0.1, port: ${port}}\n`;
    const config = await bench.write('config.yaml', `${QUICK}\ntargets:\n${stays}`);
    const exporter = await bench.exporter(config, ['--web.enable-lifecycle']);
    await untilSurvived(exporter, 'stays', 2);
    const before = (await lower(exporter, 'stays')) ?? 0;

    await writeFile(
      config,
      `${QUICK}\ntargets:\n${stays}  - {name: comes, host: 127.0.0.1, port: ${port}}\n`,
    );
    expect((await exporter.get('/-/reload', { method: 'POST' })).status).toBe(200);
    expect((await lower(exporter, 'stays')) ?? 0).toBeGreaterThanOrEqual(before);
    await untilSurvived(exporter, 'comes', 1);

    await writeFile(config, `${QUICK}\ntargets:\n${stays}`);
    exporter.process.signal('SIGHUP');
    await until('comes is gone', 10_000, async () => !(await exporter.metrics()).includes('target="comes"'));
    expect((await lower(exporter, 'stays')) ?? 0).toBeGreaterThanOrEqual(before);

    const text = await exporter.metrics();
    expect(text).not.toMatch(/verdict="inconclusive"[^}]*target="stays"[^}]*\} [1-9]/);
    expect(text).not.toMatch(/target="stays"[^}]*verdict="inconclusive"[^}]*\} [1-9]/);
    expect(series(text, 'nat_idle_exporter_config_last_reload_successful')).toBe(1);
  });

  it('goes on with the old configuration when the new one is wrong, and shows that', async () => {
    const port = await freePort();
    await bench.responder(port);
    const config = await bench.write(
      'config.yaml',
      `${QUICK}\ntargets: [{name: vps, host: 127.0.0.1, port: ${port}}]\n`,
    );
    const exporter = await bench.exporter(config, ['--web.enable-lifecycle']);
    await writeFile(config, 'targets: [{name: vps, host: 127.0.0.1, prot: 1, family: 5}]\n');
    const answer = await exporter.get('/-/reload', { method: 'POST' });
    expect(answer.status).toBe(500);
    const text = await answer.text();
    expect(text).toContain('targets[0].prot');
    expect(text).toContain('targets[0].family');
    expect(await value(exporter, 'nat_idle_exporter_config_last_reload_successful', {})).toBe(0);
    await untilSurvived(exporter, 'vps', 1);
  });

  it('goes on after SIGKILL with what it knew, and invents nothing', async () => {
    const port = await freePort();
    await bench.responder(port);
    const config = await bench.write(
      'config.yaml',
      `state_dir: state\n${QUICK}\ntargets: [{name: vps, host: 127.0.0.1, port: ${port}}]\n`,
    );
    const first = await bench.exporter(config);
    await untilSurvived(first, 'vps', 3);
    await until('the state is saved', 10_000, async () => (await stateFiles()).length === 1);
    const known = (await lower(first, 'vps')) ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    await first.process.stop('SIGKILL');

    const second = await bench.exporter(config);
    const restored = (await lower(second, 'vps')) ?? 0;
    expect(restored).toBeGreaterThanOrEqual(known);
    expect(restored).toBeLessThan(known + 3);
    expect(await value(second, 'nat_idle_timeout_upper_bound_seconds', { mode: 'send' })).toBe(Infinity);
    await untilSurvived(second, 'vps', restored + 1);
    expect(await second.process.stop('SIGTERM')).toEqual({ code: 0, signal: null });
  });

  it('sets a damaged state file aside with a warning and starts anew', async () => {
    const port = await freePort();
    await bench.responder(port);
    const config = await bench.write(
      'config.yaml',
      `state_dir: state\n${QUICK}\ntargets: [{name: vps, host: 127.0.0.1, port: ${port}}]\n`,
    );
    const first = await bench.exporter(config);
    await untilSurvived(first, 'vps', 1);
    await first.process.stop();
    const [file = ''] = await stateFiles();
    const path = join(bench.directory, 'state', file);
    const text = await readFile(path, 'utf8');
    for (const damage of [text.slice(0, -40), text.replace(/"lower":/g, '"lowest":'), '[]', '{"format":1}']) {
      await writeFile(path, damage);
      const again = await bench.exporter(config);
      expect(await lower(again, 'vps')).toBeUndefined();
      await untilSurvived(again, 'vps', 1);
      expect(await again.process.stop()).toEqual({ code: 0, signal: null });
    }
    expect(
      (await readdir(join(bench.directory, 'state'))).filter((name) => name.includes('.corrupt-')).length,
    ).toBeGreaterThan(0);
  });

  it('stops within 5 s of SIGTERM while every target is unreachable', async () => {
    const config = await bench.write(
      'config.yaml',
      `targets: [{name: dark, host: 127.0.0.1, port: ${await freePort()}}, {name: lost, host: nowhere.invalid}]\n`,
    );
    const exporter = await bench.exporter(config);
    await exporter.process.waitForLine(/dark does not answer: .*connection refused/, 20_000);
    expect(await exporter.process.stop('SIGTERM', 5000)).toEqual({ code: 0, signal: null });
  });

  it('says in one line that a port is in use, and exits with 2', async () => {
    const port = await freePort();
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    try {
      const config = await bench.write('config.yaml', 'targets: [{name: vps, host: 127.0.0.1}]\n');
      const failed = bench.start([`--config.file=${config}`, `--web.listen-address=127.0.0.1:${port}`]);
      expect(await failed.exited).toEqual({ code: 2, signal: null });
      expect(failed.stderr.trim().split('\n').at(-1)).toBe(
        `listen address 127.0.0.1:${port}: already in use`,
      );
      const other = bench.start([
        'responder',
        `--listen-address=127.0.0.1:${port}`,
        '--web.listen-address=127.0.0.1:0',
      ]);
      expect(await other.exited).toEqual({ code: 2, signal: null });
      expect(other.stderr.trim().split('\n').at(-1)).toBe(`listen address 127.0.0.1:${port}: already in use`);
    } finally {
      server.close();
    }
  });

  it('lists every problem of a configuration at once and exits with 2, without a stack', async () => {
    const config = await bench.write(
      'config.yaml',
      'schedule: never\ntargets:\n  - {name: a, host: b, port: 99999, color: red}\n',
    );
    for (const extra of [[], ['--config.check']]) {
      const failed = bench.start([`--config.file=${config}`, ...extra]);
      expect(await failed.exited).toEqual({ code: 2, signal: null });
      const lines = failed.stderr.trim().split('\n');
      expect(lines).toHaveLength(3);
      for (const line of lines) expect(line).toMatch(new RegExp(`^${config}: `));
      expect(failed.stderr).not.toMatch(/^\s+at /m);
    }
  });

  it('lists the problems of the configuration and of the web configuration together', async () => {
    const config = await bench.write('config.yaml', 'targets: [{name: a, host: b, port: 99999}]\n');
    const web = await bench.write('web.yaml', 'basic_auth_users: {alice: plain}\n');
    const failed = bench.start([`--config.file=${config}`, `--web.config.file=${web}`, '--config.check']);
    expect(await failed.exited).toEqual({ code: 2, signal: null });
    const lines = failed.stderr.trim().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(new RegExp(`^${config}: targets\\[0\\]\\.port: `));
    expect(lines[1]).toMatch(new RegExp(`^${web}: `));
    expect(failed.stderr).not.toContain('plain');
  });

  it('never shows a token: not in the log, the configuration page, the JSON, the report or the state', async () => {
    const secret = 'correct-horse-battery-staple';
    const port = await freePort();
    const token = await bench.write('token', `${secret}\n`);
    await bench.responder(port, [`--token-file=${token}`]);
    await mkdir(join(bench.directory, 'state'));
    const config = await bench.write(
      'config.yaml',
      `state_dir: state\n${QUICK}\ntargets: [{name: vps, host: 127.0.0.1, port: ${port}, token_file: ${token}}]\n`,
    );
    const exporter = await bench.exporter(config, ['--log.level=debug']);
    await untilSurvived(exporter, 'vps', 1);
    const places = [
      await exporter.metrics(),
      ...(await Promise.all(
        ['/', '/config', '/api/v1/targets', '/report/vps'].map(async (path) =>
          (await exporter.get(path)).text(),
        ),
      )),
    ];
    await exporter.process.stop();
    for (const file of await stateFiles())
      places.push(await readFile(join(bench.directory, 'state', file), 'utf8'));
    places.push(exporter.process.stderr, exporter.process.stdout);
    for (const text of places) expect(text).not.toContain(secret);
  });
});

async function stateFiles(): Promise<string[]> {
  const names = await readdir(join(bench.directory, 'state')).catch(() => []);
  return names.filter((name) => name.startsWith('target-') && name.endsWith('.json'));
}
