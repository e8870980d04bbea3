/** Whoever answers our requests may be anybody: what remote write, a push and an audit make of a hostile answer. */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { PrometheusError } from '../../src/audit/prometheus.js';
import { askPrometheus } from '../../src/audit/ask-prometheus.js';
import { pushMetrics } from '../../src/commands/push.js';
import { post } from '../../src/http/request.js';
import { createSend } from '../../src/remote-write/delivery.js';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** What a receiver does with each connection as soon as the request has begun to arrive. */
async function serve(answer: (socket: Socket) => void): Promise<{ url: string; connections: () => number }> {
  let connections = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined).once('close', () => sockets.delete(socket));
    socket.once('data', () => answer(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    connections: () => connections,
  };
}

/** Writes `text` for ever. */
function pour(socket: Socket, text: string): void {
  const more = (): void => {
    while (!socket.destroyed && socket.writable && socket.write(text));
  };
  socket.on('drain', more);
  more();
}

const head = (status: string, ...headers: string[]): string =>
  [`HTTP/1.1 ${status}`, ...headers, '', ''].join('\r\n');

const send = (url: string) => createSend({ url }, '1')(new Uint8Array([1]), new AbortController().signal);

describe('remote write', () => {
  test.each([
    ['200 OK', 'delivered'],
    ['400 Bad Request', 'refused'],
    ['404 Not Found', 'refused'],
    ['503 Service Unavailable', 'failed'],
  ])('takes the status %s of an answer without end for %s', async (status, kind) => {
    const { url } = await serve((socket) => {
      socket.write(head(status));
      pour(socket, 'x'.repeat(65_536));
    });
    const outcome = await send(url);
    expect(outcome.kind).toBe(kind);
    expect(JSON.stringify(outcome).length).toBeLessThan(400);
  });

  test.each([
    'http://169.254.169.254/latest/meta-data',
    'file:///etc/passwd',
    '/', // the receiver itself
  ])('follows no redirect to %s', async (location) => {
    const far = await serve((socket) => socket.end(head('307 Temporary Redirect', `Location: ${location}`)));
    expect(await send(far.url)).toEqual({ kind: 'refused', reason: 'status 307' });
    expect(far.connections()).toBe(1);
  });

  test.each(['1e99', '-1', '999999999999', 'Fri, 31 Dec 9999 23:59:59 GMT', '0x10', '', 'NaN'])(
    'waits no longer for a wish of %j than otherwise',
    async (wish) => {
      const { url } = await serve((socket) =>
        socket.end(head('503 Service Unavailable', `Retry-After: ${wish}`, 'Content-Length: 0')),
      );
      expect(await send(url)).toEqual({ kind: 'failed', reason: 'status 503' });
    },
  );

  test.each([
    ['closes in the middle', (socket: Socket) => socket.end(`${head('200 OK', 'Content-Length: 9')}x`)],
    ['closes before it answers', (socket: Socket) => socket.end()],
    ['sends garbage', (socket: Socket) => socket.end('\0\0\0\0')],
    [
      'sends headers without end',
      (socket: Socket) => {
        socket.write('HTTP/1.1 200 OK\r\n');
        pour(socket, `A: ${'x'.repeat(1000)}\r\n`);
      },
    ],
    ['changes the protocol', (socket: Socket) => socket.end(head('101 Switching Protocols', 'Upgrade: x'))],
  ])('tries again where the receiver %s', async (_what, answer) => {
    const { url } = await serve(answer);
    const outcome = await send(url);
    expect(outcome.kind).toBe('failed');
    expect(outcome.kind === 'failed' && outcome.reason).toMatch(/^.{5,200}$/);
  });
});

/** Requests of every caller, with an end: an answer that is a byte a second must not be waited for as long as it lasts. */
test('post() ends at the deadline, however busily an answer drips', async () => {
  const { url } = await serve((socket) => {
    socket.write(head('200 OK'));
    const drip = setInterval(() => socket.write('x'), 20);
    socket.once('close', () => clearInterval(drip));
  });
  const began = performance.now();
  const signal = AbortSignal.timeout(300);
  const options = { signal, longest: 1000, beyond: 'error' } as const;
  await expect(post(new URL(url), { headers: {} }, new Uint8Array(), options)).rejects.toThrow();
  expect(performance.now() - began).toBeLessThan(5000);
});

describe('a push', () => {
  const metrics = { contentType: 'text/plain', text: () => Promise.resolve('nat_target_up 1\n') };
  const push = (url: string, within?: number): Promise<void> =>
    pushMetrics(url, metrics, { instance: 'here', target: 'a' }, within);

  test.each([
    ['200 OK', undefined],
    ['500 Internal Server Error', /^status 500: x{1,200}$/],
    ['302 Found', /^status 302/],
  ])('reads no more of an endless answer with %s than it shows', async (status, reason) => {
    const { url } = await serve((socket) => {
      socket.write(head(status));
      pour(socket, 'x'.repeat(65_536));
    });
    const failure = await push(url).then(
      () => undefined,
      (error: unknown) => (error as Error).message,
    );
    if (reason === undefined) expect(failure).toBeUndefined();
    else expect(failure).toMatch(reason);
  });

  test.each([
    ['closes in the middle', (socket: Socket) => socket.end(`${head('200 OK', 'Content-Length: 9')}x`)],
    ['closes before it answers', (socket: Socket) => socket.end()],
  ])('fails where the gateway %s', async (_what, answer) => {
    await expect(push((await serve(answer)).url)).rejects.toThrow();
  });

  test('ends at its deadline, however busily the gateway drips', async () => {
    const { url } = await serve((socket) => {
      socket.write(head('200 OK'));
      const drip = setInterval(() => socket.write('x'), 20);
      socket.once('close', () => clearInterval(drip));
    });
    await expect(push(url, 0.3)).rejects.toThrow('no answer within 0.3 s');
  });
});

describe('an audit', () => {
  const ask = (url: string): Promise<unknown> =>
    askPrometheus(
      { url },
      { at: 1.7e9, lookback: 86_400, matchers: [] },
      { signal: new AbortController().signal, version: '1' },
    );

  test.each([
    ['redirects', (socket: Socket) => socket.end(head('302 Found', 'Location: file:///etc/passwd'))],
    ['closes in the middle', (socket: Socket) => socket.end(`${head('200 OK', 'Content-Length: 9')}{`)],
    ['is no Prometheus', (socket: Socket) => socket.end(`${head('200 OK', 'Content-Length: 2')}{}`)],
    [
      'nests without end',
      (socket: Socket) => {
        const body = '['.repeat(2_000_000);
        socket.end(`${head('200 OK', `Content-Length: ${body.length}`)}${body}`);
      },
    ],
  ])('has one clear line where the server %s', async (_what, answer) => {
    const { url, connections } = await serve(answer);
    const failure = await ask(url).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PrometheusError);
    expect((failure as Error).message).toMatch(/^.{10,400}$/);
    expect(connections()).toBe(1);
  });
});
