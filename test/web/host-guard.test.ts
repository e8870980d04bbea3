import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import bcrypt from 'bcryptjs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createExporterApp } from '../../src/exporter/app.js';
import { ExporterMetrics } from '../../src/exporter/metrics.js';
import { parseAllowedHost } from '../../src/web/authority.js';
import { HostGuard, type HostGuardOptions } from '../../src/web/host-guard.js';
import { createResponderApp } from '../../src/web/responder-site.js';
import { startWebServer, type WebServer, type WebServerOptions } from '../../src/web/server.js';
import { makeCa, makeCertificate, type Pair } from '../support/certificates.js';
import { FakeView, forgettingTarget } from '../support/fake-view.js';
import { requires } from '../support/requires.js';

const LISTED = ['nat.example', '*.below.example', '198.51.100.7'];

interface Asked {
  readonly method?: string;
  readonly url?: string;
  readonly host?: string;
  readonly origin?: string;
  readonly site?: string;
  readonly encrypted?: boolean;
  readonly protectedReading?: boolean;
}

/** The status of the guard's refusal, or 0 when the request may pass. */
function judged(
  asked: Asked,
  options: HostGuardOptions = { allowedHosts: LISTED, ownName: 'box.corp.example' },
) {
  const { method = 'GET', url = '/', host, origin, site, encrypted = false } = asked;
  const headers = {
    ...(host === undefined ? {} : { host }),
    ...(origin === undefined ? {} : { origin }),
    ...(site === undefined ? {} : { 'sec-fetch-site': site }),
  };
  const request = { method, url, headers, rawHeaders: Object.entries(headers).flat(), socket: { encrypted } };
  return new HostGuard(options).refusal(request, asked.protectedReading ?? false)?.status ?? 0;
}

