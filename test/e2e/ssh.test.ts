/** Logging in to real SSH servers on loopback: host keys, keys, users without a shell, servers that misbehave. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import type { MeasureFlags } from '../../src/cli/measure-flags.js';
import { systemClock } from '../../src/clock.js';
import { runMeasure } from '../../src/commands/measure.js';
import type { TargetConfig } from '../../src/config/config.js';
import { MODES } from '../../src/core/modes.js';
import { openPath } from '../../src/probe/far-ends/index.js';
import type { Mode } from '../../src/core/modes.js';
import type { Observation } from '../../src/probe/observe.js';
import type { Path, PathOptions } from '../../src/probe/path.js';
import { eventually } from '../support/sockets.js';
import { LabProcess } from '../netns/process.js';
import { makeConfig } from '../support/fake-view.js';
import { freePort, program } from '../support/program.js';
import { requires } from '../support/requires.js';
import {
  prepareSshServer,
  programsOf,
  sessionsOf,
  type SshServerFiles,
  type SshServerSettings,
  type SshUser,
} from '../support/sshd.js';

const { signal } = new AbortController();
const HOST = '127.0.0.1';
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

interface Server extends SshServerFiles {
  readonly port: number;
  readonly process: LabProcess;
  readonly folder: string;
  /** Its name in files of known hosts. */
  readonly name: string;
}

async function serve(settings: SshServerSettings = {}): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'sshd-'));
  closing.push(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const files = prepareSshServer(folder, { ...settings, address: HOST, port });
  const process = new LabProcess(['setpriv', '--pdeathsig', 'KILL', '--', ...files.argv]);
  closing.push(() => process.stop('SIGKILL'));
  await files.listening();
  return { ...files, port, process, folder, name: `[${HOST}]:${port}` };
}

type SshTarget = TargetConfig & { readonly far_end: Extract<TargetConfig['far_end'], { kind: 'ssh' }> };

function targetOf(
  server: Server,
  user: SshUser = 'normal',
  more: Partial<SshTarget['far_end']> = {},
): SshTarget {
  const far_end = {
    kind: 'ssh',
    host: HOST,
    port: server.port,
    user,
    identity_file: server.identityFile,
    known_hosts_file: server.trust(server.name),
    ...more,
  } as const;
  return { ...makeConfig('ssh'), far_end };
}

/** Somebody at a port of its own who says this to everybody, and closes or waits. */
async function targetThatSays(
  text: string,
  then: 'closes' | 'waits' = 'closes',
  opened: () => void = () => undefined,
): Promise<TargetConfig> {
  const listener = createServer((socket) => {
    opened();
    socket.on('error', () => undefined);
    if (then === 'closes') socket.end(text);
    else socket.write(text);
    closing.push(() => socket.destroy());
  });
  await once(listener.listen(0, HOST), 'listening');
  closing.push(() => listener.close());
  const server = await serve();
  const { port } = listener.address() as AddressInfo;
  return targetOf({ ...server, port });
}

/** What is said of a user for whom the server runs no program. */
function withoutProgram({ port }: Server, user: SshUser): string {
  return `${HOST}:${port} runs no program for ${user} (no shell, or a forced command), which mode recv needs: only the others can be measured`;
}

function pathTo(target: TargetConfig, more: Partial<PathOptions> = {}): Path {
  return openPath({ target, address: HOST, clock: systemClock, ...more });
}

/** What a fresh session says that does not come about. */
async function problemOf(target: TargetConfig, more: Partial<PathOptions> = {}): Promise<string> {
  const error: unknown = await pathTo(target, more)
    .check(signal)
    .catch((thrown: unknown) => thrown);
  if (!(error instanceof Error)) throw new Error('it came about');
  return error.message;
}

/** `measure` of a user's terminal: how it ends and what it says. */
async function measured(
  server: Server,
  env: Readonly<Record<string, string | undefined>>,
  flags: readonly string[] = [],
): Promise<{ readonly code: number | null; readonly said: string }> {
  const url = `ssh://normal@${HOST}:${server.port}`;
  const trusting = `--known-hosts-file=${server.trust(server.name)}`;
  const fast = ['--max-idle=2s', '--resolution=1s', '--deadline=2s', '--mode=send', '--quiet'];
  const running = program(['measure', url, trusting, ...fast, ...flags], {
    env: { HOME: server.folder, ...env },
  });
  closing.push(() => running.stop('SIGKILL'));
  const { code } = await running.exited;
  // Long sentences are broken into lines.
  return { code, said: `${running.stdout}${running.stderr}`.replace(/\n(?=\S)/g, ' ') };
}

