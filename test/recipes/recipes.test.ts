/** The recipes of CONTRIBUTING.md, tried: what a patch adds is seen everywhere, and few files of src know of it. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { series } from '../netns/metrics.js';
import { until } from '../netns/until.js';
import { type Fixture, startFixture } from '../responder/fixture.js';
import { Bench, type RunningExporter } from '../support/program.js';
import { filesOf, PatchedCopy, type Recipe } from './patched-copy.js';

/** Files of `src` that a recipe may change or make. */
const MOST_FILES: Readonly<Record<Recipe, number>> = { 'add-a-mode': 12, 'add-a-far-end': 5 };

const MINUTE = 60_000;
/** A search of some seconds. */
const SEARCH =
  'search: {min_idle: 1s, max_idle: 5s, resolution: 1s, guard: 100ms, deadline: 1s, connections: 6}';
const REPORT_FORMATS = ['html', 'md', 'json'] as const;

/** Generates what commands generate in the copy, and compares its documents with the code. */
function checkDocuments(copy: PatchedCopy): void {
  copy.run('npm', ['run', '--silent', 'generate']);
  const files = ['config/shipped', 'config/documentation', 'core/modes', 'exporter/docs'];
  copy.run('npx', ['vitest', 'run', '--project', 'unit', ...files.map((file) => `test/${file}.test.ts`)]);
}

/** Ends a measurement, and gives what it printed and wrote. */
async function measure(bench: Bench, format: string, args: readonly string[]): Promise<[string, string]> {
  const report = join(bench.directory, `measured.${format}`);
  const running = bench.start([
    'measure',
    ...args,
    '--max-idle=5s',
    '--json',
    '--quiet',
    `--report=${report}`,
  ]);
  const { code } = await running.exited;
  expect([0, 3], running.stderr).toContain(code);
  return [running.stdout, await readFile(report, 'utf8')];
}

describe.each(['add-a-mode', 'add-a-far-end'] as const)('the patch %s', (recipe) => {
  it('touches few files of src, and nothing that a command generates', () => {
    const files = filesOf(recipe).map(({ path }) => path);
    const inSource = files.filter((path) => path.startsWith('src/'));
    expect(inSource.length).toBeGreaterThan(2);
    expect(inSource.length).toBeLessThanOrEqual(MOST_FILES[recipe]);
    expect(files.filter((path) => !/^(src|docs|test)\/.*\.(ts|md)$/.test(path))).toEqual([]);
  });
});