describe('the host of a request', () => {
  test.each([
    '127.0.0.1',
    '127.0.0.1:15382',
    '203.0.113.9',
    '127.0.0.1.',
    '[::1]',
    '[::1]:15382',
    '[2001:DB8::1]:1',
    '[::ffff:127.0.0.1]',
    '[fe80::1%25eth0]:15382',
    '[fe80::1%eth0]',
    'localhost',
    'LocalHost:15382',
    'localhost.:15382',
    'localhost:',
    'x.localhost',
    'raspberrypi',
    'box:15382',
    'box.corp.example',
    'BOX.corp.example.',
    'pi.local',
    'nat.lan:80',
    'nat.home.arpa',
    'nat.corp.internal',
    'nat-idle-exporter.monitoring.svc',
    'nat-idle-exporter.monitoring.svc.cluster.local:15382',
    'nat.example',
    'NAT.example.:443',
    'a.below.example',
    'a.b.below.example',
    '198.51.100.7',
  ])('%s is ours', (host) => {
    expect(judged({ host })).toBe(0);
    expect(judged({ host, method: 'POST' })).toBe(0);
  });

  test.each(
    [
      undefined,
      '',
      'rebound.example',
      'rebound.example:15382',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      'evil.example.',
      'evil-local.example',
      'x.notlocal.example',
      'evilnat.example',
      'nat.example.evil.example',
      'below.example',
      'evilbelow.example',
      'corp.example',
      'xbox.corp.example',
      'home.arpa.example',
      'x.arpa',
      // Addresses in spellings that no browser sends.
      '2130706433',
      '0x7f000001',
      '0x7f.1',
      '127.1',
      '127.0.0.01',
      '0177.0.0.1',
      '0x',
      'x.1',
      'a.local.0x7f',
      '::1',
      '::1:15382',
      '[::1',
      '[]',
      '[127.0.0.1]',
      '[nat.example]',
      '[::1]evil.example',
      '[::1].evil.example',
      'localhost:80:80',
      'localhost:http',
      'localhost:123456',
      'user@localhost',
      'localhost@evil.example',
      'localhost evil.example',
      'localhost,evil.example',
      'localhost/',
      'localhost\t',
      'localhost#',
      'local%68ost',
      '.',
      '.local',
      'a..local',
      '*.below.example',
      '*',
      'lök\u00e4l.local',
      'ｌocalhost',
      `${'a'.repeat(64)}.local`,
    ].filter((host) => host !== 'notlocal'),
  )('%s is not', (host) => {
    const asked = host === undefined ? {} : { host };
    expect(judged(asked)).toBe(421);
    expect(judged({ ...asked, method: 'POST' })).toBe(421);
    for (const url of ['/metrics', '/-/healthy', '/-/ready', '/METRICS/', '/metrics?x'])
      expect(judged({ ...asked, url })).toBe(0);
    for (const url of ['/metrics/x', '/metrics;x', '/-/healthy/../../config', '/-/reload', '//metrics', '*'])
      expect(judged({ ...asked, url })).toBe(421);
    expect(judged({ ...asked, url: '/metrics', method: 'POST' })).toBe(421);
    expect(judged({ ...asked, protectedReading: true })).toBe(0);
    expect(judged({ ...asked, protectedReading: true, method: 'POST' })).toBe(421);
  });

  test('that the target of the request names counts as much as the header', () => {
    const host = 'localhost';
    expect(judged({ host, url: 'http://localhost/config' })).toBe(0);
    expect(judged({ host, url: 'http://evil.example/config' })).toBe(421);
    expect(judged({ host: 'evil.example', url: 'http://localhost/config' })).toBe(421);
    expect(judged({ host, url: 'HTTP://evil.example?x' })).toBe(421);
    expect(judged({ host, url: 'http://evil.example/metrics?x' })).toBe(0);
    for (const url of ['http://me:secret@localhost/', 'http:///config', 'x://a\\config?/metrics'])
      expect(judged({ host, url })).toBe(400);
  });

  test('stands in one header', () => {
    const rawHeaders = ['Host', 'localhost', 'hOST', 'evil.example'];
    const request = {
      method: 'GET',
      url: '/metrics',
      headers: { host: 'localhost' },
      rawHeaders,
      socket: {},
    };
    expect(new HostGuard().refusal(request, false)).toEqual({ status: 400, text: 'several Host headers' });
  });

  test('that is refused is told on one harmless line that names the flag', () => {
    const host = 'a\u202eb\u0085\u001b[31m"<b>';
    const request = { method: 'GET', url: '/', headers: { host }, rawHeaders: [], socket: {} };
    const refusal = new HostGuard().refusal(request, false);
    expect(refusal?.text).toBe(
      'the host "a\\u202eb\\u0085\\u001b[31m\\"<b>" is not served: it is neither an address nor a name of this server (--web.allowed-host=NAME allows one more)',
    );
    const long = { ...request, headers: { host: 'x.'.repeat(5000) } };
    expect(new HostGuard().refusal(long, false)?.text.length).toBeLessThan(300);
    expect(new HostGuard().refusal({ ...request, headers: {} }, false)?.text).toContain('without a Host');
  });

  test("has this machine's own name unless told otherwise, and the metrics where they are", () => {
    expect(judged({ host: 'rebound.example', url: '/probe/M' }, { telemetryPath: '/probe/m' })).toBe(0);
    expect(judged({ host: 'rebound.example', url: '/metrics' }, { telemetryPath: '/probe/m' })).toBe(421);
    expect(judged({ host: 'rebound.example', url: '/' }, { telemetryPath: '/' })).toBe(0);
    expect(judged({ host: 'rebound.example', url: '/config' }, { telemetryPath: '/' })).toBe(421);
  });
});

