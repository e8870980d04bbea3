import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, Agent, type RequestListener, type ServerResponse } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { connect as tcpConnect } from 'node:net';
import { EventEmitter, once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect, TLSSocket } from 'node:tls';
import bcrypt from 'bcryptjs';
import express from 'express';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ConfigError } from '../../src/config/problem.js';
import {
  checkWebConfig,
  startWebServer,
  type WebServer,
  type WebServerOptions,
} from '../../src/web/server.js';
import { createBasicAuth } from '../../src/web/basic-auth.js';
import { makeCa, makeCertificate, type Pair } from '../support/certificates.js';
import { requires } from '../support/requires.js';
import { eventually } from '../support/sockets.js';

const LOOPBACK = { host: '127.0.0.1', port: 0 } as const;
/** Tells when a request has arrived at its handler. */
const arrivals = new EventEmitter();
const app = express();
app.get('/', (_request, response) => {
  response.send('hello');
});
app.get('/stream', (_request, response) => {
  response.write('first');
  arrivals.emit('stream');
});
app.get('/slow', (_request, response) => {
  setTimeout(() => response.send('done'), 300);
  arrivals.emit('slow');
});

let directory = '';
let ca: Pair;
const running: WebServer[] = [];

const openssl = requires({ packages: ['openssl'] });

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'web-server-'));
  if (!openssl.met) return;
  ca = makeCa(directory, 'ca');
  makeCertificate(directory, 'server', ca, 'DNS:localhost,IP:127.0.0.1');
});
afterAll(() => rmSync(directory, { recursive: true }));
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function start(options: Partial<WebServerOptions> = {}): Promise<WebServer> {
  const server = await startWebServer({ app, listen: [LOOPBACK], ...options });
  running.push(server);
  return server;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly protocol: string | null;
  /** Serial number of the server's certificate. */
  readonly serial: string | undefined;
}

/** One request on a connection of its own. */
function get(url: string | undefined, options: RequestOptions = {}): Promise<Answer> {
  if (url === undefined) throw new Error('no such address');
  const request = url.startsWith('https') ? httpsRequest : httpRequest;
  return new Promise((done, fail) => {
    const sent = request(url, { agent: false, ...options }, (response) => {
      const socket = response.socket instanceof TLSSocket ? response.socket : undefined;
      const protocol = socket?.getProtocol() ?? null;
      const serial = socket?.getPeerX509Certificate()?.serialNumber;
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => {
        done({ status: response.statusCode ?? 0, body, headers: response.headers, protocol, serial });
      });
      response.on('error', fail);
    });
    sent.on('error', fail).end();
  });
}

function writeConfig(name: string, content: string): string {
  const file = join(directory, name);
  writeFileSync(file, content);
  return file;
}

function tlsConfig(name: string, more = ''): string {
  return writeConfig(name, `tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n${more}`);
}

function trusting(client?: Pair): RequestOptions {
  const own = client === undefined ? {} : { cert: readFileSync(client.cert), key: readFileSync(client.key) };
  return { ca: readFileSync(ca.cert), ...own };
}

test('startWebServer() listens on several addresses, IPv4 and IPv6, and names them', async () => {
  const server = await start({ listen: [LOOPBACK, { host: '::1', port: 0 }, { port: 0 }] });
  expect(server.urls[0]).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(server.urls[1]).toMatch(/^http:\/\/\[::1\]:\d+$/);
  for (const url of server.urls) expect((await get(url)).body).toBe('hello');
});

test('startWebServer() names every address that it cannot use and gives the others back', async () => {
  const first = await start();
  const port = Number(new URL(first.urls[0] ?? '').port);
  const free = await start();
  const freePort = Number(new URL(free.urls[0] ?? '').port);
  await free.close();
  const listen = [
    { host: '127.0.0.1', port },
    { host: '192.0.2.1', port: 9 },
    { host: '127.0.0.1', port: freePort },
  ];
  const error = await start({ listen }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as ConfigError).message).toBe(
    `listen address 127.0.0.1:${port}: already in use\nlisten address 192.0.2.1:9: this machine has no such address`,
  );
  const again = await start({ listen: [{ host: '127.0.0.1', port: freePort }] });
  expect((await get(again.urls[0])).status).toBe(200);
});

