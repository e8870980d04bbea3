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
    redact: false,
    quiet: false,
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
    expect(io.out()).toMatch(/^Not compliant: an idle TCP connection is forgotten .* \(seen in every mode\)/);
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
    expect(readFileSync(file, 'utf8')).toMatch(/^<!DOCTYPE html>[^]*<strong>Not compliant:<\/strong>/);
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
      const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
      const child = spawn(process.execPath, ['--import', 'tsx', main, 'measure', 'embedded'], {
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
