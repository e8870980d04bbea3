/** What every site answers by itself. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createBaseApp, finishApp, PAGE_POLICY } from '../../src/web/base-app.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A site whose `/throws` throws `error`, and what it was heard to complain of. */
async function serve({ error, ready = true }: { readonly error?: unknown; readonly ready?: boolean } = {}) {
  const complaints: unknown[] = [];
  const app = createBaseApp({ name: 'test', ready: () => ready });
  app.get('/throws', () => {
    throw error;
  });
  app.get('/named/:name', (_request, response) => void response.end());
  app.get('/breaks', (_request, response) => {
    response.write('the first half');
    throw error;
  });
  const server = finishApp(app, (complaint) => complaints.push(complaint)).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`);
    return { status: response.status, text: await response.text(), headers: response.headers };
  };
  return { get, complaints };
}

test.each([
  [true, 200, 'test is ready.\n'],
  [false, 503, 'test is not ready.\n'],
])('/-/ready of a site whose readiness is %s answers %i', async (ready, status, text) => {
  const { get } = await serve({ ready });
  expect(await get('/-/ready')).toMatchObject({ status, text });
  expect(await get('/-/healthy')).toMatchObject({ status: 200, text: 'test is healthy.\n' });
});

test('a path that nobody serves and one that is malformed are the client’s fault, and nobody else hears of them', async () => {
  const { get, complaints } = await serve();
  expect(await get('/nowhere')).toMatchObject({ status: 404, text: '404 page not found\n' });
  expect(await get('/named/%E0%A4%A')).toMatchObject({ status: 400, text: '400 bad request\n' });
  expect(complaints).toEqual([]);
});

test.each([
  ['an error', new Error('secret')],
  ['a text', 'secret'],
  ['a status that is no client’s fault', { status: 399, message: 'secret' }],
  ['a status of a server', { status: 500, message: 'secret' }],
  ['a status that is no number', { status: '404', message: 'secret' }],
])(
  'a route that throws %s answers 500 without a word of it, and the program is told',
  async (_what, error) => {
    const { get, complaints } = await serve({ error });
    expect(await get('/throws')).toMatchObject({ status: 500, text: '500 internal error\n' });
    expect(complaints).toEqual([error]);
  },
);

test.each([400, 499])('a route that throws a status of %i answers with it', async (status) => {
  const { get, complaints } = await serve({ error: { status } });
  expect(await get('/throws')).toMatchObject({ status, text: `${status} bad request\n` });
  expect(complaints).toEqual([]);
});

test('an answer that breaks off half-way is cut, not finished', async () => {
  const error = new Error('broken');
  const { get, complaints } = await serve({ error });
  await expect(get('/breaks')).rejects.toThrow();
  expect(complaints).toEqual([error]);
});

test.each(['/-/healthy', '/-/ready', '/nowhere'])('%s carries the headers of a safe page', async (path) => {
  const { get } = await serve();
  const { headers } = await get(path);
  expect(Object.fromEntries(headers)).toMatchObject({
    'content-security-policy': PAGE_POLICY,
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'deny',
    'referrer-policy': 'no-referrer',
    'cross-origin-resource-policy': 'same-origin',
    'cache-control': 'no-store',
  });
  for (const absent of ['x-powered-by', 'etag']) expect(headers.has(absent)).toBe(false);
  expect(headers.get('content-type')).toMatch(/^text\/plain/);
});
