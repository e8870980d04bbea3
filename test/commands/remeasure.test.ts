import { afterEach, describe, expect, it } from 'vitest';
import { parseCommandLine } from '../../src/cli/parse.js';
import type { RemeasureFlags } from '../../src/cli/remeasure-flags.js';
import { runRemeasure } from '../../src/commands/remeasure.js';
import type { AskedAgain } from '../../src/engine/ask-again.js';
import { createExporterApp } from '../../src/exporter/app.js';
import { ExporterMetrics } from '../../src/exporter/metrics.js';
import { startWebServer, type WebServer } from '../../src/web/server.js';
import { FakeView, forgettingTarget } from '../support/fake-view.js';

const BUILD = { version: '1.2.3', revision: 'abcdef0' };
const running: WebServer[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function serve(askAgain: (name: string) => AskedAgain | undefined): Promise<string> {
  const view = new FakeView([forgettingTarget()]);
  const site = createExporterApp({
    view,
    metrics: new ExporterMetrics({ view, build: BUILD }),
    telemetryPath: '/metrics',
    lifecycle: false,
    askAgain,
    reload: () => Promise.resolve(),
    configYaml: () => '',
    ready: () => true,
    buildInfo: BUILD,
  });
  const server = await startWebServer({
    app: site.app,
    listen: [{ host: '127.0.0.1', port: 0 }],
    onClose: () => site.close(),
  });
  running.push(server);
  return server.urls[0] ?? '';
}

function flagsOf(...argv: readonly string[]): RemeasureFlags {
  const line = parseCommandLine(['remeasure', ...argv], {}, BUILD);
  if (line.command !== 'remeasure') throw new Error(line.command);
  return line.options;
}

async function run(flags: RemeasureFlags): Promise<{ code: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const code = await runRemeasure(flags, BUILD, {
    stdout: { write: (text: string) => (said.out += text) !== '' },
    stderr: { write: (text: string) => (said.err += text) !== '' },
    signal: new AbortController().signal,
  });
  return { code, ...said };
}

describe('remeasure', () => {
  it('asks the exporter as its page does, and says what became of it', async () => {
    const answers: AskedAgain[] = [
      { kind: 'asked', within: 61 },
      { kind: 'searching' },
      { kind: 'too_soon', wait: 42 },
      { kind: 'no_answer' },
    ];
    const asked: string[] = [];
    const url = await serve((name) => {
      asked.push(name);
      return name === 'vps' ? answers[asked.length - 1] : undefined;
    });
    const flags = flagsOf('vps', `--exporter=${url}/`);
    expect(await run(flags)).toEqual({
      code: 0,
      out: 'Measuring again: a shorter timeout shows within seconds, a longer one within 1 min 1 s.\n',
      err: '',
    });
    expect((await run(flags)).code).toBe(0);
    expect(await run(flags)).toMatchObject({
      code: 3,
      err: expect.stringContaining('ask in 42 s') as string,
    });
    expect(await run(flags)).toMatchObject({
      code: 3,
      err: expect.stringContaining('does not answer') as string,
    });
    expect(asked).toEqual(['vps', 'vps', 'vps', 'vps']);
    const nobody = await run(flagsOf('no body/x', `--exporter=${url}`));
    expect(nobody).toMatchObject({
      code: 3,
      err: expect.stringContaining('no target of this name') as string,
    });
    expect(asked.at(-1)).toBe('no body/x');
  });

  it('says where no exporter answers', async () => {
    const url = await serve(() => undefined);
    await running.splice(0)[0]?.close();
    const answer = await run(flagsOf('vps', `--exporter=${url}`));
    expect(answer.code).toBe(3);
    expect(answer.err).toMatch(/^http:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/);
  });

  it('needs a target, and an address without a query', () => {
    expect(() => flagsOf()).toThrow(/target/);
    expect(() => flagsOf('vps', '--exporter=http://x/?a')).toThrow('--exporter: must not have a query (?)');
    expect(flagsOf('vps').exporter).toEqual({ url: 'http://localhost:15382/' });
  });
});