test('close() ends idle keep-alive connections, silent ones and streams within 2 s', async () => {
  const server = await start();
  const url = new URL(server.urls[0] ?? '');
  const agent = new Agent({ keepAlive: true });
  await get(url.href, { agent });
  const silent = tcpConnect(Number(url.port), '127.0.0.1');
  await once(silent, 'connect');
  const silentClosed = once(silent, 'close');
  const arrived = once(arrivals, 'stream');
  const stream = get(`${url.href}stream`).catch((error: unknown) => error);
  await arrived;
  const began = performance.now();
  await server.close();
  expect(performance.now() - began).toBeLessThan(2000);
  await silentClosed;
  expect(await stream).toBeInstanceOf(Error);
  agent.destroy();
});

test('close() lets a running request finish', async () => {
  const server = await start();
  const arrived = once(arrivals, 'slow');
  const answer = get(`${server.urls[0] ?? ''}/slow`);
  await arrived;
  await server.close();
  expect((await answer).body).toBe('done');
});

test('users get in with their password, everybody else gets 401', async () => {
  const configFile = writeConfig('users.yml', `basic_auth_users:\n  alice: ${bcrypt.hashSync('pass', 4)}\n`);
  const url = (await start({ configFile })).urls[0];
  const none = await get(url);
  expect(none.status).toBe(401);
  expect(none.headers['www-authenticate']).toContain('Basic');
  expect(none.body).not.toContain('hello');
  expect((await get(url, { auth: 'alice:wrong' })).status).toBe(401);
  expect((await get(url, { auth: 'mallory:pass' })).status).toBe(401);
  expect(await get(url, { auth: 'alice:pass' })).toMatchObject({ status: 200, body: 'hello' });
});

test('who comes while too many logins are looked at is told to come again', async () => {
  const configFile = writeConfig('flood.yml', `basic_auth_users:\n  alice: ${bcrypt.hashSync('pass', 4)}\n`);
  let release: () => void = () => undefined;
  const released = new Promise<void>((open) => (release = open));
  const auth = createBasicAuth(() => released.then(() => false));
  const url = (await start({ configFile, auth })).urls[0];
  const answers = Array.from({ length: 17 }, (_, index) => get(url, { auth: `alice:guess ${index}` }));
  const busy = await Promise.race(answers);
  expect(busy).toMatchObject({
    status: 503,
    body: 'Too many logins at once\n',
    headers: { 'retry-after': '1' },
  });
  expect(busy.headers).not.toHaveProperty('www-authenticate');
  release();
  const statuses = (await Promise.all(answers)).map(({ status }) => status);
  expect(statuses.filter((status) => status === 401)).toHaveLength(16);
});

test('users are taken over from a changed file without a restart; a broken one changes nothing', async () => {
  const configFile = writeConfig('live.yml', `basic_auth_users:\n  alice: ${bcrypt.hashSync('pass', 4)}\n`);
  const told: string[] = [];
  const log = {
    info: (_fields: object, message: string) => void told.push(message),
    warn: (_fields: object, message: string) => void told.push(message),
  };
  const url = (await start({ configFile, log })).urls[0];
  expect((await get(url, { auth: 'alice:pass' })).status).toBe(200);
  writeFileSync(configFile, 'basic_auth_users: {alice: oops}\n');
  expect((await get(url, { auth: 'alice:pass' })).status).toBe(200);
  expect((await get(url)).status).toBe(401);
  writeFileSync(configFile, `basic_auth_users:\n  bob: ${bcrypt.hashSync('new', 4)}\n`);
  expect((await get(url, { auth: 'alice:pass' })).status).toBe(401);
  expect((await get(url, { auth: 'bob:new' })).status).toBe(200);
  expect(told).toEqual([
    'web configuration not taken over, the one before stays in force',
    'web configuration read again',
  ]);
});

test('a server that must know its readers starts with no configuration that lets everybody in', async () => {
  const authenticate = 'it tells secrets';
  const rule = `must have basic_auth_users or client_auth_type RequireAndVerifyClientCert: ${authenticate}`;
  await expect(start({ authenticate })).rejects.toThrow(
    new ConfigError([{ file: '--web.config.file', rule }]),
  );
  const configFile = join(directory, 'open.yml');
  writeFileSync(configFile, 'http_server_config: {headers: {X-Frame-Options: deny}}\n');
  await expect(start({ authenticate, configFile })).rejects.toThrow(
    new ConfigError([{ file: configFile, rule }]),
  );
});