describe('a new mode with a requirement of its own', () => {
  let copy: PatchedCopy;
  let bench: Bench;
  let responder: Fixture;
  let exporter: RunningExporter;

  beforeAll(async () => {
    copy = PatchedCopy.make('add-a-mode');
    bench = await Bench.open(copy.main);
    responder = await startFixture();
    const target = `{name: vps, host: 127.0.0.1, port: ${responder.port}, modes: [send, dummy]}`;
    exporter = await bench.exporter(await bench.write('config.yaml', `${SEARCH}\ntargets: [${target}]\n`));
  }, 5 * MINUTE);

  afterAll(async () => {
    await bench.close();
    await responder.close();
    copy.close();
  });

  it('is decided by its own requirement in /metrics, and by that alone', async () => {
    const text = await until('a verdict on dummy', MINUTE, async () => {
      const now = await exporter.metrics();
      return series(now, 'rfc0000_req1_compliant', { target: 'vps', mode: 'dummy' }) === 1 && now;
    });
    const of = (mode: string, name: string): number | undefined => series(text, name, { mode });
    expect(of('dummy', 'nat_idle_timeout_lower_bound_seconds')).toBeGreaterThan(1.8);
    expect(of('dummy', 'rfc5382_req5_compliant')).toBeUndefined();
    expect(of('send', 'rfc0000_req1_compliant')).toBeUndefined();
    expect(of('send', 'rfc5382_req5_compliant')).toBeUndefined();
    expect(text).toContain('# HELP rfc0000_req1_compliant RFC 0000 REQ-1 (idle-timeout not less than 2 s)');
    expect(text).toMatch(/nat_probe_idle_seconds_bucket\{le="2",mode="dummy"/);
  });

  it('is shown on the page, in the API and in every form of the report', async () => {
    const page = await (await exporter.get('/')).text();
    expect(page).toContain('<h3>dummy <span class="who">this host breaks the silence twice</span></h3>');
    expect(page).toContain('2 s, RFC 0000 REQ-1');
    const { targets } = (await (await exporter.get('/api/v1/targets')).json()) as {
      targets: { modes: { mode: string; compliant?: boolean }[] }[];
    };
    expect(targets[0]?.modes.map(({ mode, compliant }) => [mode, compliant])).toEqual([
      ['send', undefined],
      ['dummy', true],
    ]);
    for (const format of REPORT_FORMATS) {
      const report = await (await exporter.get(`/report/vps?format=${format}`)).text();
      expect(report).toContain('This end writes twice after the silence');
      expect(report).toContain('RFC 0000 REQ-1');
    }
    const report = await (await exporter.get('/report/vps?format=md')).text();
    expect(report).toContain('A NAT MUST NOT forget a dummy in less than two seconds.');
  });

  it('is measured by measure, which names it in its help', async () => {
    const host = `127.0.0.1:${responder.port}`;
    const measured = await Promise.all(
      REPORT_FORMATS.map((format) => measure(bench, format, [host, '--mode=dummy'])),
    );
    for (const [json, report] of measured) {
      const { verdict, modes } = JSON.parse(json) as {
        verdict: { result: string; sentence: string };
        modes: { mode: string; result: string }[];
      };
      expect(verdict).toMatchObject({
        result: 'compliant',
        sentence: expect.stringContaining('RFC 0000') as string,
      });
      expect(modes).toMatchObject([{ mode: 'dummy', result: 'compliant' }]);
      expect(report).toContain('dummy');
    }
    const help = bench.start(['measure', '--help']);
    await help.exited;
    expect(help.stdout.replace(/\s+/g, ' ')).toContain(
      'who breaks the silence, separated by commas: send,recv,keepalive,dummy',
    );
  });

  it('is refused by the configuration for a far end that cannot be asked it', async () => {
    const target = '{name: old, host: h.example, protocol: nat-tcp-test, modes: [dummy]}';
    const started = bench.start([`--config.file=${await bench.write('old.yaml', `targets: [${target}]\n`)}`]);
    expect(await started.exited).toMatchObject({ code: 2 });
    expect(started.stderr).toContain(
      'targets[0].modes[0]: must be one of send, recv, keepalive with protocol nat-tcp-test, found dummy',
    );
  });

  it('stands in the generated schemas and in the documents', () => {
    checkDocuments(copy);
    expect(copy.read('config.schema.json')).toContain('"dummy"');
    expect(copy.read('docs/measure.schema.json')).toContain('"dummy"');
    expect(copy.read('prometheus/rules/nat-idle.rules.yml')).toContain('rfc0000_req1_compliant');
    expect(copy.read('docs/METRICS.md')).toContain('\n| dummy | TCP | This end writes twice');
  });
});

describe('a new far end that lacks a mode', () => {
  let copy: PatchedCopy;
  let bench: Bench;
  let server: Server;
  let port: number;
  let exporter: RunningExporter;
  const callers = new Set<Socket>();

  beforeAll(async () => {
    copy = PatchedCopy.make('add-a-far-end');
    bench = await Bench.open(copy.main);
    server = createServer((caller) => {
      callers.add(caller);
      caller.on('error', () => undefined).on('close', () => callers.delete(caller));
      caller.pipe(caller);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ({ port } = server.address() as AddressInfo);
    const target = `{name: echo, host: 127.0.0.1, protocol: echo, rfc862_port: ${port}}`;
    exporter = await bench.exporter(await bench.write('config.yaml', `${SEARCH}\ntargets: [${target}]\n`));
  }, 5 * MINUTE);

  afterAll(async () => {
    await bench.close();
    for (const caller of callers) caller.destroy();
    server.close();
    copy.close();
  });

  it('is asked in /metrics for the modes that it has, and for no other', async () => {
    const of = (text: string, mode: string): number | undefined =>
      series(text, 'nat_idle_timeout_lower_bound_seconds', { target: 'echo', mode });
    const text = await until('both modes survive the longest idle time', MINUTE, async () => {
      const now = await exporter.metrics();
      return (of(now, 'send') ?? 0) > 4 && (of(now, 'keepalive') ?? 0) > 4 && now;
    });
    expect(series(text, 'nat_target_up', { target: 'echo' })).toBe(1);
    expect(text).not.toContain('mode="recv"');
  });

  it('is shown on the page, in the API, in the configuration and in every form of the report', async () => {
    expect(await (await exporter.get('/')).text()).toContain('127.0.0.1 (echo)');
    const { targets } = (await (await exporter.get('/api/v1/targets')).json()) as {
      targets: { up: boolean; modes: { mode: string }[] }[];
    };
    expect(targets).toMatchObject([{ up: true, modes: [{ mode: 'send' }, { mode: 'keepalive' }] }]);
    const config = await (await exporter.get('/config')).text();
    expect(config).toContain(`protocol: echo\n    rfc862_port: ${port}\n`);
    for (const format of ['html', 'md'] as const) {
      const report = await (await exporter.get(`/report/echo?format=${format}`)).text();
      expect(report).toContain('The far end is an echo server (RFC 862)');
    }
    const document: unknown = await (await exporter.get('/report/echo?format=json')).json();
    expect(document).toMatchObject({ target: { protocol: 'echo', host: '127.0.0.1' } });
  });

  it('is measured by measure', async () => {
    const args = ['127.0.0.1', '--protocol=echo', `--rfc862-port=${port}`];
    const [json, report] = await measure(bench, 'md', args);
    expect(JSON.parse(json)).toMatchObject({
      target: { protocol: 'echo' },
      modes: [{ mode: 'send' }, { mode: 'keepalive' }],
    });
    expect(report).toContain('The far end is an echo server (RFC 862)');
    const refused = bench.start(['measure', ...args, '--mode=send,recv']);
    expect(await refused.exited).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain('--mode: must be one of send, keepalive with protocol echo, found recv');
  });

  it('is refused a mode that it cannot be asked, with place, rule and value', async () => {
    const target = '{name: echo, host: h.example, protocol: echo, modes: [send, recv]}';
    const started = bench.start([
      `--config.file=${await bench.write('recv.yaml', `targets: [${target}]\n`)}`,
    ]);
    expect(await started.exited).toMatchObject({ code: 2 });
    expect(started.stderr.match(/targets\[0\].*/g)).toEqual([
      'targets[0].modes[1]: must be one of send, keepalive with protocol echo, found recv',
    ]);
  });

  it('stands in the generated schemas and in the documents', () => {
    checkDocuments(copy);
    expect(copy.read('config.schema.json')).toContain('"rfc862_port"');
    expect(copy.read('config.schema.json')).toContain('"echo"');
    expect(copy.read('docs/measure.schema.json')).toContain('"echo"');
  });
});