describe('the site that a request comes from', () => {
  test.each<Asked>([
    { host: '127.0.0.1:15382', origin: 'http://127.0.0.1:15382' },
    { host: 'localhost:15382', origin: 'HTTP://LocalHost:15382' },
    { host: '[::1]:15382', origin: 'http://[0:0::1]:15382' },
    { host: 'nat.example', origin: 'http://nat.example' },
    // A proxy that ends TLS.
    { host: 'nat.example', origin: 'https://nat.example' },
    { host: 'pi.local', origin: 'https://pi.local' },
    { host: 'pi.local:443', origin: 'https://pi.local' },
    { host: 'pi.local', origin: 'http://pi.local:80' },
    { host: 'pi.local:80', origin: 'http://pi.local' },
    { host: 'pi.local', origin: 'https://pi.local', encrypted: true },
    { host: 'pi.local:8443', origin: 'https://pi.local:8443' },
    // A proxy that rewrites the host: what the browser knows is listed.
    { host: '127.0.0.1:15382', origin: 'https://nat.example' },
    { host: '127.0.0.1:15382', origin: 'https://a.below.example:8443' },
    { host: '127.0.0.1:15382', origin: 'http://198.51.100.7' },
    { host: 'localhost', site: 'same-origin' },
    { host: 'localhost', site: 'none' },
    { host: 'localhost' },
  ])('%j may change and read', (asked) => {
    expect(judged({ ...asked, method: 'POST' })).toBe(0);
    expect(judged(asked)).toBe(0);
  });

  test.each<Asked>([
    { host: '127.0.0.1:15382', origin: 'http://attacker.example:8000' },
    { host: '127.0.0.1:15382', origin: 'null' },
    { host: '127.0.0.1:15382', origin: '' },
    { host: '127.0.0.1:15382', origin: 'http://127.0.0.1:8000' },
    { host: '127.0.0.1:15382', origin: 'http://127.0.0.1' },
    { host: '127.0.0.1:15382', origin: 'http://localhost:15382' },
    { host: '127.0.0.1:15382', origin: 'http://192.0.2.66' },
    { host: '127.0.0.1:15382', origin: 'http://pi.local' },
    { host: '127.0.0.1:15382', origin: 'http://127.0.0.1:15382, http://attacker.example' },
    { host: '127.0.0.1:15382', origin: 'http://127.0.0.1:15382.attacker.example' },
    { host: '127.0.0.1:15382', origin: 'http://127.0.0.1:15382@attacker.example' },
    { host: '127.0.0.1:15382', origin: 'http://127.0.0.1:15382/' },
    { host: '127.0.0.1:15382', origin: '127.0.0.1:15382' },
    { host: '127.0.0.1:15382', origin: '//127.0.0.1:15382' },
    { host: '127.0.0.1:15382', origin: 'file://' },
    { host: '127.0.0.1:15382', origin: 'blob:http://127.0.0.1:15382' },
    { host: '127.0.0.1:15382', origin: 'chrome-extension://abcdef' },
    { host: 'localhost', origin: 'http://localhost:8080' },
    { host: 'pi.local', origin: 'http://pi.local', encrypted: true },
    { host: 'pi.local:443', origin: 'http://pi.local' },
    { host: '127.0.0.1:15382', origin: 'https://evilnat.example' },
    { host: '127.0.0.1:15382', origin: 'https://below.example' },
    { host: '127.0.0.1:15382', origin: 'https://xn--nt-bja.example' },
  ])('%j may do neither', (asked) => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'post'])
      expect(judged({ ...asked, method })).toBe(403);
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      expect(judged({ ...asked, method })).toBe(403);
      expect(judged({ ...asked, method, url: '/metrics' })).toBe(0);
      expect(judged({ ...asked, method, protectedReading: true })).toBe(0);
    }
    expect(judged({ ...asked, method: 'POST', protectedReading: true })).toBe(403);
  });

  test.each(['cross-site', 'same-site', 'Cross-Site', '', 'same-origin, cross-site'])(
    'as the browser tells it: %s may change nothing, but a link may lead here',
    (site) => {
      expect(judged({ host: 'localhost', site, method: 'POST' })).toBe(403);
      expect(judged({ host: 'localhost', site, method: 'POST', protectedReading: true })).toBe(403);
      expect(judged({ host: 'localhost', site })).toBe(0);
    },
  );
});

