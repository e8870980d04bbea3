import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSend, type Send } from '../../src/remote-write/delivery.js';

let server: Server;
let url: string;
let folder: string;
let answer: { status: number; text: string; headers?: Record<string, string> };
let seen: IncomingHttpHeaders;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nat-idle-send-'));
  server = createServer((request, response) => {
    seen = request.headers;
    request.resume().on('end', () => {
      response.writeHead(answer.status, answer.headers).end(answer.text);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}/api/v1/write?key=hush`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

const once1 = (send: Send) => send(new Uint8Array([1, 2, 3]), new AbortController().signal);

test.each([
  [200, 'delivered'],
  [204, 'delivered'],
  [301, 'refused'],
  [400, 'refused'],
  [401, 'refused'],
  [429, 'failed'],
  [500, 'failed'],
  [503, 'failed'],
])('createSend() takes status %i for %s', async (status, kind) => {
  answer = { status, text: '' };
  expect((await once1(createSend({ url }, '1.2.3'))).kind).toBe(kind);
});

test('createSend() sends the headers of the protocol', async () => {
  answer = { status: 204, text: '' };
  await once1(createSend({ url }, '1.2.3'));
  expect(seen).toMatchObject({
    'content-type': 'application/x-protobuf',
    'content-encoding': 'snappy',
    'x-prometheus-remote-write-version': '0.1.0',
    'user-agent': 'nat-idle-exporter/1.2.3',
    'content-length': '3',
  });
  expect(seen.authorization).toBeUndefined();
});

test('createSend() reads the secret for each request and never repeats it', async () => {
  const file = join(folder, 'secret');
  answer = { status: 400, text: 'bad: Bearer swordfish,\nreally' };
  writeFileSync(file, 'swordfish\n');
  const bearer = createSend({ url, bearer_token_file: file }, '1');
  expect(await once1(bearer)).toEqual({
    kind: 'refused',
    reason: 'status 400: bad: Bearer <secret>, really',
  });
  expect(seen.authorization).toBe('Bearer swordfish');
  writeFileSync(file, 'mackerel');
  await once1(bearer);
  expect(seen.authorization).toBe('Bearer mackerel');
  const basic = createSend({ url, basic_auth: { username: 'me', password_file: file } }, '1');
  const encoded = Buffer.from('me:mackerel').toString('base64');
  answer = { status: 500, text: `${encoded} mackerel` };
  expect(await once1(basic)).toEqual({ kind: 'failed', reason: 'status 500: <secret> <secret>' });
  expect(seen.authorization).toBe(`Basic ${encoded}`);
  writeFileSync(file, 'two\nlines');
  const broken = await once1(bearer);
  expect(broken).toMatchObject({ kind: 'failed' });
  expect(JSON.stringify(broken)).not.toContain('two');
});

test('createSend() keeps to a wish of the receiver, not to a foolish one', async () => {
  answer = { status: 429, text: '', headers: { 'retry-after': '7' } };
  expect(await once1(createSend({ url }, '1'))).toMatchObject({ kind: 'failed', after: 7 });
  answer = { status: 503, text: '', headers: { 'retry-after': '86400' } };
  expect(await once1(createSend({ url }, '1'))).toMatchObject({ kind: 'failed', after: 300 });
});

test('createSend() takes an unreachable receiver and a missing file for failures, without the query of the URL', async () => {
  server.close();
  await once(server, 'close');
  const refused = await once1(createSend({ url }, '1'));
  expect(refused).toMatchObject({
    kind: 'failed',
    reason: expect.stringContaining('ECONNREFUSED') as string,
  });
  expect(JSON.stringify(refused)).not.toContain('hush');
  const gone = join(folder, 'gone');
  expect(await once1(createSend({ url, bearer_token_file: gone }, '1'))).toMatchObject({
    kind: 'failed',
    reason: expect.stringContaining('ENOENT') as string,
  });
});