test('a server that must know its readers keeps its users when they are taken out of the file', async () => {
  const configFile = join(directory, 'guarded.yml');
  const hash = bcrypt.hashSync('secret', 4);
  writeFileSync(configFile, `basic_auth_users: {alice: '${hash}'}\n`);
  const logged: string[] = [];
  const log = { info: () => undefined, warn: (_: object, message: string) => logged.push(message) };
  const server = await start({ authenticate: 'it tells secrets', configFile, log });
  expect((await get(server.urls[0])).status).toBe(401);
  writeFileSync(configFile, 'http_server_config: {headers: {X-Frame-Options: deny}}\n');
  expect((await get(server.urls[0])).status).toBe(401);
  expect(logged).toEqual(['web configuration not taken over, the one before stays in force']);
  expect((await get(server.urls[0], { auth: 'alice:secret' })).status).toBe(200);
});

test('what must not start with a bad web configuration can look at it before', () => {
  expect(() => checkWebConfig({})).not.toThrow();
  expect(() => checkWebConfig({ authenticate: 'it tells secrets' })).toThrow('it tells secrets');
  expect(() => checkWebConfig({ configFile: writeConfig('bad.yml', 'basic_auth_users: 5\n') })).toThrow(
    ConfigError,
  );
});

test('that HTTP/2 is asked for and not spoken is told at the start', async () => {
  const told: string[] = [];
  const log = { info: (_: object, message: string) => void told.push(message), warn: () => undefined };
  await start({ configFile: writeConfig('http2.yml', 'http_server_config: {http2: true}\n'), log });
  expect(told).toEqual(['http2 is ignored: this server speaks HTTP/1.1']);
  await start({ configFile: writeConfig('http1.yml', 'http_server_config: {http2: false}\n'), log });
  expect(told).toHaveLength(1);
});

test('the headers of the web configuration are on every answer', async () => {
  const configFile = writeConfig(
    'headers.yml',
    'http_server_config:\n  headers:\n    X-Frame-Options: sameorigin\n',
  );
  const url = (await start({ configFile })).urls[0];
  expect((await get(url)).headers['x-frame-options']).toBe('sameorigin');
  expect((await get(`${url ?? ''}/nowhere`)).headers['x-frame-options']).toBe('sameorigin');
});

test('the rate limit of the web configuration answers 429', async () => {
  const configFile = writeConfig('rate.yml', 'rate_limit: {interval: 1h, burst: 2}\n');
  const url = (await start({ configFile })).urls[0];
  const statuses = [await get(url), await get(url), await get(url)].map((answer) => answer.status);
  expect(statuses).toEqual([200, 200, 429]);
});

test('the rate limit of the web configuration lets the next one in when its time has come', async () => {
  const configFile = writeConfig('rates.yml', 'rate_limit: {interval: 400ms, burst: 1}\n');
  const url = (await start({ configFile })).urls[0];
  expect((await get(url)).status).toBe(200);
  let status = 429;
  for (let tries = 0; tries < 100 && status === 429; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    ({ status } = await get(url));
  }
  expect(status).toBe(200);
});

test('one connection may ask as often as it likes, one question after the other', async () => {
  const url = (await start()).urls[0];
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const used = new Set<unknown>();
  agent.on('free', (socket) => used.add(socket));
  for (let times = 0; times < 150; times += 1) expect((await get(url, { agent })).body).toBe('hello');
  expect(used.size).toBe(1);
  agent.destroy();
});

