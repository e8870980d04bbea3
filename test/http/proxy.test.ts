import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, request as ask, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { post, requestDescriptors } from '../../src/http/request.js';
import { createSend } from '../../src/remote-write/delivery.js';
import { makeCa, makeCertificate, type Pair } from '../support/certificates.js';
import { requires } from '../support/requires.js';
import { eventually } from '../support/sockets.js';

const servers: Server[] = [];
const sockets = new Set<Socket>();

afterEach(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers.splice(0)) server.close();
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

/** What the receiver was sent: it answers with its method, its path and its body. */
const receiver: RequestListener = (request, response) => {
  let body = '';
  request.on('data', (part: Buffer) => (body += part.toString()));
  request.on('end', () => response.end(`${request.method ?? ''} ${request.url ?? ''} ${body}`));
};

/** A forward proxy, and what was asked of it. */
async function startProxy(opens = true): Promise<{ readonly url: string; readonly asked: string[] }> {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method ?? ''} ${request.url ?? ''} for ${request.headers.host ?? ''}`);
    const on = ask(request.url ?? '', { method: request.method, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502);
      answer.pipe(response);
    });
    on.once('error', () => response.writeHead(502).end());
    request.pipe(on);
  });
  server.on('connect', (request, socket: Socket) => {
    asked.push(`CONNECT ${request.url ?? ''}`);
    if (!opens) {
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      return;
    }
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const on = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      on.pipe(socket).pipe(on);
    });
    sockets.add(on);
    on.on('error', () => socket.destroy());
    socket.on('error', () => on.destroy());
  });
  return { url: `http://127.0.0.1:${await listen(server)}`, asked };
}

const limits = { longest: 100, beyond: 'error' } as const;
const within = () => AbortSignal.timeout(5000);

test('plain HTTP is asked of the proxy by its whole address', async () => {
  const port = await listen(createServer(receiver));
  const proxy = await startProxy();
  const url = new URL(`http://127.0.0.1:${port}/push?a=b`);
  const sending = { ...limits, signal: within(), proxy: new URL(proxy.url) };
  const answer = await post(url, { headers: { 'X-Own': '1' } }, Buffer.from('samples'), sending);
  expect(answer).toMatchObject({ status: 200, text: 'POST /push?a=b samples' });
  expect(proxy.asked).toEqual([`POST ${url.href} for 127.0.0.1:${port}`]);
  await eventually(() => requestDescriptors() === 0, 'the connection is closed');
});

test('a proxy that is not there is a failure that is told and tried again', async () => {
  const port = await listen(createServer(receiver));
  const send = createSend({ url: `http://127.0.0.1:${port}/`, proxy_url: 'http://127.0.0.1:9' }, '1.2.3');
  const outcome = await send(Buffer.from('x'), within());
  expect(outcome).toMatchObject({
    kind: 'failed',
    reason: expect.stringContaining('ECONNREFUSED') as string,
  });
});

requires({ packages: ['openssl'] }).describe('TLS through a tunnel', () => {
  let folder = '';
  let authority: Pair;
  let pair: Pair;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'nat-idle-proxy-'));
    authority = makeCa(folder, 'ca');
    pair = makeCertificate(folder, 'server', authority, 'IP:127.0.0.1');
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  const secure = (): Promise<number> =>
    listen(createTlsServer({ cert: readFileSync(pair.cert), key: readFileSync(pair.key) }, receiver));

  test('remote write reaches its receiver, whose certificate counts', async () => {
    const port = await secure();
    const proxy = await startProxy();
    const endpoint = { url: `https://127.0.0.1:${port}/write`, proxy_url: proxy.url };
    const trusting = createSend({ ...endpoint, tls_config: { ca_file: authority.cert } }, '1.2.3');
    expect(await trusting(Buffer.from('x'), within())).toEqual({ kind: 'delivered' });
    expect(proxy.asked).toEqual([`CONNECT 127.0.0.1:${port}`]);
    const distrusting = createSend(endpoint, '1.2.3');
    expect(await distrusting(Buffer.from('x'), within())).toMatchObject({
      kind: 'failed',
      reason: expect.stringMatching(/certificate/) as string,
    });
    await eventually(() => requestDescriptors() === 0, 'the connections are closed');
  });

  test('a tunnel that is refused is told with its status', async () => {
    const proxy = await startProxy(false);
    const send = createSend({ url: 'https://127.0.0.1:9/', proxy_url: proxy.url }, '1.2.3');
    expect(await send(Buffer.from('x'), within())).toEqual({
      kind: 'failed',
      reason: 'the proxy opens no tunnel to 127.0.0.1:9: status 403',
    });
    await eventually(() => requestDescriptors() === 0, 'the connection is closed');
  });
});
