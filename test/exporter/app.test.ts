import { once } from 'node:events';
import { get as httpGet, type IncomingMessage } from 'node:http';
import { gunzipSync } from 'node:zlib';
import { HtmlValidate } from 'html-validate';
import { afterEach, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/problem.js';
import { createExporterApp, type ExporterAppOptions } from '../../src/exporter/app.js';
import type { RenderedReport } from '../../src/exporter/report-route.js';
import { tellOnce } from '../../src/exporter/guard.js';
import type { AskedAgain } from '../../src/engine/ask-again.js';
import type { TargetSnapshot } from '../../src/engine/snapshot.js';
import type { TargetsDocument } from '../../src/exporter/api.js';
import { ExporterMetrics } from '../../src/exporter/metrics.js';
import { startWebServer, type WebServer } from '../../src/web/server.js';
import { createResponderApp } from '../../src/web/responder-site.js';
import {
  ALIVE,
  climbingTarget,
  downTarget,
  droppingHistory,
  FakeView,
  fleet,
  forgettingTarget,
  looseTarget,
  makeConfig,
  makeTarget,
  makeTest,
  SCENE_TIME,
  SILENT,
} from '../support/fake-view.js';

const BUILD = { version: '1.2.3', revision: 'abcdef0' };
const running: WebServer[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function serve(view: FakeView, overrides: Partial<ExporterAppOptions> = {}): Promise<string> {
  const site = createExporterApp({
    view,
    metrics: new ExporterMetrics({ view, build: BUILD }),
    telemetryPath: '/metrics',
    lifecycle: true,
    reload: () => Promise.resolve(),
    configYaml: () => 'targets: []\n',
    ready: () => true,
    buildInfo: BUILD,
    now: () => SCENE_TIME,
    events: { interval: 10 },
    ...overrides,
  });
  const server = await startWebServer({
    app: site.app,
    listen: [{ host: '127.0.0.1', port: 0 }],
    onClose: () => site.close(),
  });
  running.push(server);
  return server.urls[0] ?? '';
}

async function text(
  url: string,
  init?: RequestInit,
): Promise<{ status: number; body: string; headers: Headers }> {
  const response = await fetch(url, init);
  return { status: response.status, body: await response.text(), headers: response.headers };
}

test('the metrics are text 0.0.4 at the configured path, compressed only when asked for', async () => {
  const url = await serve(new FakeView([forgettingTarget()]), { telemetryPath: '/probe/metrics' });
  const plain = await raw(`${url}/probe/metrics`, {});
  expect(plain.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(plain.headers['content-encoding']).toBeUndefined();
  expect(plain.body.toString()).toContain('nat_idle_timeout_seconds{target="vps",mode="send"} 3598\n');
  const packed = await raw(`${url}/probe/metrics`, { 'accept-encoding': 'gzip' });
  expect(packed.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(packed.body).toString()).toContain(
    'nat_idle_timeout_seconds{target="vps",mode="send"} 3598\n',
  );
  expect((await text(`${url}/metrics`)).status).toBe(404);
  expect((await text(`${url}/`)).body).toContain('href="./probe/metrics"');
});

/** A target that damaged files or a bug of ours spoiled in one of many ways. */
function damaged(part: 'tests' | 'modes' | 'events' | 'explanations'): TargetSnapshot {
  const target = makeTarget(makeConfig('damaged'), { up: true });
  const modes = target.modes.map((mode) => ({ ...mode, tests: [makeTest(1, 5, ALIVE, 1e300)] }));
  if (part === 'tests') return { ...target, modes };
  if (part === 'events') return { ...target, events: [{ at: 1e300, text: 'x' }] };
  return Object.defineProperty({ ...target }, part, {
    get: () => {
      throw new Error('cannot be had');
    },
  });
}

test.each(['tests', 'modes', 'events', 'explanations'] as const)(
  'one target with damaged %s takes no page from the others, and is told once',
  async (part) => {
    const told: string[] = [];
    const onBroken = tellOnce((name, error) => told.push(`${name}: ${String(error)}`));
    const view = new FakeView([damaged(part), forgettingTarget()]);
    const report = ({ modes }: TargetSnapshot): RenderedReport => ({
      contentType: 'text/plain',
      body: modes.flatMap(({ tests }) => tests.map(({ at }) => new Date(at * 1000).toISOString())).join(),
    });
    const metrics = new ExporterMetrics({ view, build: BUILD, onBroken });
    const url = await serve(view, { onBroken, metrics, report });
    for (let times = 0; times < 2; times++) {
      const page = await text(`${url}/`);
      expect(page.status).toBe(200);
      expect(page.body).toContain('data-target="damaged"');
      expect(page.body).toContain('data-target="vps"');
      expect((await text(`${url}/metrics`)).body).toContain('nat_idle_timeout_seconds{target="vps"');
      const fragments = await text(`${url}/api/v1/fragments?target=damaged&target=vps`);
      expect(fragments.status).toBe(200);
      const { targets } = JSON.parse(fragments.body) as { targets: { name: string; card: string }[] };
      expect(targets.map(({ name }) => name)).toEqual(['damaged', 'vps']);
      if (part !== 'explanations') expect(page.body + fragments.body).toContain('cannot be shown');
      const api = await text(`${url}/api/v1/targets`);
      expect(api.status).toBe(200);
      expect((JSON.parse(api.body) as TargetsDocument).targets.map(({ name }) => name)).toEqual([
        'damaged',
        'vps',
      ]);
      expect((await text(`${url}/report/vps`)).status).toBe(200);
      expect((await text(`${url}/report/damaged`)).status).toBe(
        ['tests', 'modes'].includes(part) ? 500 : 200,
      );
    }
    expect(told).toHaveLength(new Set(told).size);
    expect(told.length).toBeGreaterThan(0);
    expect(told.length).toBeLessThanOrEqual(2);
  },
);

test('a mode with hundreds of thousands of tests is drawn', async () => {
  const target = makeTarget(makeConfig('busy'));
  const tests = Array.from({ length: 600_000 }, (_, id) =>
    makeTest(id, id / 100, id % 2 === 0 ? ALIVE : SILENT),
  );
  const modes = target.modes.map((mode) => ({ ...mode, tests }));
  const url = await serve(new FakeView([{ ...target, modes }]));
  const page = await text(`${url}/`);
  expect([page.status, page.body.includes('cannot be shown')]).toEqual([200, false]);
});

test('/-/healthy always answers 200, /-/ready only when ready', async () => {
  let ready = false;
  const url = await serve(new FakeView([]), { ready: () => ready });
  expect((await text(`${url}/-/healthy`)).status).toBe(200);
  expect(await text(`${url}/-/ready`)).toMatchObject({
    status: 503,
    body: 'nat-idle-exporter is not ready.\n',
  });
  ready = true;
  expect(await text(`${url}/-/ready`)).toMatchObject({ status: 200, body: 'nat-idle-exporter is ready.\n' });
});

test('/-/reload loads the configuration with POST and PUT, and with no other method', async () => {
  let loads = 0;
  const url = await serve(new FakeView([]), {
    reload: () => {
      loads++;
      return Promise.resolve();
    },
  });
  expect((await text(`${url}/-/reload`)).status).toBe(405);
  expect(loads).toBe(0);
  for (const method of ['POST', 'PUT']) expect((await text(`${url}/-/reload`, { method })).status).toBe(200);
  expect(loads).toBe(2);
});

test('/-/reload shows every problem when the configuration cannot be used', async () => {
  const problems = [
    { file: 'config.yaml', path: 'schedule', rule: 'must be a cron expression', value: 'now' },
    { file: 'config.yaml', path: 'targets[0].port', rule: 'must be a number from 1 to 65535', value: 0 },
  ];
  const url = await serve(new FakeView([]), { reload: () => Promise.reject(new ConfigError(problems)) });
  expect(await text(`${url}/-/reload`, { method: 'POST' })).toMatchObject({
    status: 500,
    body: 'failed to reload the configuration:\nconfig.yaml: schedule: must be a cron expression, found now\nconfig.yaml: targets[0].port: must be a number from 1 to 65535, found 0\n',
  });
});

test('/-/reload is forbidden without the lifecycle flag and for pages from elsewhere', async () => {
  const never = (): Promise<void> => {
    throw new Error('must not be called');
  };
  const off = await serve(new FakeView([]), { lifecycle: false, reload: never });
  expect(await text(`${off}/-/reload`, { method: 'POST' })).toMatchObject({
    status: 403,
    body: 'lifecycle API is not enabled: start with --web.enable-lifecycle, or send SIGHUP\n',
  });
  const on = await serve(new FakeView([]), { reload: never });
  const crossSite = await rawPost(`${on}/-/reload`, { 'sec-fetch-site': 'cross-site' });
  expect(crossSite).toBe(403);
});

test('a target is measured again with the token of the page or the lifecycle flag, and not without', async () => {
  const asked: string[] = [];
  const answers: AskedAgain[] = [
    { kind: 'asked', within: 61 },
    { kind: 'too_soon', wait: 42 },
    { kind: 'searching' },
    { kind: 'no_answer' },
  ];
  const askAgain = (name: string): AskedAgain | undefined => {
    if (name !== 'a b/c') return undefined;
    asked.push(name);
    return answers[asked.length - 1];
  };
  const url = await serve(new FakeView([forgettingTarget('a b/c')]), { lifecycle: false, askAgain });
  const path = `${url}/api/v1/targets/a%20b%2Fc/measure`;
  const post = (body: string, to = path, headers = {}): ReturnType<typeof text> =>
    text(to, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body,
    });
  for (const body of ['', 'token=', 'token=wrong', 'token=a&token=b', 'token[a]=b'])
    expect([body, (await post(body)).status]).toEqual([body, 403]);
  expect((await post(`token=${'x'.repeat(2000)}`)).status).toBe(413);
  expect((await text(path, { method: 'PUT' })).status).toBe(405);
  expect(asked).toEqual([]);
  const { token } = JSON.parse((await text(path)).body) as { token: string };
  expect((await text(url)).body).toContain(`value="${token}"`);
  const first = await post(`token=${token}`);
  expect([first.status, JSON.parse(first.body)]).toEqual([
    202,
    {
      target: 'a b/c',
      answer: 'asked',
      within: 61,
      text: 'Measuring again: a shorter timeout shows within seconds, a longer one within 1 min 1 s.',
    },
  ]);
  const second = await post(`token=${token}`);
  expect([second.status, second.headers.get('retry-after')]).toEqual([429, '42']);
  expect((await post(`token=${token}`)).status).toBe(200);
  expect((await post(`token=${token}`)).status).toBe(409);
  expect((await post(`token=${token}`, `${url}/api/v1/targets/other/measure`)).status).toBe(404);
  const free = await serve(new FakeView([]), { askAgain: () => ({ kind: 'asked', within: 1 }) });
  expect((await post('', `${free}/api/v1/targets/x/measure`)).status).toBe(202);
  // A form without a script goes back to the page.
  const form = await post('', `${free}/api/v1/targets/x/measure`, { accept: 'text/html' });
  expect([form.status, form.headers.get('location')]).toEqual([303, '../../../../#t-x']);
});

test('a bug answers 500 without a stack trace and is reported', async () => {
  const seen: unknown[] = [];
  const bug = new TypeError('secret detail');
  const url = await serve(new FakeView([]), {
    reload: () => Promise.reject(bug),
    onError: (error) => seen.push(error),
  });
  expect(await text(`${url}/-/reload`, { method: 'POST' })).toMatchObject({
    status: 500,
    body: '500 internal error\n',
  });
  expect(seen).toEqual([bug]);
});

test('/config shows the configuration that it was given', async () => {
  const url = await serve(new FakeView([]), { configYaml: () => 'token: <secret>\n' });
  const answer = await text(`${url}/config`);
  expect(answer.body).toBe('token: <secret>\n');
  expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
});

test('every answer carries the security headers and does not name the software', async () => {
  const url = await serve(new FakeView([climbingTarget()]));
  for (const path of ['/', '/metrics', '/nowhere', '/-/healthy', '/config', '/api/v1/targets', '/%']) {
    const { headers } = await text(url + path);
    expect([path, headers.get('content-security-policy')]).toEqual([
      path,
      expect.stringContaining("frame-ancestors 'none'"),
    ]);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('x-powered-by')).toBeNull();
  }
});

test('/api/v1/targets shows all that the page shows, and one target when asked', async () => {
  const view = new FakeView([{ ...forgettingTarget('a'), routerAddress: '100.64.7.9' }, climbingTarget('b')]);
  const url = await serve(view);
  const all = JSON.parse((await text(`${url}/api/v1/targets`)).body) as TargetsDocument;
  expect(all).toMatchObject({ now: SCENE_TIME, version: '1.2.3', schedule: '*/5 * * * *' });
  expect(all.targets.map((target) => target.name)).toEqual(['a', 'b']);
  expect(all.targets[0]).toMatchObject({
    standing: 'violating',
    verdict:
      'Not compliant: an idle TCP connection is forgotten after 1 h 0 min (3600 s) (seen in every mode); RFC 5382 REQ-5 asks for at least 2 h 4 min (7440 s).',
    keepalive_recommended: 1797,
    seen_address: '203.0.113.9',
    router_address: '100.64.7.9',
    settings: { interval: 1797 },
  });
  expect(all.targets[0]?.modes[0]).toMatchObject({
    lower_bound: 3595,
    upper_bound: 3601,
    timeout: 3598,
    compliant: false,
  });
  expect(all.targets[0]?.modes[0]?.tests.at(-1)).toMatchObject({
    verdict: 'inconclusive',
    reason: 'interrupted',
  });
  expect(all.targets[1]?.modes[0]).not.toHaveProperty('upper_bound');
  expect(all.targets[1]?.modes[0]?.waiting[0]).toMatchObject({ id: 1000, state: 'idle', age: 1180 });
  const one = JSON.parse((await text(`${url}/api/v1/targets?target=b`)).body) as TargetsDocument;
  expect(one.targets.map((target) => target.name)).toEqual(['b']);
});

test('/api/v1/targets hides nothing from those who read it on a terminal', async () => {
  const downReason = 'a\u202eb\u009bc';
  const view = new FakeView([makeTarget(makeConfig('x'), { up: false, downReason })]);
  const { body, headers } = await text(`${await serve(view)}/api/v1/targets`);
  expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(body).toContain('"down_reason":"a\\u202eb\\u009bc"');
  expect((JSON.parse(body) as TargetsDocument).targets[0]?.down_reason).toBe(downReason);
});

test('the page escapes names, labels, reasons and events', async () => {
  const evil = `<script>alert(1)</script>"'&`;
  const view = new FakeView([
    downTarget(evil, { labels: { site: evil } }),
    makeTarget(makeConfig('x'), { up: false, downReason: evil, events: [{ at: SCENE_TIME, text: evil }] }),
  ]);
  const url = await serve(view);
  const { body } = await text(`${url}/?q=${encodeURIComponent('"><b>')}`);
  const everything = (await text(url)).body + body;
  expect(everything).not.toContain('<script>alert');
  expect(everything).not.toContain('"><b>');
  expect(everything).toContain('&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;');
});

for (const [what, targets] of Object.entries({
  'after a verdict': [forgettingTarget('a b')],
  'of a small fleet': fleet(8),
  'of a fleet': fleet(10),
  'without targets': [],
})) {
  test(`the page ${what} is valid HTML`, async () => {
    const url = await serve(new FakeView(targets), {
      history: () => Promise.resolve(droppingHistory()),
      report: () => ({ contentType: 'text/plain', body: '' }),
    });
    const validator = new HtmlValidate({
      root: true,
      extends: ['html-validate:standard', 'html-validate:a11y'],
    });
    const { results } = await validator.validateString((await text(url)).body);
    const problems = results.flatMap(({ messages }) =>
      messages.map(({ ruleId, message, line, column }) => `${line}:${column} ${ruleId}: ${message}`),
    );
    expect(problems).toEqual([]);
  });
}

test('the page of a large fleet has pages and a search that works without a script', async () => {
  const url = await serve(new FakeView(fleet(120)));
  const rows = (body: string): number => body.match(/<tr data-row/g)?.length ?? 0;
  const cards = (body: string): number => body.match(/<article /g)?.length ?? 0;
  const whole = (await text(url)).body;
  expect([rows(whole), cards(whole)]).toEqual([50, 0]);
  const last = (await text(`${url}/?page=3`)).body;
  expect(rows(last)).toBe(20);
  expect(last).toContain('Page 3 of 3');
  expect(rows((await text(`${url}/?page=99`)).body)).toBe(20);
  const found = (await text(`${url}/?q=SITE-07`)).body;
  expect(rows(found)).toBe(1);
  const asked = (await text(`${url}/?target=site-07&target=site-118`)).body;
  expect([rows(asked), cards(asked)]).toEqual([0, 2]);
  expect((await text(`${url}/?q=nobody`)).body).toContain('No target matches');
});

test('/report/<target> exists only with a report handler', async () => {
  const view = new FakeView([looseTarget('a b/c')]);
  const without = await serve(view);
  expect((await text(`${without}/report/x`)).status).toBe(404);
  expect((await text(without)).body).not.toContain('href="report/');
  const url = await serve(view, {
    report: (target, query) => ({
      contentType: 'text/html; charset=utf-8',
      body: `${target.config.name} ${query.get('format') ?? 'html'}`,
    }),
  });
  expect((await text(url)).body).toContain('href="report/a%20b%2Fc"');
  const report = await text(`${url}/report/a%20b%2Fc?format=md`);
  expect(report.body).toBe('a b/c md');
  expect(report.headers.get('content-security-policy')).toContain("style-src 'unsafe-inline'");
  expect((await text(`${url}/report/other`)).status).toBe(404);
});

test('the page shows the last 30 days where a history is kept, and reads it once a minute at most', async () => {
  let reads = 0;
  const view = new FakeView([forgettingTarget('a'), climbingTarget('b')]);
  const url = await serve(view, {
    history: (name) => {
      reads++;
      return Promise.resolve(name === 'a' ? droppingHistory() : []);
    },
  });
  const { body } = await text(url);
  expect(body.match(/Last 30 days/g)).toHaveLength(1);
  // All modes were alike all the time.
  expect(body.match(/class="history"/g)).toHaveLength(1);
  expect(body.match(/1\u00a0h\u00a00\u00a0min became 5\u00a0min/g)).toHaveLength(1);
  await text(url);
  await text(`${url}/api/v1/fragments?target=a`);
  expect(reads).toBe(2);
});

test('/api/v1/events tells which targets changed, and that targets came or went', async () => {
  const view = new FakeView([climbingTarget('a'), climbingTarget('b')]);
  const url = await serve(view);
  const stream = await openStream(`${url}/api/v1/events`);
  view.show([climbingTarget('a'), forgettingTarget('b')]);
  expect(await stream.next()).toBe('event: changed\ndata: {"targets":["b"]}');
  view.show([climbingTarget('a')]);
  expect(await stream.next()).toBe('event: targets\ndata: {"targets":["a"]}');
  await running[0]?.close();
  await stream.ended;
});

test('readers of /api/v1/events leave room for scrapes, at their own address and in all', async () => {
  const url = await serve(new FakeView([climbingTarget('a')]));
  const open = (localAddress: string): Promise<number | undefined> =>
    new Promise((done) => {
      const sent = httpGet(`${url}/api/v1/events`, { localAddress, agent: false }, (response) => {
        response.on('error', () => undefined).resume();
        done(response.statusCode);
      });
      sent.on('error', () => done(undefined));
    });
  const served = async (localAddress: string, count: number): Promise<number> => {
    let streams = 0;
    for (let index = 0; index < count; index += 1) if ((await open(localAddress)) === 200) streams += 1;
    return streams;
  };
  expect(await served('127.0.0.1', 80)).toBe(48);
  expect((await text(`${url}/metrics`)).status).toBe(200);
  expect(await served('127.0.4.1', 80)).toBe(48);
  expect(await served('127.0.4.2', 10)).toBe(0);
  expect((await text(`${url}/metrics`)).status).toBe(200);
});

test('/api/v1/fragments renders the cards that were asked for', async () => {
  const url = await serve(new FakeView([climbingTarget('a'), climbingTarget('b')]));
  const body = JSON.parse((await text(`${url}/api/v1/fragments?target=b`)).body) as {
    targets: { name: string; card: string; row: string }[];
  };
  expect(body.targets.map((target) => target.name)).toEqual(['b']);
  expect(body.targets[0]?.card).toContain('<article');
});

test('/api/v1/fragments never hands out a card from before a change', async () => {
  const view = new FakeView([climbingTarget('a')]);
  const url = await serve(view);
  const card = async (): Promise<string> => (await text(`${url}/api/v1/fragments?target=a`)).body;
  const before = await card();
  expect(await card()).toBe(before);
  view.show([forgettingTarget('a')]);
  expect(await card()).toContain('forgets too early');
});

test('createResponderApp() has a page, metrics and health', async () => {
  const registry = {
    metrics: () => Promise.resolve('x 1\n'),
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
  };
  const app = createResponderApp({
    registry,
    ready: () => true,
    version: '1.2.3',
  });
  const server = await startWebServer({ app, listen: [{ host: '127.0.0.1', port: 0 }] });
  running.push(server);
  const url = server.urls[0] ?? '';
  expect((await text(url)).body).toContain('Version 1.2.3.');
  expect((await text(`${url}/metrics`)).body).toBe('x 1\n');
  expect((await text(`${url}/-/healthy`)).status).toBe(200);
  expect((await text(`${url}/-/ready`)).status).toBe(200);
  expect((await text(`${url}/-/reload`, { method: 'POST' })).status).toBe(404);
});

/** A request exactly as told: fetch() would add and undo compression by itself. */
async function raw(url: string, headers: Record<string, string>) {
  const sent = httpGet(url, { headers });
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { headers: response.headers, body: Buffer.concat(chunks) };
}

async function rawPost(url: string, headers: Record<string, string>): Promise<number | undefined> {
  const sent = httpGet(url, { headers, method: 'POST' });
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

/** Reads server-sent events one by one. */
async function openStream(url: string) {
  const sent = httpGet(url);
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  expect(response.headers['content-type']).toBe('text/event-stream; charset=utf-8');
  let buffer = '';
  const waiting: ((event: string) => void)[] = [];
  const ready: string[] = [];
  response.setEncoding('utf8').on('data', (chunk: string) => {
    buffer += chunk;
    for (let end = buffer.indexOf('\n\n'); end >= 0; end = buffer.indexOf('\n\n')) {
      const event = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      if (!event.startsWith('event:')) continue;
      const taker = waiting.shift();
      if (taker === undefined) ready.push(event);
      else taker(event);
    }
  });
  return {
    ended: once(response, 'end'),
    next: (): Promise<string> =>
      new Promise((done) => {
        const event = ready.shift();
        if (event === undefined) waiting.push(done);
        else done(event);
      }),
  };
}
