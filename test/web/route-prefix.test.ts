import { createServer, get, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createResponderApp } from '../../src/web/responder-site.js';
import { startWebServer, type WebServer } from '../../src/web/server.js';

const closers: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

async function serve(externalHost?: string): Promise<WebServer> {
  const registry = { metrics: () => Promise.resolve('up 1\n'), contentType: 'text/plain' };
  const server = await startWebServer({
    app: createResponderApp({ registry, ready: () => true, version: '1.2.3' }),
    listen: [{ host: '127.0.0.1', port: 0 }],
    hosts: { externalHost: () => externalHost },
    routePrefix: '/nat-idle',
  });
  closers.push(() => server.close());
  return server;
}

test('everything lies below the prefix, and the links of the pages stay below it', async () => {
  const url = (await serve()).urls[0] ?? '';
  expect(await (await fetch(`${url}/nat-idle/metrics`)).text()).toBe('up 1\n');
  const first = await fetch(`${url}/nat-idle`);
  expect([first.status, first.url]).toEqual([200, `${url}/nat-idle/`]);
  const links = [...(await first.text()).matchAll(/ href="([^"]+)"/g)].map(([, link = '']) => link);
  expect(links).toContain('runbook');
  for (const link of links) expect((await fetch(new URL(link, first.url))).status, link).toBe(200);
});

test('outside of the prefix there are only the health and the way to the first page', async () => {
  const url = (await serve()).urls[0] ?? '';
  expect((await fetch(`${url}/-/healthy`)).status).toBe(200);
  expect((await fetch(`${url}/nat-idle/-/healthy`)).status).toBe(200);
  expect((await fetch(`${url}/`)).url).toBe(`${url}/nat-idle/`);
  for (const path of ['/metrics', '/runbook', '/nat-idler/metrics', '/nat-idle/nat-idle/metrics'])
    expect((await fetch(`${url}${path}`)).status, path).toBe(404);
});

/** A reverse proxy that keeps path and Host, as the browser sent them. */
async function proxy(to: string): Promise<string> {
  const server: Server = createServer((request, response) => {
    get(`${to}${request.url ?? ''}`, { headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closers.push(() => new Promise((done) => server.close(done)));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('behind a proxy it answers under the host of its external address, and under no other', async () => {
  const statusAs = async (host: string): Promise<number | undefined> => {
    const to = await proxy((await serve('mon.example.com')).urls[0] ?? '');
    return new Promise((done) => {
      get(`${to}/nat-idle/`, { headers: { host } }, (answer) => {
        answer.resume();
        done(answer.statusCode);
      });
    });
  };
  expect(await statusAs('mon.example.com')).toBe(200);
  expect(await statusAs('evil.example.com')).toBe(421);
});