/** An agent of its own that holds these keys. @returns its socket */
async function agentWith(server: Server, ...keys: readonly string[]): Promise<string> {
  const socket = join(server.folder, `agent-${keys.length}`);
  const agent = new LabProcess(['setpriv', '--pdeathsig', 'KILL', '--', 'ssh-agent', '-D', '-a', socket]);
  closing.push(() => agent.stop('SIGKILL'));
  await eventually(() => existsSync(socket), 'the agent listens');
  for (const key of keys)
    execFileSync('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
  return socket;
}

/** How often the server was offered a key that it refused. */
function refusals({ log }: Server): number {
  return log()
    .split('\n')
    .filter((line) => /Failed publickey/.test(line)).length;
}

async function tested(path: Path, mode: Mode): Promise<Observation> {
  const probe = await path.open(mode, undefined, signal);
  closing.push(() => probe.close());
  return probe.test({ clock: systemClock, deadline: 3, signal });
}

const ROOT = requires({ root: true, packages: ['openssh-server', 'dropbear-bin'] });

ROOT.describe('an SSH server as far end', () => {
  it.each(['sshd', 'dropbear'] as const)('%s answers in every mode', async (program) => {
    const server = await serve({ program });
    const path = pathTo(targetOf(server));
    const canary = await path.openCanary(signal);
    closing.push(() => canary.close());
    expect(canary.introduction).toMatchObject({ localAddress: HOST, seenAddress: HOST });
    expect(canary.introduction.instance).toMatch(/^[0-9a-f]{16}$/);
    for (const mode of MODES) expect(await tested(path, mode), mode).toMatchObject({ kind: 'answered' });
    expect(await canary.beat(3, signal)).toBe(true);
  });

  it('reads of the far end when its kernel will speak', async () => {
    const speaks = async (config: string): Promise<number | undefined> =>
      (await pathTo(targetOf(await serve({ config: [config] }))).check(signal)).speaksAfter;
    expect(await speaks('TCPKeepAlive yes')).toBe(
      Number(readFileSync('/proc/sys/net/ipv4/tcp_keepalive_time', 'utf8')),
    );
    expect(await speaks('TCPKeepAlive no')).toBe(undefined);
  });

  it.each(['nologin', 'forced', 'sftp', 'sleeping'] as const)(
    'for a user without a shell (%s) the server itself answers, and recv cannot be asked',
    { timeout: 40_000 },
    async (user) => {
      const path = pathTo(targetOf(await serve(), user));
      expect(await path.check(signal)).toEqual({
        localAddress: HOST,
        speaksAfter: 7200,
        cannotBeAsked: ['recv'],
      });
      const canary = await path.openCanary(signal);
      closing.push(() => canary.close());
      for (const mode of ['send', 'keepalive'] as const)
        expect(await tested(path, mode), mode).toMatchObject({ kind: 'answered' });
      await expect(path.open('recv', undefined, signal)).rejects.toThrow('runs no program');
      expect(await canary.beat(3, signal)).toBe(true);
    },
  );

  it('a server that breaks the silence disturbs the test, and says how long it can be silent', async () => {
    const server = await serve({ config: ['ClientAliveInterval 1'] });
    const spoken: number[] = [];
    const path = pathTo(targetOf(server), { speaks: (after) => spoken.push(after) });
    const probe = await path.open('send', undefined, signal);
    closing.push(() => probe.close());
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(await probe.test({ clock: systemClock, deadline: 3, signal })).toEqual({
      kind: 'unclear',
      reason: 'disturbed',
    });
    expect(spoken.length).toBeGreaterThan(0);
    for (const after of spoken) expect(after).toBeLessThan(2.5);
  });

  it.each(['session', 'program'] as const)(
    'a %s that hangs after the login is no forgotten mapping',
    { timeout: 30_000 },
    async (what) => {
      const server = await serve();
      const home = join(server.folder, 'home-normal');
      const path = pathTo(targetOf(server));
      const canary = await path.openCanary(signal);
      closing.push(() => canary.close());
      const watching = programsOf(home);
      const probes = await Promise.all(
        (['send', 'recv'] as const).map((mode) => path.open(mode, undefined, signal)),
      );
      const programs = programsOf(home).filter((id) => !watching.includes(id));
      const stopped = what === 'program' ? programs : sessionsOf(programs);
      expect(stopped.length).toBeGreaterThanOrEqual(2);
      for (const id of stopped) process.kill(id, 'SIGSTOP');
      closing.push(() => stopped.forEach((id) => process.kill(id, 'SIGKILL')));
      const context = { clock: systemClock, deadline: 1.5, signal };
      for (const probe of probes) {
        expect(await probe.test(context)).toEqual({ kind: 'unclear', reason: 'control_failed' });
        probe.close();
      }
      expect(await canary.beat(3, signal)).toBe(true);
    },
  );

  it('a login after the other passes where the server lets three in at once', async () => {
    const path = pathTo(targetOf(await serve({ config: ['MaxStartups 3:100:3'] })));
    const probes = await Promise.all(Array.from({ length: 12 }, () => path.open('send', undefined, signal)));
    for (const probe of probes) probe.close();
    expect(probes).toHaveLength(12);
  });

  it.each([
    ['MaxSessions 0', 'the server itself answers, and recv cannot be asked'],
    ['MaxSessions 1', 'each connection has the one session that it needs'],
  ])('with %s %s', async (config) => {
    const path = pathTo(targetOf(await serve({ config: [config] })));
    const { cannotBeAsked } = await path.check(signal);
    expect(cannotBeAsked).toEqual(config === 'MaxSessions 0' ? ['recv'] : undefined);
    const canary = await path.openCanary(signal);
    closing.push(() => canary.close());
    const asked = MODES.filter((mode) => cannotBeAsked?.includes(mode) !== true);
    for (const mode of asked) expect(await tested(path, mode), mode).toMatchObject({ kind: 'answered' });
    expect(await canary.beat(3, signal)).toBe(true);
  });

  it('logins that others keep all to themselves are told, and old sessions stay', async () => {
    const server = await serve({ config: ['MaxStartups 2:100:2'] });
    const path = pathTo(targetOf(server));
    const canary = await path.openCanary(signal);
    closing.push(() => canary.close());
    const probe = await path.open('send', undefined, signal);
    closing.push(() => probe.close());
    const strangers = [0, 1].map(() => connect({ port: server.port, host: HOST }));
    closing.push(() => strangers.forEach((stranger) => stranger.destroy()));
    await Promise.all(strangers.map((stranger) => once(stranger, 'data')));
    await expect(path.check(signal)).rejects.toThrow(
      `${HOST}:${server.port} closed the connection before the login`,
    );
    expect(await probe.test({ clock: systemClock, deadline: 3, signal })).toMatchObject({ kind: 'answered' });
    expect(await canary.beat(3, signal)).toBe(true);
    strangers.forEach((stranger) => stranger.destroy());
    await vi.waitFor(() => path.check(signal), { timeout: 10_000, interval: 500 });
  });

  it('a long banner and a shell that says 200 KB change nothing; a banner of 200 KB is told', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'banner-'));
    closing.push(() => rmSync(folder, { recursive: true }));
    const banner = join(folder, 'banner');
    writeFileSync(banner, 'all activity is watched\n'.repeat(1200));
    const server = await serve({ config: [`Banner ${banner}`] });
    const noise =
      'yes "welcome to this host" | head -c 200000; yes ready | head -c 200000 | tr -d "\\n" >&2\n';
    writeFileSync(join(server.folder, 'home-bash/.bashrc'), noise);
    const target = targetOf(server, 'bash');
    expect(await pathTo(target).check(signal)).toMatchObject({ seenAddress: HOST });
    writeFileSync(banner, 'all activity is watched\n'.repeat(8500));
    expect(await problemOf(target)).toBe(
      `${HOST}:${server.port} sends a longer message than SSH allows (a banner of more than 32 KiB?)`,
    );
  });

  it('says what to do about a host key that is not known, and trusts it where it is told to', async () => {
    const server = await serve();
    const known_hosts_file = join(server.folder, 'mine/known_hosts');
    const problem = await problemOf(targetOf(server, 'normal', { known_hosts_file }));
    expect(problem).toBe(
      `the host key of ${HOST}:${server.port} is not in ${known_hosts_file}: connect once with ` +
        `ssh -p ${server.port} normal@${HOST} and compare it, or give measure --accept-new-host-key`,
    );
    const accepting = { acceptNewHostKey: true };
    await pathTo(targetOf(server, 'normal', { known_hosts_file }), accepting).check(signal);
    expect(readFileSync(known_hosts_file, 'utf8')).toBe(`${server.name} ${server.hostKey}\n`);
    await pathTo(targetOf(server, 'normal', { known_hosts_file })).check(signal);
  });

  it('never trusts a host key that changed or was revoked, and shows no key', async () => {
    const [server, other] = [await serve(), await serve()];
    const file = targetOf(server).far_end.known_hosts_file ?? '';
    const said: string[] = [];
    const problemWith = async (text: string): Promise<string> => {
      writeFileSync(file, text);
      const target = { ...targetOf(server), far_end: { ...targetOf(server).far_end } };
      writeFileSync(file, text);
      said.push(await problemOf(target, { acceptNewHostKey: true }));
      return said.at(-1) ?? '';
    };
    expect(await problemWith(`${server.name} ${other.hostKey}\n`)).toContain('is another one than');
    const revoked = `@revoked * ${server.hostKey}\n`;
    expect(await problemWith(revoked)).toContain('is marked @revoked');
    expect(await problemWith(`${server.name} ${server.hostKey}\n${revoked}`)).toContain('is marked @revoked');
    for (const { hostKey } of [server, other]) expect(said.join()).not.toContain(hostKey.split(' ')[1]);
    expect(refusals(server)).toBe(0);
  });

  it('offers a refused key once, and a new one at once', async () => {
    const server = await serve();
    const target = targetOf(server, 'normal', { identity_file: server.strangerFile });
    const problem = await problemOf(target);
    expect(problem).toBe(
      `${HOST}:${server.port} accepted no key for normal: offered were ${server.strangerFile}`,
    );
    for (let tries = 0; tries < 3; tries += 1) expect(await problemOf(target)).toBe(problem);
    expect(refusals(server)).toBe(1);
    writeFileSync(server.strangerFile, readFileSync(server.identityFile));
    await pathTo(target).check(signal);
  });

  it('a server that hangs is given up, in the login and after it', { timeout: 60_000 }, async () => {
    const [before, after] = [await serve(), await serve()];
    const target = targetOf(before);
    await pathTo(target).check(signal);
    before.process.signal('SIGSTOP');
    closing.push(
      () => before.process.signal('SIGCONT'),
      () => {
        const stopped = readFileSync(join(after.folder, 'home-hanging/stopped'), 'utf8');
        for (const pid of stopped.trim().split('\n')) process.kill(Number(pid), 'SIGKILL');
      },
    );
    const [inLogin, afterIt] = await Promise.all([problemOf(target), problemOf(targetOf(after, 'hanging'))]);
    expect(inLogin).toMatch(/did not finish the login within 20 s/);
    expect(afterIt).toBe(`${HOST}:${after.port} does not answer after the login`);
  });

  it('logs in with the keys of an agent, and says what is wrong with it', { timeout: 60_000 }, async () => {
    const server = await serve();
    const [both, stranger, none] = [
      await agentWith(server, server.strangerFile, server.identityFile),
      await agentWith(server, server.strangerFile),
      await agentWith(server),
    ];
    const [ended, refused, empty, gone] = await Promise.all(
      [both, stranger, none, '/nonexistent'].map((socket) => measured(server, { SSH_AUTH_SOCK: socket })),
    );
    expect(ended?.said).toMatch(/^ {2}send +survived [12]/m);
    expect(ended?.code).toBe(3);
    expect(server.log()).toContain('Accepted publickey for normal');
    expect(refused?.said).toContain(
      `${HOST}:${server.port} accepted no key for normal: offered were key 1 of the agent.`,
    );
    expect(empty?.said).toContain('the agent at SSH_AUTH_SOCK has no keys');
    expect(gone?.said).toContain('the agent at SSH_AUTH_SOCK does not answer');
  });

  it('offers five keys at most, so that no server counts them up to its limit', {
    timeout: 60_000,
  }, async () => {
    const server = await serve();
    const strangers = Array.from({ length: 5 }, (_, index) => join(server.folder, `stranger-${index}`));
    for (const file of strangers) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
    const agent = await agentWith(server, ...strangers, server.identityFile);
    const { said } = await measured(server, { SSH_AUTH_SOCK: agent });
    const offered = [1, 2, 3, 4, 5].map((number) => `key ${number} of the agent`).join(', ');
    expect(said).toContain(`${HOST}:${server.port} accepted no key for normal: offered were ${offered}.`);
    expect(refusals(server)).toBe(5);
  });

  /** Something that `measure` would wait for in vain, as a target, and what it says of it. */
  const IN_VAIN: Readonly<Record<string, () => Promise<readonly [TargetConfig, string]>>> = {
    'the key is refused': async () => {
      const server = await serve();
      const target = targetOf(server, 'normal', { identity_file: server.strangerFile });
      return [target, `accepted no key for normal: offered were ${server.strangerFile}`];
    },
    'the host key is unknown': async () => {
      const server = await serve();
      const known_hosts_file = join(server.folder, 'nobody_known');
      const says = `the host key of ${HOST}:${server.port} is not in ${known_hosts_file}: connect once with`;
      return [targetOf(server, 'normal', { known_hosts_file }), says];
    },
    'no algorithm is common': async () => [
      targetOf(await serve({ config: ['KexAlgorithms diffie-hellman-group1-sha1'] })),
      'it has no key exchange algorithm in common with this program',
    ],
    'the banner is too long': async () => {
      const folder = mkdtempSync(join(tmpdir(), 'banner-'));
      closing.push(() => rmSync(folder, { recursive: true }));
      writeFileSync(join(folder, 'banner'), 'all activity is watched\n'.repeat(8500));
      const server = await serve({ config: [`Banner ${folder}/banner`] });
      return [targetOf(server), 'sends a longer message than SSH allows'];
    },
    'a web server answers': async () => [
      await targetThatSays('HTTP/1.1 400 Bad Request\r\n\r\n'),
      'is no SSH server: it says "HTTP/1.1 400 Bad Request"',
    ],
    'a mail server answers and waits': async () => [
      await targetThatSays('220 mail.example ESMTP\r\n', 'waits'),
      'is no SSH server: it says "220 mail.example ESMTP"',
    ],
    'the protocol is the old one': async () => [
      await targetThatSays('SSH-1.5-OpenSSH_1.2\n', 'waits'),
      'speaks no SSH 2: it says "SSH-1.5-OpenSSH_1.2"',
    ],
    'recv is asked of a user without a shell': async () => {
      const server = await serve();
      return [{ ...targetOf(server, 'nologin'), modes: ['recv'] }, withoutProgram(server, 'nologin')];
    },
    'recv is asked of a user with sftp alone': async () => {
      const server = await serve();
      return [{ ...targetOf(server, 'sftp'), modes: ['recv'] }, withoutProgram(server, 'sftp')];
    },
    'recv is asked of a user with a forced command': async () => {
      const server = await serve();
      return [{ ...targetOf(server, 'forced'), modes: ['recv'] }, withoutProgram(server, 'forced')];
    },
  };

  it.each(Object.keys(IN_VAIN))('`measure` waits for nothing where %s, and says so', async (which) => {
    const [target, says] = (await IN_VAIN[which]?.()) ?? [makeConfig('none'), ''];
    let said = '';
    const output = { write: (text: string) => (said += text) };
    const flags: MeasureFlags = {
      target,
      json: false,
      redact: false,
      acceptNewHostKey: false,
      verify: false,
      settings: false,
      locate: false,
      quiet: true,
      socketOptions: 'off',
      log: { level: 'error', format: 'logfmt' },
    };
    const started = performance.now();
    const io = { stdout: output, stderr: output, environment: {}, signal };
    expect(await runMeasure(flags, { version: '1.2.3', revision: 'abcdef0' }, [], io)).toBe(3);
    expect(performance.now() - started).toBeLessThan(3000);
    expect(said.replace(/\s+/g, ' ')).toContain(says);
  });

  it('a server that nobody can log in to is left alone for a while, and one that is busy is not', async () => {
    const server = await serve({ config: ['KexAlgorithms diffie-hellman-group1-sha1'] });
    const target = targetOf(server);
    const problem = await problemOf(target);
    for (let tries = 0; tries < 3; tries += 1) expect(await problemOf(target)).toBe(problem);
    expect(server.log().match(/^Connection from /gm)).toHaveLength(1);
    const opened: number[] = [];
    const busy = await targetThatSays('Exceeded MaxStartups\r\n', 'closes', () => opened.push(1));
    for (let tries = 0; tries < 2; tries += 1)
      expect(await problemOf(busy)).toMatch(/closed the connection before the login$/);
    expect(opened).toHaveLength(2);
  });

  it('leaves no process behind after SIGKILL, and no folder', async () => {
    const server = await serve();
    const script = join(server.folder, 'client.mts');
    const here = new URL('../../src/', import.meta.url).pathname;
    writeFileSync(
      script,
      `import { openPath } from '${here}probe/far-ends/index.ts';
import { systemClock } from '${here}clock.ts';
const path = openPath({ target: ${JSON.stringify(targetOf(server))}, address: '${HOST}', clock: systemClock });
const { signal } = new AbortController();
await path.openCanary(signal);
for (const mode of ['send', 'recv', 'keepalive']) await path.open(mode, undefined, signal);
console.log('open');
`,
    );
    const root = new URL('../..', import.meta.url).pathname;
    const client = new LabProcess([process.execPath, '--import', 'tsx', script], { cwd: root });
    closing.push(() => client.stop('SIGKILL'));
    await client.waitForLine(/^open$/, 30_000);
    const programs = (): number => programsOf(join(server.folder, 'home-normal')).length;
    expect(programs()).toBeGreaterThanOrEqual(4);
    expect(readdirSync(join(server.folder, 'tmp'))).toHaveLength(2);
    await client.stop('SIGKILL');
    await eventually(() => programs() === 0, 'every program at the far end ends');
    expect(readdirSync(join(server.folder, 'tmp'))).toEqual([]);
  });
});

