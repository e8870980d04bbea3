import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { MeasureFlags } from '../../src/cli/measure-flags.js';
import { type MeasureIo, runMeasure } from '../../src/commands/measure.js';
import type { TargetConfig } from '../../src/config/config.js';
import { MODES } from '../../src/core/modes.js';
import { documentSchema } from '../../src/report/report-document.js';

const BUILD = { version: '1.2.3', revision: 'abcdef0' };

/** The built-in responder behind the built-in NAT, which forgets after four seconds. */
const EMBEDDED: TargetConfig = {
  name: 'embedded',
  far_end: { kind: 'embedded', idle_timeout: 4 },
  modes: MODES,
  family: 'any',
  labels: {},
  search: { min_idle: 1, max_idle: 20, resolution: 0.5, connections: 12, deadline: 1, guard: 0.2 },
};

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'measure-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

function flags(target: TargetConfig, rest: Partial<MeasureFlags> = {}): MeasureFlags {
  return {
    target,
    json: false,
    settings: false,
    redact: false,
    acceptNewHostKey: false,
    verify: false,
    locate: false,
    quiet: false,
    socketOptions: 'off',
    log: { level: 'error', format: 'logfmt' },
    ...rest,
  };
}

function output(): MeasureIo & { out: () => string; err: () => string } {
  let [out, err] = ['', ''];
  return {
    stdout: { write: (text: string) => (out += text) },
    stderr: { write: (text: string) => (err += text) },
    environment: {},
    signal: new AbortController().signal,
    out: () => out,
    err: () => err,
  };
}