describe('parseAllowedHost()', () => {
  test.each([
    ['nat.example', 'nat.example'],
    ['NAT.Example.', 'nat.example'],
    ['*.Example', '*.example'],
    ['intranet', 'intranet'],
    ['xn--nt-bja.example', 'xn--nt-bja.example'],
    ['192.0.2.1', '192.0.2.1'],
    ['2001:DB8:0::1', '[2001:db8::1]'],
    ['[2001:db8::1]', '[2001:db8::1]'],
  ])('reads %s', (text, expected) => expect(parseAllowedHost(text)).toBe(expected));

  test.each([
    '',
    ' ',
    'a b',
    ' nat.example',
    'http://nat.example',
    'https://nat.example/',
    'nat.example/',
    'nat.example:443',
    'nat.example:',
    '[::1]:443',
    '*',
    '*.',
    '*.*.example',
    'a.*.b',
    'a*.example',
    '*example',
    '.example',
    '*..example',
    '*.192.0.2.1',
    '*.[::1]',
    '*.::1',
    '127.1',
    '2130706433',
    'user@nat.example',
    'nat.example,other.example',
    '-',
    `${'a'.repeat(64)}.example`,
  ])('refuses %j', (text) => {
    expect(() => parseAllowedHost(text)).toThrow(
      `host must be a host name, an address, or *.NAME for the names below NAME, without scheme, port and path, found ${JSON.stringify(text)}`,
    );
  });

  test('tells what to write for letters that are not ASCII', () => {
    expect(() => parseAllowedHost('nät.example')).toThrow(
      'host must be in ASCII, other letters as xn--…, found "nät.example"',
    );
  });
});

const BUILD = { version: '1.2.3', revision: 'abcdef0' };
const ADDRESS_PAGES = [
  '/',
  '/config',
  '/report/vps',
  '/api/v1/targets',
  '/api/v1/events',
  '/api/v1/fragments?target=vps',
  '/nowhere',
];

