import { execFileSync } from 'node:child_process';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../netns/until.js';
import { Bench, freePort } from '../support/program.js';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.open();
});

afterEach(() => bench.close());

const TARGETS = 'targets: [{name: vps, host: 127.0.0.1, port: 9}]\n';

function pipe(name: string): string {
  const path = join(bench.directory, name);
  execFileSync('mkfifo', [path]);
  return path;
}

describe('files that are none', () => {
  /** Runs to the end and gives what it said; a hang is killed and has no code. */
  async function end(args: readonly string[], input?: string) {
    const run = bench.start(args);
    if (input !== undefined) run.write(input);
    run.endInput();
    const timer = setTimeout(() => void run.stop('SIGKILL'), 10_000);
    const { code } = await run.exited;
    clearTimeout(timer);
    return { code, stdout: run.stdout, stderr: run.stderr };
  }

  it('are refused with one clear line at the start: pipes, devices and folders as configuration', async () => {
    const link = join(bench.directory, 'link');
    await symlink('/dev/zero', link);
    for (const [path, reason] of [
      [pipe('pipe'), 'is a named pipe, not a regular file'],
      ['/dev/zero', 'is a device, not a regular file'],
      [link, 'is a device, not a regular file'],
      [bench.directory, 'is a directory'],
    ] as const)
      expect(await end([`--config.file=${path}`, '--config.check'])).toEqual({
        code: 2,
        stdout: '',
        stderr: `${path}: cannot be read: ${reason}\n`,
      });
  });

  it('are refused as token, password, certificate and target file', async () => {
    const fifo = pipe('pipe');
    const list = pipe('pipe.json');
    const wrong = 'cannot be read: is a named pipe, not a regular file';
    const config = await bench.write(
      'config.yaml',
      `targets: [{name: vps, host: h, token_file: pipe}]
remote_write: {url: "http://h/", basic_auth: {username: u, password_file: pipe}, tls_config: {ca_file: /dev/zero}}
`,
    );
    const check = await end([`--config.file=${config}`, '--config.check']);
    expect(check.code).toBe(2);
    expect(check.stderr.split('\n').map((line) => line.replace(`${config}: `, ''))).toEqual([
      `targets[0].token_file: ${wrong}, found pipe`,
      `remote_write.basic_auth.password_file: ${wrong}, found pipe`,
      'remote_write.tls_config.ca_file: cannot be read: is a device, not a regular file, found /dev/zero',
      '',
    ]);
    const lists = await bench.write('lists.yaml', `${TARGETS}target_files: [pipe.json]\n`);
    expect(await end([`--config.file=${lists}`, '--config.check'])).toMatchObject({
      code: 2,
      stderr: `${list}: ${wrong}\n`,
    });
    const web = await bench.write('web.yml', `tls_server_config: {cert_file: pipe, key_file: /dev/zero}\n`);
    const plain = await bench.write('plain.yaml', TARGETS);
    const tls = await end([`--config.file=${plain}`, '--config.check', `--web.config.file=${web}`]);
    expect(tls.code).toBe(2);
    expect(tls.stderr).toContain(`tls_server_config.cert_file: ${wrong}`);
    expect(tls.stderr).toContain('tls_server_config.key_file: cannot be read: is a device');
    expect(await end(['responder', `--token-file=${fifo}`])).toMatchObject({ code: 2 });
    expect(await end(['measure', 'h', `--token-file=${fifo}`])).toMatchObject({ code: 2 });
  });

  it('are not: a configuration over standard input', async () => {
    expect(await end(['--config.file=/dev/stdin', '--config.check'], TARGETS)).toEqual({
      code: 0,
      stdout: '/dev/stdin: usable, 1 target\n',
      stderr: '',
    });
  });

  it('are not waited for at a reload: standard input is read at the start only', async () => {
    const exporter = bench.start(['--config.file=/dev/stdin', '--web.listen-address=127.0.0.1:0']);
    exporter.write(TARGETS);
    exporter.endInput();
    const [, url = ''] = await exporter.waitForLine(/serving the status page.* url=(\S+)\//, 20_000);
    exporter.signal('SIGHUP');
    await exporter.waitForLine(/\/dev\/stdin: is read at the start only/, 20_000);
    expect(await (await fetch(`${url}/metrics`)).text()).toMatch(/last_reload_successful 0/);
    exporter.signal('SIGTERM');
    expect((await exporter.exited).code).toBe(0);
  });

  it('stop no running exporter: a pipe among the target files, and in the place of the token', async () => {
    const port = await freePort();
    const token = await bench.write('token', 'a token of many characters\n');
    await bench.responder(port, [`--token-file=${token}`]);
    await mkdir(join(bench.directory, 'lists'));
    await bench.write('lists/a.json', JSON.stringify([{ name: 'a', host: '127.0.0.1', port }]));
    const config = await bench.write(
      'config.yaml',
      `search: {min_idle: 1s, max_idle: 20s, resolution: 1s, deadline: 1s, connections: 6}
target_files: ["lists/*.json"]
targets: [{name: own, host: 127.0.0.1, port: ${port}, token_file: token}]
`,
    );
    const exporter = await bench.exporter(config);
    pipe('lists/b.json');
    await exporter.process.waitForLine(/b\.json: cannot be read: is a named pipe/, 20_000);
    // In one step: without any token for a moment there would be another line.
    execFileSync('mv', [pipe('pipe'), token]);
    await exporter.process.waitForLine(/token cannot be read: is a named pipe/, 60_000);
    const health = await exporter.get('/-/healthy', { signal: AbortSignal.timeout(1000) });
    expect(health.status).toBe(200);
    expect(await exporter.metrics()).toContain('nat_target_up{target="a"} ');
    for (const told of [/b\.json: cannot be read/g, /token cannot be read/g])
      expect(exporter.process.stderr.match(told), exporter.process.stderr).toHaveLength(1);
    exporter.process.signal('SIGTERM');
    expect((await exporter.process.exited).code).toBe(0);
  });
});

describe('two exporters on one state_dir', () => {
  const start = (config: string) =>
    bench.start([`--config.file=${config}`, '--web.listen-address=127.0.0.1:0'], {
      env: { NODE_NO_WARNINGS: '1' },
    });

  it('are refused; a killed one leaves nothing that keeps the next from starting', async () => {
    const config = await bench.write('config.yaml', `state_dir: state\n${TARGETS}`);
    const first = await bench.exporter(config);
    const second = await start(config).exited;
    expect(second.code).toBe(2);
    const refused = start(config);
    await refused.exited;
    expect(refused.stderr).toMatch(
      new RegExp(
        `^${config}: state_dir: is in use by process ${first.process.pid} on \\S+, found state\\n$`,
        'm',
      ),
    );
    expect((await first.get('/-/healthy')).status).toBe(200);

    first.process.signal('SIGKILL');
    await first.process.exited;
    const third = await bench.exporter(config);
    expect(third.process.stderr).not.toContain('level=warn msg="cannot hold');
    await third.get('/-/healthy');
    third.process.signal('SIGTERM');
    await third.process.exited;
    expect((await readdir(join(bench.directory, 'state'))).filter((name) => name.includes('lock'))).toEqual(
      [],
    );
  });

  it('are refused at a reload too: the one that asks keeps what it has', async () => {
    const [a, b] = [
      await bench.write('a.yaml', `state_dir: state-a\n${TARGETS}`),
      await bench.write('b.yaml', `state_dir: state-b\n${TARGETS}`),
    ];
    const first = await bench.exporter(a);
    const second = await bench.exporter(b, ['--web.enable-lifecycle']);
    await writeFile(b, `state_dir: ${join(bench.directory, 'state-a')}\n${TARGETS}`);
    const reload = await second.get('/-/reload', { method: 'POST' });
    expect(reload.status).toBe(500);
    expect(await reload.text()).toContain(`state_dir: is in use by process ${first.process.pid} on `);
    // It still holds the directory that it began with ...
    expect((await start(await bench.write('c.yaml', `state_dir: state-b\n${TARGETS}`)).exited).code).toBe(2);
    await first.get('/-/healthy');
    first.process.signal('SIGTERM');
    await first.process.exited;
    // ... and changes over once the other is free.
    expect((await second.get('/-/reload', { method: 'POST' })).status).toBe(200);
    await until('the first directory is free', 10_000, async () => {
      const names = await readdir(join(bench.directory, 'state-b'));
      return !names.some((name) => name.startsWith('.lock'));
    });
    expect((await start(a).exited).code).toBe(2);
  });
});
