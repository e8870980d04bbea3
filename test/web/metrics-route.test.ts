/** Metrics are sent while they are written: what that means for whoever scrapes. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, expect, test } from 'vitest';
import { defined } from '../../src/defined.js';
import { createBaseApp, finishApp } from '../../src/web/base-app.js';
import { metricsRoute } from '../../src/web/metrics-route.js';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** Serves what `pieces` writes; `errors` are what the site was told of, `told` settles with the first of them. */
async function serve(pieces: () => AsyncGenerator<string, void>, longestPause?: number) {
  const errors: unknown[] = [];
  const { open: tell, opened: told } = gate();
  const app = createBaseApp({ name: 'test', ready: () => true, ...defined({ longestPause }) });
  app.get('/metrics', metricsRoute({ pieces, contentType: 'text/plain; version=0.0.4' }));
  const server = finishApp(app, (error) => {
    errors.push(error);
    tell();
  }).listen(0, '127.0.0.1');
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`, errors, told };
}

async function ask(url: string, headers: Record<string, string> = {}, method = 'GET') {
  const request = get(url, { headers, method });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

async function bodyOf(response: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** A promise and its end. */
function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

test('the first piece arrives before the last one is written', async () => {
  const { open, opened } = gate();
  const { url } = await serve(async function* () {
    yield 'first 1\n';
    await opened;
    yield 'last 2\n';
  });
  const response = await ask(url);
  const [chunk] = (await once(response, 'data')) as [Buffer];
  expect(chunk.toString()).toBe('first 1\n');
  open();
  expect((await bodyOf(response)).toString()).toBe('last 2\n');
});

test('the pieces make the same text, compressed or not; a HEAD has none', async () => {
  const { url, errors } = await serve(async function* () {
    for (let index = 0; index < 20; index++) yield await Promise.resolve(`é${'x'.repeat(9000)} ${index}\n`);
  });
  const plain = await bodyOf(await ask(url));
  const packed = await ask(url, { 'accept-encoding': 'gzip' });
  expect(packed.headers['content-encoding']).toBe('gzip');
  expect(gunzipSync(await bodyOf(packed)).equals(plain)).toBe(true);
  expect(plain.toString().split('\n')).toHaveLength(21);
  const head = await ask(url, {}, 'HEAD');
  expect(head.statusCode).toBe(200);
  expect(await bodyOf(head)).toHaveLength(0);
  expect(errors).toEqual([]);
});

test('a failure before the first piece is a 500', async () => {
  const { url, errors } = await serve(async function* () {
    await Promise.reject(new Error('nothing to read'));
    yield '';
  });
  const response = await ask(url, { 'accept-encoding': 'gzip' });
  expect(response.statusCode).toBe(500);
  expect((await bodyOf(response)).toString()).toBe('500 internal error\n');
  expect(errors).toEqual([new Error('nothing to read')]);
});

test.each([{}, { 'accept-encoding': 'gzip' }])(
  'a failure in the middle ends the connection: half a scrape is no scrape (%o)',
  async (headers) => {
    const { url, errors, told } = await serve(async function* () {
      yield 'first 1\n';
      await new Promise((resolve) => setTimeout(resolve, 20));
      throw new Error('lost');
    });
    await expect(ask(url, headers).then(bodyOf)).rejects.toThrow();
    // The client may see the end of its connection before the site is told why.
    await told;
    expect(errors).toEqual([new Error('lost')]);
  },
);

test('a scraper that leaves in the middle is no error, and what is left is not written', async () => {
  const { open, opened } = gate();
  const ended = gate();
  const { url, errors } = await serve(async function* () {
    try {
      yield 'first 1\n';
      await opened;
      for (;;) yield await Promise.resolve('x'.repeat(65_536));
    } finally {
      ended.open();
    }
  });
  const response = await ask(url);
  await once(response, 'data');
  response.on('error', () => undefined).destroy();
  open();
  await ended.opened;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(errors).toEqual([]);
});

test.each([{}, { 'accept-encoding': 'gzip' }])(
  'a scraper that stops reading is let go of (%o)',
  async (headers) => {
    const ended = gate();
    const { url, errors } = await serve(async function* () {
      try {
        for (;;) yield await Promise.resolve(randomBytes(32_768).toString('hex'));
      } finally {
        ended.open();
      }
    }, 0.2);
    const response = await ask(url, headers);
    response.on('error', () => undefined);
    await ended.opened;
    expect(errors).toEqual([]);
  },
);

test('a scraper that pauses for less goes on', async () => {
  const { url } = await serve(async function* () {
    for (let index = 0; index < 100; index++) yield await Promise.resolve('x'.repeat(65_536));
  }, 30);
  const response = await ask(url);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await bodyOf(response)).toHaveLength(100 * 65_536);
});