describe('a real site', () => {
  const running: WebServer[] = [];
  let directory = '';
  let reloads = 0;

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'host-guard-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.close()));
  });

  async function exporterSite(options: Partial<WebServerOptions> = {}): Promise<URL> {
    reloads = 0;
    const view = new FakeView([forgettingTarget('vps')]);
    const site = createExporterApp({
      view,
      metrics: new ExporterMetrics({ view, build: BUILD }),
      telemetryPath: '/metrics',
      lifecycle: true,
      reload: () => {
        reloads++;
        return Promise.resolve();
      },
      configYaml: () => 'host: 192.0.2.1\n',
      ready: () => true,
      buildInfo: BUILD,
      report: () => ({ contentType: 'text/plain', body: 'report' }),
    });
    return listen({ app: site.app, onClose: () => site.close(), ...options });
  }

  async function listen(options: Omit<WebServerOptions, 'listen'>): Promise<URL> {
    const server = await startWebServer({ ...options, listen: [{ host: '127.0.0.1', port: 0 }] });
    running.push(server);
    return new URL(server.urls[0] ?? '');
  }

  /** What comes back for exactly these lines, until the head of the answer and what follows at once have arrived. */
  function ask(
    url: URL,
    lines: readonly string[],
    client?: { readonly ca: Buffer; cert?: Buffer; key?: Buffer },
  ) {
    return new Promise<{ status: number; text: string }>((done, fail) => {
      const port = Number(url.port);
      const socket =
        client === undefined
          ? connect(port, '127.0.0.1')
          : tlsConnect({ port, host: '127.0.0.1', ...client });
      let text = '';
      socket.setEncoding('latin1').on('data', (chunk: string) => {
        text += chunk;
        // The stream of events has no end.
        if (text.includes('text/event-stream') && text.includes('\r\n\r\n')) socket.destroy();
      });
      socket.on('error', fail);
      socket.on('close', () => done({ status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), text }));
      socket.write([...lines, 'Connection: close', '', ''].join('\r\n'));
    });
  }

  test('shows no page to a rebound name, and its metrics and health to anybody', async () => {
    const url = await exporterSite();
    for (const path of ADDRESS_PAGES) {
      const { status, text } = await ask(url, [`GET ${path} HTTP/1.1`, 'Host: rebound.example']);
      expect([path, status]).toEqual([path, 421]);
      expect(text).toContain('\r\n\r\n');
      expect(text.split('\r\n\r\n')[1]).toMatch(
        /the host "rebound\.example" is not served: .*--web\.allowed-host=NAME.*\)\n/,
      );
      expect(text).toMatch(/content-type: text\/plain; charset=utf-8/i);
      expect(text).toMatch(/X-Content-Type-Options: nosniff/i);
      expect(text).toMatch(/Content-Security-Policy: default-src 'none'/i);
      expect(text).not.toMatch(/access-control/i);
      const own = await ask(url, [`GET ${path} HTTP/1.1`, `Host: ${url.host}`]);
      expect([path, own.status]).toEqual([path, path === '/nowhere' ? 404 : 200]);
    }
    for (const path of ['/metrics', '/-/healthy', '/-/ready'])
      expect((await ask(url, [`GET ${path} HTTP/1.1`, 'Host: rebound.example'])).status).toBe(200);
    expect((await ask(url, ['GET /-/ready HTTP/1.0'])).status).toBe(200);
    expect((await ask(url, ['GET / HTTP/1.0'])).status).toBe(421);
    expect((await ask(url, ['GET / HTTP/1.1', 'Host: localhost', 'Host: rebound.example'])).status).toBe(400);
    expect((await ask(url, ['GET http://rebound.example/ HTTP/1.1', `Host: ${url.host}`])).status).toBe(421);
  });

  test('does not believe what a page could tell it of the host', async () => {
    const url = await exporterSite();
    for (const header of [
      'X-Forwarded-Host: localhost',
      'Forwarded: host=localhost',
      'X-Original-Host: localhost',
    ])
      expect((await ask(url, ['GET / HTTP/1.1', 'Host: rebound.example', header])).status).toBe(421);
  });

  test('is reloaded by its own page and by programs, not by pages of other sites', async () => {
    const url = await exporterSite({ hosts: { allowedHosts: ['nat.example'] } });
    const post = async (host: string, ...headers: string[]): Promise<number> =>
      (await ask(url, ['POST /-/reload HTTP/1.1', `Host: ${host}`, 'Content-Length: 0', ...headers])).status;
    expect(await post(url.host, 'Origin: http://attacker.example:8000')).toBe(403);
    expect(await post(url.host, 'Origin: null')).toBe(403);
    expect(await post(url.host, `Origin: ${url.origin}`, 'Origin: http://attacker.example')).toBe(403);
    expect(await post(url.host, 'Sec-Fetch-Site: same-site')).toBe(403);
    expect(await post('rebound.example', 'Origin: http://rebound.example')).toBe(421);
    expect(await post('rebound.example')).toBe(421);
    expect(reloads).toBe(0);
    expect(await post(url.host)).toBe(200);
    expect(await post(url.host, `Origin: ${url.origin}`)).toBe(200);
    expect(await post('nat.example', 'Origin: https://nat.example')).toBe(200);
    expect(await post(url.host, 'Origin: https://nat.example')).toBe(200);
    expect(reloads).toBe(4);
  });

  test('answers a WebSocket with a plain no, and ignores other upgrades', async () => {
    const url = await exporterSite();
    const upgrade = async (protocol: string, ...headers: string[]) =>
      ask(url, [
        'GET /api/v1/events HTTP/1.1',
        'Connection: Upgrade',
        `Upgrade: ${protocol}`,
        'Sec-WebSocket-Version: 13',
        'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
        ...headers,
      ]);
    const { status, text } = await upgrade('WebSocket', `Host: ${url.host}`);
    expect(status).toBe(400);
    expect(text).toContain('this server speaks no WebSocket\n');
    expect((await upgrade('websocket', `Host: ${url.host}`, 'Origin: http://attacker.example')).status).toBe(
      403,
    );
    expect((await upgrade('websocket', 'Host: rebound.example')).status).toBe(421);
    expect((await upgrade('h2c', `Host: ${url.host}`)).status).toBe(200);
  });

  test('with users is read under any name by those who log in, and changed by nobody from elsewhere', async () => {
    const configFile = join(directory, 'users.yml');
    writeFileSync(configFile, `basic_auth_users:\n  alice: ${bcrypt.hashSync('pass', 4)}\n`);
    const url = await exporterSite({ configFile });
    const login = `Authorization: Basic ${Buffer.from('alice:pass').toString('base64')}`;
    const host = 'Host: proxied.example';
    for (const path of ADDRESS_PAGES) {
      const { status, text } = await ask(url, [`GET ${path} HTTP/1.1`, host]);
      expect([path, status]).toEqual([path, 401]);
      expect(text).toMatch(/X-Content-Type-Options: nosniff/i);
      const known = await ask(url, [`GET ${path} HTTP/1.1`, host, login]);
      expect([path, known.status]).toEqual([path, path === '/nowhere' ? 404 : 200]);
    }
    const post = ['POST /-/reload HTTP/1.1', 'Content-Length: 0', login];
    expect((await ask(url, [...post, host])).status).toBe(421);
    expect((await ask(url, [...post, `Host: ${url.host}`, 'Origin: http://attacker.example'])).status).toBe(
      403,
    );
    expect(reloads).toBe(0);
    expect((await ask(url, [...post, `Host: ${url.host}`])).status).toBe(200);
    expect(reloads).toBe(1);
  });

  test('of the responder is guarded alike', async () => {
    const registry = { metrics: () => Promise.resolve('x 1\n'), contentType: 'text/plain' };
    const app = createResponderApp({
      registry,
      ready: () => true,
      version: '1',
      telemetryPath: '/m',
      targetGroups: () => [{ targets: ['192.0.2.1:1'] }],
    });
    const url = await listen({ app, hosts: { telemetryPath: '/m' } });
    const status = async (path: string, ...headers: string[]): Promise<number> =>
      (await ask(url, [`GET ${path} HTTP/1.1`, ...headers])).status;
    for (const path of ['/', '/api/v1/http_sd']) {
      expect(await status(path, 'Host: rebound.example')).toBe(421);
      expect(await status(path, `Host: ${url.host}`, 'Origin: http://attacker.example')).toBe(403);
      expect(await status(path, `Host: ${url.host}`)).toBe(200);
    }
    expect(await status('/m', 'Host: rebound.example')).toBe(200);
    expect(await status('/-/healthy', 'Host: rebound.example')).toBe(200);
  });

  requires({ packages: ['openssl'] }).describe('with client certificates', () => {
    let ca: Pair;
    let client: { ca: Buffer; cert: Buffer; key: Buffer };

    beforeAll(() => {
      ca = makeCa(directory, 'ca');
      makeCertificate(directory, 'server', ca, 'DNS:localhost,IP:127.0.0.1');
      const pair = makeCertificate(directory, 'client', ca, 'DNS:client');
      client = { ca: readFileSync(ca.cert), cert: readFileSync(pair.cert), key: readFileSync(pair.key) };
    });

    test.each([
      ['NoClientCert', 421],
      ['RequestClientCert', 421],
      ['RequireAnyClientCert', 421],
      ['VerifyClientCertIfGiven', 421],
      ['RequireAndVerifyClientCert', 200],
    ])('%s answers %i to another name', async (type, expected) => {
      const configFile = join(directory, `${type}.yml`);
      const verify = type === 'NoClientCert' ? '' : '  client_ca_file: ca.pem\n';
      writeFileSync(
        configFile,
        `tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  client_auth_type: ${type}\n${verify}`,
      );
      const url = await exporterSite({ configFile });
      expect((await ask(url, ['GET / HTTP/1.1', 'Host: rebound.example'], client)).status).toBe(expected);
      const post = ['POST /-/reload HTTP/1.1', 'Host: rebound.example', 'Content-Length: 0'];
      expect((await ask(url, post, client)).status).toBe(421);
      const own = [...post.slice(0, 1), `Host: ${url.host}`, 'Content-Length: 0'];
      expect((await ask(url, [...own, `Origin: http://${url.host}`], client)).status).toBe(200);
      expect((await ask(url, [...own, 'Origin: http://127.0.0.1'], client)).status).toBe(403);
      expect(reloads).toBe(1);
    });
  });
});