/** All that the program wrote while it measured and failed to: on the screen, in files, on its pages. */
async function everythingSaid(server: Server, folder: string): Promise<string> {
  const said: string[] = [];
  const keep = async (process: LabProcess): Promise<void> => {
    await process.exited;
    said.push(process.stdout, process.stderr);
  };
  const flags = ['--max-idle=2s', '--resolution=1s', '--deadline=2s', '--log.level=debug'];
  const url = `ssh://normal@${HOST}:${server.port}`;
  const trusting = `--known-hosts-file=${server.trust(server.name)}`;
  const env = { HOME: folder, SSH_AUTH_SOCK: undefined };
  const report = join(folder, 'report.html');
  await Promise.all([
    keep(
      program(
        ['measure', url, trusting, `--identity-file=${server.identityFile}`, `--report=${report}`, ...flags],
        { env },
      ),
    ),
    keep(program(['measure', url, trusting, `--identity-file=${server.strangerFile}`, ...flags], { env })),
    keep(program(['measure', url, `--identity-file=${server.identityFile}`, '--json', ...flags], { env })),
  ]);
  said.push(readFileSync(report, 'utf8'));
  const config = join(folder, 'config.yaml');
  writeFileSync(
    config,
    `state_dir: ${folder}/state
targets:
  - {name: shell, host: ${HOST}, protocol: ssh, port: ${server.port}, user: normal, identity_file: ${server.identityFile}, known_hosts_file: ${server.trust(server.name)}, search: {min_idle: 1s, max_idle: 3s, resolution: 1s, deadline: 2s}}
`,
  );
  const port = await freePort();
  const address = `${HOST}:${port}`;
  const exporter = program(
    [`--config.file=${config}`, `--web.listen-address=${address}`, '--log.level=debug'],
    { env },
  );
  closing.push(() => exporter.stop('SIGKILL'));
  await exporter.waitForLine(/verdict=alive/, 60_000);
  for (const page of ['/', '/metrics', '/config', '/api/v1/targets'])
    said.push(await (await fetch(`http://${address}${page}`)).text());
  await exporter.stop();
  said.push(exporter.stdout, exporter.stderr);
  for (const file of readdirSync(`${folder}/state`, { recursive: true, withFileTypes: true }))
    if (file.isFile()) said.push(readFileSync(join(file.parentPath, file.name), 'utf8'));
  return said.join('\n');
}

ROOT.describe('what is said of a measurement over SSH', () => {
  it('holds no key', { timeout: 120_000 }, async () => {
    const server = await serve();
    const folder = mkdtempSync(join(tmpdir(), 'said-'));
    closing.push(() => rmSync(folder, { recursive: true, force: true }));
    const said = await everythingSaid(server, folder);
    expect(said).toContain('survived');
    expect(said).toContain('accepted no key for normal');
    expect(said).toContain('is not in');
    expect(said).toContain('nat_probe_verdicts_total');
    const secrets = [server.identityFile, server.strangerFile].flatMap((file) => [
      ...readFileSync(file, 'utf8').split('\n').slice(1, -2),
      readFileSync(`${file}.pub`, 'utf8').split(' ')[1] ?? '',
    ]);
    for (const secret of [...secrets, server.hostKey.split(' ')[1] ?? '']) {
      expect(secret.length).toBeGreaterThan(30);
      // Any longer part of it, however it is broken into lines.
      for (let at = 40; at + 24 <= secret.length; at += 8)
        expect(said.includes(secret.slice(at, at + 24)), secret.slice(0, 12)).toBe(false);
    }
  });
});