test.each([
  [101, true],
  [102, false],
])('of %i requests that a client sends ahead all are answered: %s', async (count, all) => {
  const waiting: ServerResponse[] = [];
  const url = (await start({ app: (_request, response) => void waiting.push(response) })).urls[0];
  const socket = tcpConnect(Number(new URL(url ?? '').port), '127.0.0.1');
  socket.on('error', () => undefined).write('GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(count));
  let text = '';
  let closed = false;
  socket.setEncoding('latin1').on('data', (part: string) => (text += part));
  socket.on('close', () => (closed = true));
  await eventually(() => waiting.length === 1 || closed, 'the first has come');
  // Whatever was read together with it has been looked at by then.
  const witness = get(url);
  await eventually(() => waiting.length === 2 || (closed && waiting.length === 1), 'another one has come');
  const answers = setInterval(() => {
    for (const response of waiting.splice(0)) response.end('answer');
  }, 1);
  await witness;
  await eventually(() => closed || text.split('answer').length > count, 'all or nothing');
  clearInterval(answers);
  expect(!closed).toBe(all);
  socket.destroy();
});

test('startWebServer() tells what is wrong in the web configuration', async () => {
  const configFile = writeConfig('wrong.yml', 'tls: {}\n');
  await expect(start({ configFile })).rejects.toThrow(`${configFile}: tls: is not a known key`);
});

/** Who gets in: without a certificate, with one of a strange CA, with a good one. */
const ADMITTED = {
  NoClientCert: [true, true, true],
  RequestClientCert: [true, true, true],
  RequireAnyClientCert: [false, true, true],
  VerifyClientCertIfGiven: [true, false, true],
  RequireAndVerifyClientCert: [false, false, true],
} as const;

openssl.describe('https', () => {
  test('https answers with the configured certificate and TLS versions', async () => {
    const configFile = tlsConfig(
      'tls12.yml',
      '  max_version: TLS12\n  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]\n  curve_preferences: [CurveP384]\n',
    );
    const url = (await start({ configFile })).urls[0];
    expect(url).toMatch(/^https:/);
    expect(await get(url, trusting())).toMatchObject({ status: 200, protocol: 'TLSv1.2' });
    await expect(get(url, { ...trusting(), minVersion: 'TLSv1.3' })).rejects.toThrow();
    await expect(get(url, { ...trusting(), ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' })).rejects.toThrow();
    await expect(get(url, {})).rejects.toThrow(/certificate/);
    const plain = await get(url?.replace('https', 'http')).catch((error: unknown) => error);
    expect(plain).toBeInstanceOf(Error);
  });

  test.each([
    ['TLS13', [false, true]],
    ['TLS12', [true, true]],
    [undefined, [true, true]],
  ])('of TLS 1.2 and 1.3 min_version %s takes %j', async (least, taken) => {
    const more = least === undefined ? '' : `  min_version: ${least}\n`;
    const url = (await start({ configFile: tlsConfig('least.yml', more) })).urls[0];
    const versions = ['TLSv1.2', 'TLSv1.3'] as const;
    const answers = versions.map((version) =>
      get(url, { ...trusting(), minVersion: version, maxVersion: version }).then(
        ({ protocol }) => protocol === version,
        () => false,
      ),
    );
    expect(await Promise.all(answers)).toEqual(taken);
  });

  test('a renewed certificate is used by the next connection', async () => {
    const pair = makeCertificate(directory, 'renewed', ca, 'DNS:localhost,IP:127.0.0.1');
    const configFile = writeConfig(
      'renew.yml',
      'tls_server_config: {cert_file: renewed.pem, key_file: renewed.key}\n',
    );
    const url = (await start({ configFile })).urls[0];
    const before = await get(url, trusting());
    makeCertificate(directory, 'renewed', ca, 'DNS:localhost,IP:127.0.0.1');
    const after = await get(url, trusting());
    expect(after.status).toBe(200);
    expect(after.serial).not.toBe(before.serial);
    writeFileSync(pair.key, 'half a key');
    expect((await get(url, trusting())).serial).toBe(after.serial);
  });

  test('a change of what only a restart can change is told, and changes nothing', async () => {
    const configFile = tlsConfig('restart.yml');
    const told: [fields: object, message: string][] = [];
    const log = {
      info: (...line: [object, string]) => void told.push(line),
      warn: (...line: [object, string]) => void told.push(line),
    };
    const url = (await start({ configFile, log })).urls[0];
    const restart = [
      { file: configFile },
      'TLS switched on or off, or client_auth_type changed: restart needed',
    ];
    writeFileSync(configFile, 'http_server_config: {http2: false, headers: {X-Frame-Options: deny}}\n');
    const answer = await get(url, trusting());
    expect(answer).toMatchObject({ status: 200, body: 'hello' });
    expect(answer.headers).not.toMatchObject({ 'x-frame-options': 'deny' });
    expect(told).toEqual([restart]);
    tlsConfig('restart.yml', '  client_ca_file: ca.pem\n  client_auth_type: RequireAndVerifyClientCert\n');
    expect((await get(url, trusting())).status).toBe(200);
    expect(told).toEqual([restart, restart]);
    tlsConfig('restart.yml', '  min_version: TLS13\n');
    expect((await get(url, trusting())).protocol).toBe('TLSv1.3');
    expect(told.at(-1)).toEqual([{ file: configFile }, 'web configuration read again']);
  });

  test.each(['RequireAnyClientCert', 'VerifyClientCertIfGiven', 'RequireAndVerifyClientCert'])(
    'a server that must know its readers judges client_auth_type %s',
    async (type) => {
      const configFile = join(directory, `readers-${type}.yml`);
      writeFileSync(
        configFile,
        `tls_server_config: {cert_file: server.pem, key_file: server.key, client_ca_file: ca.pem, client_auth_type: ${type}}\n`,
      );
      const started = start({ authenticate: 'it tells secrets', configFile });
      if (type === 'RequireAndVerifyClientCert') expect((await started).urls).toHaveLength(1);
      else await expect(started).rejects.toThrow(/must have basic_auth_users or client_auth_type/);
    },
  );

  test('client_allowed_sans admits only certificates with such a name', async () => {
    const more =
      '  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n  client_allowed_sans: [scraper.example, 192.0.2.7, "urn:a,b"]\n';
    const url = (await start({ configFile: tlsConfig('sans.yml', more) })).urls[0];
    const names = [
      'DNS:other,DNS:scraper.example',
      'IP:192.0.2.7',
      'DNS:x.scraper.example',
      'URI:scraper.example/x',
      '@names\n[names]\nURI=urn:a\\,b',
      '@names\n[names]\nDNS=stranger.example\\, DNS:scraper.example',
    ];
    const results = names.map((altNames, index) =>
      get(url, trusting(makeCertificate(directory, `san-${String(index)}`, ca, altNames))).then(
        (answer) => answer.status,
        () => 'refused',
      ),
    );
    expect(await Promise.all(results)).toEqual([200, 200, 'refused', 'refused', 200, 'refused']);
  });

  test('asks for no certificate where none is wanted', async () => {
    const client = makeCertificate(directory, 'unasked', ca, 'DNS:client');
    const shown: unknown[] = [];
    const showing: RequestListener = ({ socket }, response) => {
      shown.push(socket instanceof TLSSocket && 'subject' in socket.getPeerCertificate());
      response.end();
    };
    for (const type of ['NoClientCert', 'RequestClientCert']) {
      const configFile = tlsConfig(`${type}.yml`, `  client_auth_type: ${type}\n`);
      await get((await start({ configFile, app: showing })).urls[0], trusting(client));
    }
    expect(shown).toEqual([false, true]);
  });

  test('a session is resumed for as long as the configuration is the same', async () => {
    const configFile = tlsConfig('sessions.yml');
    const { port } = new URL((await start({ configFile })).urls[0] ?? '');
    let session: Buffer | undefined;
    const resumes = async (): Promise<boolean> => {
      const options = { host: '127.0.0.1', port: Number(port), ca: readFileSync(ca.cert) };
      const socket = tlsConnect({ ...options, ...(session && { session }) });
      socket.on('session', (ticket: Buffer) => (session = ticket));
      // Tickets come before the first answer.
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await once(socket, 'data');
      const resumed = socket.isSessionReused();
      socket.destroy();
      return resumed;
    };
    expect([await resumes(), await resumes()]).toEqual([false, true]);
    tlsConfig('sessions.yml', '  max_version: TLS13\n');
    expect(await resumes()).toBe(false);
  });

  for (const [type, admitted] of Object.entries(ADMITTED)) {
    for (const version of ['TLS12', 'TLS13']) {
      test(`${type} admits the clients that Go would, ${version}`, async () => {
        const strangeCa = makeCa(directory, 'strange-ca');
        const strange = makeCertificate(directory, 'strange', strangeCa, 'DNS:client');
        const good = makeCertificate(directory, 'good', ca, 'DNS:client');
        const verify = type === 'NoClientCert' ? '' : '  client_ca_file: ca.pem\n';
        const more = `  client_auth_type: ${type}\n  max_version: ${version}\n${verify}`;
        const url = (await start({ configFile: tlsConfig('clients.yml', more) })).urls[0];
        const results = [undefined, strange, good].map((client) =>
          get(url, trusting(client)).then(
            (answer) => answer.status === 200,
            () => false,
          ),
        );
        expect(await Promise.all(results)).toEqual(admitted);
      });
    }
  }
});