describe('runMeasure()', () => {
  it('finds the timeout of the built-in NAT in all modes, tells the story, writes the report', async () => {
    const io = output();
    const file = join(dir, 'report.html');
    const code = await runMeasure(flags(EMBEDDED, { report: { file, format: 'html' } }), BUILD, [], io);
    expect(code).toBe(1);
    expect(io.out()).toMatch(
      /^Not compliant: an idle TCP connection is forgotten [^]* \(seen in\s+every mode\)/m,
    );
    for (const mode of MODES) {
      const [, lower, upper] =
        new RegExp(`^  ${mode} +survived ([\\d.]+) s, died at ([\\d.]+) s`, 'm').exec(io.out()) ?? [];
      expect(Number(lower), mode).toBeLessThan(4);
      // To the built-in NAT a keepalive is no traffic: it may reset a connection in the middle of its test.
      expect(Number(upper), mode).toBeGreaterThanOrEqual(mode === 'keepalive' ? 3.9 : 4);
      expect(Number(upper) - Number(lower), mode).toBeLessThanOrEqual(0.6);
      expect(io.err().match(new RegExp(`${mode}: not compliant`, 'g')), mode).toHaveLength(1);
      expect(
        io.err().match(new RegExp(`${mode}: idle connections are forgotten after`, 'g')),
        mode,
      ).toHaveLength(1);
    }
    // Most often while they idle; on a busy machine most of them in the middle of their test.
    expect(io.out()).toMatch(/A box resets idle connections by itself|a packet is answered with a RST/);
    expect(io.out()).toMatch(new RegExp(`\n\nDo this now: Send [^]*\nThe report is ${file}\n$`));
    expect(readFileSync(file, 'utf8')).toMatch(/^<!DOCTYPE html>[^]*<strong>Not compliant:<\/strong>/);
  }, 60_000);

  const FORGETS_AFTER_7: TargetConfig = {
    ...EMBEDDED,
    far_end: { kind: 'embedded', idle_timeout: 7 },
    modes: ['send', 'recv'],
    search: { ...EMBEDDED.search, min_idle: 3 },
  };

  it('with --verify says how long it takes, then whether the advice helps', async () => {
    const io = output();
    const file = join(dir, 'report.json');
    const report = { file, format: 'json' } as const;
    const code = await runMeasure(
      flags(FORGETS_AFTER_7, { verify: true, settings: true, report }),
      BUILD,
      [],
      io,
    );
    expect(code).toBe(1);
    const plan = io.err().indexOf('Proving the advice: one connection is held by TCP keepalives');
    expect(io.err().slice(plan)).toMatch(/every 3 s for 9 s, .* which makes 22 s at most\./);
    // The built-in NAT is a relay, at which keepalives end.
    const told = /Tried here: TCP keepalives every 3 s did not keep a connection alive\./.exec(io.err());
    expect(told?.index).toBeGreaterThan(plan);
    expect(io.out()).toContain(
      '- tried here: data every 3 s kept a connection alive\n- tried here: TCP keepalives every 3 s did not',
    );
    expect(io.out()).toContain('# OpenSSH client (~/.ssh/config) [proven here]\n');
    expect(io.out()).not.toContain('tcp_keepalive_time');
    expect(io.out()).toMatch(/^# Left out \(tried here: TCP keepalives every 3 s .*\): Linux/m);
    const document = documentSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
    expect(document.keepalive_tried.map(({ kind, held }) => [kind, held])).toEqual([
      ['data', true],
      ['keepalive', false],
    ]);
    expect(document.settings_left_out.map(({ product }) => product)).toContainEqual(
      expect.stringMatching(/^PostgreSQL server/),
    );
  }, 90_000);

  it('keeps the verdict where somebody ends the tries', async () => {
    const stop = new AbortController();
    const io = { ...output(), signal: stop.signal };
    const write = io.stderr.write.bind(io.stderr);
    io.stderr.write = (text: string) => {
      if (text.includes('Proving the advice')) setTimeout(() => stop.abort(), 6000);
      return write(text);
    };
    const code = await runMeasure(flags(FORGETS_AFTER_7, { verify: true }), BUILD, [], io);
    expect(code).toBe(1);
    expect(io.out()).toMatch(/^Not compliant: /m);
    expect(io.out()).not.toContain('Interrupted');
    expect(io.out()).toContain('- nothing was proven: it could not be tried to its end\n');
    expect(io.out()).toContain('(not tried here)');
  }, 90_000);

  it('tries nothing without --verify, and says with it why nothing can be', async () => {
    const lasting: TargetConfig = {
      ...FORGETS_AFTER_7,
      far_end: { kind: 'embedded', idle_timeout: 30 },
      modes: ['send'],
      search: { ...EMBEDDED.search, max_idle: 4 },
    };
    const [io, silent] = [output(), output()];
    await runMeasure(flags(lasting, { verify: true }), BUILD, [], io);
    expect(io.out()).toContain('- nothing was proven: no interval is advised yet\n');
    await runMeasure(flags(lasting), BUILD, [], silent);
    expect(silent.out()).not.toContain('proven');
  }, 60_000);

  it('with --json and --quiet prints one document and nothing else', async () => {
    const io = output();
    const target: TargetConfig = {
      ...EMBEDDED,
      far_end: { kind: 'embedded', idle_timeout: 30 },
      modes: ['send'],
      search: { ...EMBEDDED.search, max_idle: 4 },
    };
    const code = await runMeasure(flags(target, { json: true, quiet: true }), BUILD, [], io);
    expect(code).toBe(3);
    expect(io.err()).toBe('');
    const document = documentSchema.parse(JSON.parse(io.out()));
    expect(document).toMatchObject({ complete: true, verdict: { result: 'unknown' } });
    expect(document.modes[0]?.lower_bound_seconds).toBeGreaterThan(3);
    expect(document.modes[0]).not.toHaveProperty('timeout_seconds');
  }, 60_000);

  it('gives up on a far end that never answers, and says why', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const address = closed.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    closed.close();
    await once(closed, 'close');
    const target: TargetConfig = {
      ...EMBEDDED,
      name: 'closed',
      far_end: { kind: 'native', host: '127.0.0.1', port },
    };
    const io = { ...output(), firstAnswerWithin: 2 };
    expect(await runMeasure(flags(target), BUILD, [], io)).toBe(3);
    expect(io.err()).toMatch(/The far end does not answer \(.*refused.*\); trying on\./i);
    expect(io.out()).toMatch(
      /^No verdict: not every mode has an answer yet[^]*The far end does not answer: .*refused/im,
    );
  }, 60_000);

  it.each([
    [
      'a name that is none',
      { host: `${'x'.repeat(64)}.example` },
      {},
      /does not resolve \(ENOTFOUND\)/,
      'HOST[:PORT]',
    ],
    ['a family that it has not', { host: '127.0.0.1' }, { family: 6 as const }, /asks for IPv6/, '--family'],
    [
      'an address that is not ours',
      { host: '127.0.0.1' },
      { local_address: '192.0.2.77' },
      /local address is not available/,
      '--local-address',
    ],
    [
      'an interface that we have not',
      { host: '127.0.0.1' },
      { interface: 'nothere0' },
      /interface nothere0 does not exist/,
      '--interface',
    ],
  ])(
    'does not wait for %s, and names the flag',
    async (_what, farEnd, rest, why, flag) => {
      const target: TargetConfig = {
        ...EMBEDDED,
        name: 'wrong',
        ...rest,
        far_end: { kind: 'native', port: 1, ...farEnd },
      };
      const began = performance.now();
      const io = output();
      expect(await runMeasure(flags(target), BUILD, [], io)).toBe(3);
      // A second, also on a busy machine.
      expect(performance.now() - began).toBeLessThan(3000);
      expect(io.out().replaceAll('\n', ' ')).toMatch(why);
      expect(io.out()).toContain(
        `Do this now: Set ${flag} right: as it is, the far end will never answer.\n`,
      );
    },
    30_000,
  );

  it('complains about a report that cannot be written before it measures anything', async () => {
    const io = output();
    const report = { file: join(dir, 'missing', 'report.html'), format: 'html' } as const;
    await expect(runMeasure(flags(EMBEDDED, { report }), BUILD, [], io)).rejects.toThrow(
      `--report: cannot be written (ENOENT), found ${report.file}`,
    );
    expect(io.out() + io.err()).toBe('');
  });

  it('takes no named pipe for a report: nobody may ever read it', async () => {
    const report = { file: join(dir, 'pipe.html'), format: 'html' } as const;
    execFileSync('mkfifo', [report.file]);
    await expect(runMeasure(flags(EMBEDDED, { report }), BUILD, [], output())).rejects.toThrow(
      `--report: cannot be written (is a named pipe, not a regular file), found ${report.file}`,
    );
  });
});

describe('nat-idle-exporter measure embedded', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'prints what is known and exits 3 on %s',
    async (signal) => {
      const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
      const child = spawn(process.execPath, [main, 'measure', 'embedded'], {
        stdio: ['ignore', 'pipe', 'pipe'],
        cwd: fileURLToPath(new URL('../..', import.meta.url)),
      });
      try {
        let [out, err] = ['', ''];
        child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
        await new Promise<void>((resolve, reject) => {
          child.once('exit', () => reject(new Error(`ended too early: ${err}`)));
          child.stderr.setEncoding('utf8').on('data', (text: string) => {
            err += text;
            if (err.includes('The far end answers')) resolve();
          });
        });
        const ended = once(child, 'exit');
        child.kill(signal);
        expect(await ended).toEqual([3, null]);
        expect(out).toMatch(/^Interrupted: this is what is known so far\.\n\nNo verdict: /);
      } finally {
        child.kill('SIGKILL');
      }
    },
    30_000,
  );
});
