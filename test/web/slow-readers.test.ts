/** Clients that ask for much and take nothing: what waits for them is let go of, on every route. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Response } from 'express';
import { afterEach, expect, test } from 'vitest';
import { createLiveEvents } from '../../src/exporter/live-events.js';
import { createBaseApp, finishApp } from '../../src/web/base-app.js';
import { startWebServer } from '../../src/web/server.js';
import { climbingTarget, FakeView } from '../support/fake-view.js';
import { eventually } from '../support/sockets.js';

/** More than the kernel takes for a connection on loopback. */
const MUCH = 64 * 1024 * 1024;

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

function serve(app: ReturnType<typeof createBaseApp>): Promise<Server> {
  const server = finishApp(app).listen(0, '127.0.0.1');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return once(server, 'listening').then(() => server);
}

/** Asks and reads nothing. */
async function askAndLeave(server: Server, path: string): Promise<Socket> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').pause();
  closing.push(() => socket.destroy());
  await once(socket, 'connect');
  socket.on('error', () => undefined).write(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return socket;
}

test('an answer that nobody takes is let go of on every route of a site', async () => {
  const app = createBaseApp({ name: 'test', ready: () => true, longestPause: 0.3 });
  const answers: Response[] = [];
  app.get('/api/v1/much', (_request, response) => {
    answers.push(response);
    response.json({ text: 'x'.repeat(MUCH) });
  });
  const server = await serve(app);
  await askAndLeave(server, '/api/v1/much');
  await eventually(() => answers.length === 1, 'the question has arrived');
  expect(answers[0]?.writableFinished).toBe(false);
  await eventually(() => answers[0]?.destroyed === true, 'the answer is let go of');
});

test('an answer that is taken slowly arrives', async () => {
  const app = createBaseApp({ name: 'test', ready: () => true, longestPause: 0.5 });
  app.get('/much', (_request, response) => void response.end('x'.repeat(MUCH)));
  const server = await serve(app);
  const socket = await askAndLeave(server, '/much');
  let taken = 0;
  // Shorter pauses than the longest, more of them than would fit into it.
  socket.on('data', (part: Buffer) => {
    const before = taken;
    taken += part.length;
    if (Math.floor(before / (MUCH / 8)) === Math.floor(taken / (MUCH / 8))) return;
    socket.pause();
    setTimeout(() => socket.resume(), 100);
  });
  socket.resume();
  await eventually(() => taken > MUCH, 'all of it has arrived');
});

test('requests that are sent without waiting are answered one after the other', async () => {
  let made = 0;
  const server = await startWebServer({
    app: (_request, response) => {
      made += 1;
      response.end(`${made}:${'x'.repeat(MUCH / 4)}\n`);
    },
    listen: [{ host: '127.0.0.1', port: 0 }],
  });
  closing.push(() => void server.close());
  const socket = connect(Number(new URL(server.urls[0] ?? '').port), '127.0.0.1').pause();
  closing.push(() => socket.destroy());
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(5));
  await eventually(() => made > 0, 'the first is answered');
  // Whatever was read together with it has been looked at by then.
  await fetch(server.urls[0] ?? '').then((response) => response.text());
  expect(made).toBe(2);
  let text = '';
  socket.setEncoding('latin1').on('data', (part: string) => {
    text += part.replace(/x+/g, '');
  });
  socket.resume();
  await eventually(() => made === 6 && text.includes('\n6:'), 'all are answered');
  expect([...text.matchAll(/^(\d):/gm)].map(([, number]) => number)).toEqual(['1', '3', '4', '5', '6']);
});

test('a reader of live events that takes nothing gives its place back', async () => {
  const view = new FakeView([]);
  // An event of 200 KB: the names of all targets.
  const many = Array.from({ length: 1000 }, (_, index) => climbingTarget(`${index}${'n'.repeat(200)}`));
  const live = createLiveEvents(view, { interval: 5, maxReaders: 1 });
  closing.push(() => live.close());
  const app = createBaseApp({ name: 'test', ready: () => true, longestPause: 0.3 });
  let reader: Response | undefined;
  app.get('/events', (request, response, next) => {
    reader ??= response;
    return live.handler(request, response, next);
  });
  const server = await serve(app);
  await askAndLeave(server, '/events');
  await eventually(() => reader !== undefined, 'somebody reads');
  await eventually(() => {
    if ((reader?.writableLength ?? 0) > 0) return true;
    view.show(view.targets().length === 0 ? many : []);
    return false;
  }, 'events wait in the process');
  expect(reader?.destroyed).toBe(false);
  await eventually(() => reader?.destroyed === true, 'the reader is let go of');
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/events`);
  expect(response.status).toBe(200);
  await response.body?.cancel();
});
