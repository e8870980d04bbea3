/** The site under attack: who holds connections for nothing keeps nobody out. */
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type RequestOptions, type Server } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import express from 'express';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { SiteConnections } from '../../src/web/site-connections.js';
import { startWebServer, type WebServer } from '../../src/web/server.js';
import { eventually } from '../support/sockets.js';
import { makeCa, makeCertificate } from '../support/certificates.js';
import { requires } from '../support/requires.js';

// A wait has its own deadline; this one is for a busy machine.
vi.setConfig({ testTimeout: 30_000 });

const ATTACKER = '127.0.0.66';
const SHARE = { connections: 8, perClient: 4, streams: 6, streamsPerClient: 3 };
/** More than the kernel keeps for a reader that takes nothing. */
const BIG = 'x'.repeat(16 * 1024 * 1024);

const events = new EventEmitter();
const app = express();
app.get('/', (_request, response) => response.send('hello'));
app.get('/big', (_request, response) => {
  response.send(BIG);
  events.emit('big');
});
app.get('/slow', (_request, response) => {
  events.once('answer', () => response.send('done'));
  events.emit('asked');
});
events.setMaxListeners(100);

let site: SiteConnections;
let web: WebServer | undefined;
const servers: Server[] = [];
const sockets: Socket[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await web?.close();
  web = undefined;
  for (const server of servers.splice(0)) server.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

async function start(configFile?: string): Promise<number> {
  site = new SiteConnections(SHARE);
  const listen = [{ host: '127.0.0.1', port: 0 }];
  web = await startWebServer({
    app,
    listen,
    connections: site,
    ...(configFile === undefined ? {} : { configFile }),
  });
  return Number(new URL(web.urls[0] ?? '').port);
}

/** A site whose looks the test makes itself. */
async function startBare(): Promise<number> {
  site = new SiteConnections(SHARE);
  const server = createServer(site.noting(app));
  site.guard(server);
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Connects and says so much. */
async function hold(port: number, text = '', localAddress = ATTACKER): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  sockets.push(socket);
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  if (text !== '' && !socket.destroyed) socket.write(text);
  return socket;
}

/** The body of an answer on a connection of its own. */
function get(url: string, options: RequestOptions = {}): Promise<string> {
  const request = url.startsWith('https') ? httpsRequest : httpRequest;
  return new Promise((done, fail) => {
    request(url, { agent: false, ...options }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => done(body)).on('error', fail);
    })
      .on('error', fail)
      .end();
  });
}

/** An honest request from another address and one from the attacker's own. */
async function served(port: number): Promise<void> {
  for (const localAddress of ['127.0.0.1', ATTACKER]) {
    expect(await get(`http://127.0.0.1:${port}/`, { localAddress })).toBe('hello');
  }
}

describe('connections that ask nothing give way to newcomers', () => {
  test.each([
    ['that say nothing', false, ''],
    ['whose headers never end', false, 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: '],
    ['that are kept alive after an answer', true, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['that pipelined a few requests', true, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(20)],
    ['that owe a body', false, 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n'],
    ['that announce TLS to a site without', false, '\x16\x03\x01\x02\x00'],
  ])('those of one client %s', async (_name, answered, text) => {
    const port = await start();
    for (let index = 0; index < 30; index += 1) {
      const socket = await hold(port, text);
      // Who is being answered is not to be ended: those who get an answer have had it before the next one comes.
      if (answered) await Promise.race([once(socket, 'data'), once(socket, 'close')]);
    }
    await served(port);
    expect(site.open).toBeLessThanOrEqual(SHARE.connections);
    expect(site.rejected).toMatchObject({ limit_client: 0, limit_total: 0 });
  });

  test('those of many clients, which fill the whole site', async () => {
    const port = await start();
    for (let index = 0; index < 60; index += 1) await hold(port, '', `127.0.1.${1 + (index % 20)}`);
    await eventually(() => site.rejected.evicted >= 52, 'all are accepted');
    expect(site.open).toBe(SHARE.connections);
    await served(port);
  });

  test('the oldest first, closed and not reset', async () => {
    const port = await start();
    const held: Socket[] = [];
    const ended: [number, boolean][] = [];
    for (let index = 0; index < 6; index += 1) {
      const socket = await hold(port);
      socket.resume().on('close', (failed) => ended.push([index, failed]));
      held.push(socket);
      await eventually(() => site.open + site.rejected.evicted === index + 1, 'it is accepted');
    }
    await eventually(() => ended.length === 2, 'two have ended');
    expect(ended).toEqual([
      [0, false],
      [1, false],
    ]);
  });

  test('and IPv6 clients are counted by their /64, beside the others', async () => {
    site = new SiteConnections(SHARE);
    web = await startWebServer({ app, listen: [{ host: '::1', port: 0 }], connections: site });
    const port = Number(new URL(web.urls[0] ?? '').port);
    for (let index = 0; index < 20; index += 1) {
      const socket = connect({ port, host: '::1' });
      socket.on('error', () => undefined);
      sockets.push(socket);
      await once(socket, 'connect');
    }
    await eventually(() => site.rejected.evicted === 16, 'all are accepted');
    expect(await get(`http://[::1]:${port}/`)).toBe('hello');
  });
});

describe('connections that are being answered', () => {
  test('are never ended for a newcomer, which is refused where its client or all have no other', async () => {
    const port = await start();
    let asked = 0;
    const count = (): void => void (asked += 1);
    events.on('asked', count);
    const answers = ['127.0.2.1', '127.0.2.2'].flatMap((localAddress) =>
      Array.from({ length: 4 }, () => get(`http://127.0.0.1:${port}/slow`, { localAddress })),
    );
    await eventually(() => asked === 8, 'all have asked');
    events.off('asked', count);
    await expect(get(`http://127.0.0.1:${port}/`, { localAddress: '127.0.2.1' })).rejects.toThrow();
    await expect(get(`http://127.0.0.1:${port}/`, { localAddress: '127.0.2.3' })).rejects.toThrow();
    expect(site.rejected).toMatchObject({ limit_client: 1, limit_total: 1, evicted: 0 });
    events.emit('answer');
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 8 }, () => 'done'));
    expect(await get(`http://127.0.0.1:${port}/`, { localAddress: '127.0.2.3' })).toBe('hello');
  });

  test.each([
    ['one answer', 1],
    ['pipelined answers', 2],
  ])('give way once their reader has taken nothing of %s for 10 s', async (_name, times) => {
    const port = await startBare();
    const text = 'GET /big HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(times);
    let asked = 0;
    const count = (): void => void (asked += 1);
    events.on('big', count);
    const held = await Promise.all(Array.from({ length: 4 }, () => hold(port, text)));
    for (const socket of held) socket.pause();
    await eventually(() => asked === 4 * times, 'all have asked');
    events.off('big', count);
    const refused = () => get(`http://127.0.0.1:${port}/`, { localAddress: ATTACKER }).catch(() => 'refused');
    let now = 200;
    await vi.waitFor(
      async () => {
        site.look((now += 1));
        expect(await refused()).toBe('hello');
      },
      { timeout: 20_000, interval: 20 },
    );
    expect(now).toBeGreaterThanOrEqual(210);
    expect(site.rejected.unread).toBe(1);
    expect(site.rejected.limit_client).toBeGreaterThan(8);
  });

  test('end once their reader has taken nothing for a minute, whether anybody wants the place or not', async () => {
    const port = await startBare();
    const held = await hold(port, 'GET /big HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(3));
    held.pause();
    let now = 100;
    await vi.waitFor(
      () => {
        site.look((now += 1));
        expect(site.open).toBe(0);
      },
      { timeout: 20_000, interval: 10 },
    );
    expect(now).toBeGreaterThanOrEqual(160);
    expect(site.rejected.unread).toBe(1);
  });

  test('stay while their reader takes something now and then', async () => {
    const port = await startBare();
    const slow = await hold(port, 'GET /big HTTP/1.1\r\nHost: x\r\n\r\n');
    slow.pause();
    await eventually(() => site.open === 1, 'it is accepted');
    let taken = 0;
    slow.on('data', (chunk: Buffer) => (taken += chunk.length));
    for (let now = 100; taken < BIG.length; now += 9) {
      site.look(now);
      const before = taken;
      slow.resume();
      await eventually(() => taken > before, 'something is read');
      slow.pause();
    }
    expect(slow.destroyed).toBe(false);
    expect(site.rejected.unread).toBe(0);
  });
});

test('a connection on which a heap of requests waits behind one that is not answered is ended', async () => {
  const port = await start();
  const ask = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const heaped = await hold(port, ask('/slow') + ask('/').repeat(20_000));
  heaped.resume();
  await new Promise((done) => heaped.once('close', done));
  expect(site.rejected.unread).toBe(0);
  await served(port);
  await eventually(() => site.open === 0, 'it is forgotten');
  // A few that a program sends ahead are answered when their turn comes.
  events.removeAllListeners('answer');
  const few = await hold(port, ask('/slow') + ask('/').repeat(20));
  let text = '';
  few.setEncoding('utf8').on('data', (part: string) => (text += part));
  await eventually(() => events.listenerCount('answer') > 0, 'it has asked');
  events.emit('answer');
  await eventually(() => text.split('hello').length === 21, 'all are answered');
});

test('clients that are slow with their headers are ended after 10 s, and those that say nothing', async () => {
  const port = await start();
  const silent = await hold(port);
  const slow = await hold(port, 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ');
  const began = performance.now();
  const dribble = setInterval(() => slow.write('x'), 500);
  await Promise.all([silent.resume(), slow.resume()].map((socket) => once(socket, 'close')));
  clearInterval(dribble);
  // Node's own limits are a minute and more, and looked at twice a minute.
  const took = performance.now() - began;
  expect(took).toBeGreaterThan(9000);
  expect(took).toBeLessThan(20_000);
});

test('one line in the log says that callers are turned away', async () => {
  site = new SiteConnections(SHARE);
  const lines: string[] = [];
  const log = { info: () => undefined, warn: (_: object, message: string) => lines.push(message) };
  web = await startWebServer({ app, listen: [{ host: '127.0.0.1', port: 0 }], connections: site, log });
  const port = Number(new URL(web.urls[0] ?? '').port);
  for (let index = 0; index < 20; index += 1) await hold(port);
  await eventually(() => lines.length > 0, 'it is said');
  const before = site.rejected.evicted;
  for (let index = 0; index < 20; index += 1) await hold(port);
  await eventually(() => site.rejected.evicted >= before + 20, 'more are turned away');
  await served(port);
  expect(lines).toEqual(['callers are turned away, more than there is room for']);
});

requires({ packages: ['openssl'] }).describe('a site with TLS', () => {
  test('ends handshakes that nobody finishes, and who parks; not who is being answered', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'web-connections-'));
    folders.push(folder);
    const ca = makeCa(folder, 'ca');
    makeCertificate(folder, 'server', ca, 'DNS:localhost,IP:127.0.0.1');
    const file = join(folder, 'web.yml');
    writeFileSync(file, 'tls_server_config: {cert_file: server.pem, key_file: server.key}\n');
    const port = await start(file);
    const trusted = { ca: readFileSync(ca.cert) };
    const url = `https://127.0.0.1:${port}/`;
    const asked = once(events, 'asked');
    const slow = get(`${url}slow`, { localAddress: ATTACKER, ...trusted });
    await asked;
    // A hello that stops in the middle, and none at all.
    for (let index = 0; index < 30; index += 1)
      await hold(port, index % 2 === 0 ? '' : '\x16\x03\x01\x02\x00');
    for (const localAddress of ['127.0.0.1', ATTACKER]) {
      expect(await get(url, { localAddress, ...trusted })).toBe('hello');
    }
    expect(site.rejected.evicted).toBeGreaterThanOrEqual(27);
    events.emit('answer');
    expect(await slow).toBe('done');
    expect(site.open).toBeLessThanOrEqual(SHARE.connections);
  });
});
