import { spawn } from 'node:child_process';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { getEventListeners, once, setMaxListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import type { LinkEnd } from '../../src/net/errors.js';
import { ConnectError, type Link, linkDescriptors, openLink } from '../../src/net/link.js';
import { isAcknowledged, unansweredProbes } from '../../src/net/tcp-table.js';
import { eventually } from '../support/sockets.js';

const signal = new AbortController().signal;
// As that of a path, to which each connection that is being opened listens.
setMaxListeners(0, signal);
const open: { close(): void }[] = [];

afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

async function serve(host: string, onSocket: (socket: Socket) => void = () => undefined): Promise<Server> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  open.push({
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function connect(address: string, server: Server): Promise<Link> {
  const link = await openLink({ address, port: portOf(server) }, 2, signal);
  open.push({ close: () => link.destroy() });
  return link;
}

function ended(link: Link): Promise<string> {
  return new Promise((resolve) => {
    link.own({ data: () => undefined, ended: (end) => resolve(end.kind) });
    link.write('x');
  });
}

describe('openLink', () => {
  it('tells a refused connection from other failures', async () => {
    const server = await serve('127.0.0.1');
    const port = portOf(server);
    server.close();
    const failure = await openLink({ address: '127.0.0.1', port }, 2, signal).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(ConnectError);
    expect((failure as ConnectError).end.kind).toBe('refused');
    expect((failure as ConnectError).message).toBe(`cannot connect to 127.0.0.1:${port}: connection refused`);
  });

  it('binds to the local address that it is given', async () => {
    const server = await serve('127.0.0.1');
    const link = await openLink(
      { address: '127.0.0.1', port: portOf(server), localAddress: '127.0.0.7' },
      2,
      signal,
    );
    expect(link.localAddress).toBe('127.0.0.7');
    link.destroy();
  });

  it('gives up at its deadline where nobody answers, and says how long it has waited', async () => {
    // A program that stands still: once its queue is full the kernel answers nobody any more.
    const program = `require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () {
      console.log(this.address().port);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    })`;
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    open.push({ close: () => child.kill('SIGKILL') });
    const port = Number((await once(child.stdout, 'data')).toString());
    for (let each = 0; each < 4; each++) {
      const queued = createConnection(port, '127.0.0.1').on('error', () => undefined);
      open.push({ close: () => queued.destroy() });
    }
    const failure = await openLink({ address: '127.0.0.1', port }, 0.3, signal).catch(
      (error: unknown) => error,
    );
    expect((failure as ConnectError).end).toEqual({ kind: 'silence', detail: 'no answer within 0.3 s' });
  });

  it('gives up when it is called off', async () => {
    const off = new AbortController();
    off.abort();
    await expect(openLink({ address: '127.0.0.1', port: 9 }, 2, off.signal)).rejects.toThrow('called off');
  });
});

describe('openLink, once it is over,', () => {
  it('is no more concerned by its signal', async () => {
    const off = new AbortController();
    const server = await serve('127.0.0.1');
    const link = await openLink({ address: '127.0.0.1', port: portOf(server) }, 2, off.signal);
    open.push({ close: () => link.destroy() });
    off.abort();
    await new Promise((resolve) => setImmediate(resolve));
    expect(link.end).toBeUndefined();
    expect(getEventListeners(off.signal, 'abort')).toEqual([]);
  });

  it('leaves nothing at its signal where it failed', async () => {
    const off = new AbortController();
    const server = await serve('127.0.0.1');
    const port = portOf(server);
    server.close();
    await expect(openLink({ address: '127.0.0.1', port }, 2, off.signal)).rejects.toThrow(ConnectError);
    expect(getEventListeners(off.signal, 'abort')).toEqual([]);
  });

  it('holds a descriptor from its beginning until the connection has closed, and none where it failed', async () => {
    await eventually(() => linkDescriptors() === 0, 'those of other tests have closed');
    const server = await serve('127.0.0.1');
    const opening = openLink({ address: '127.0.0.1', port: portOf(server) }, 2, signal);
    expect(linkDescriptors()).toBe(1);
    const link = await opening;
    expect(linkDescriptors()).toBe(1);
    link.destroy();
    await eventually(() => linkDescriptors() === 0, 'it has closed');
    const off = new AbortController();
    const failing = openLink({ address: '127.0.0.1', port: portOf(server) }, 2, off.signal);
    off.abort();
    await expect(failing).rejects.toThrow('called off');
    await eventually(() => linkDescriptors() === 0, 'it has closed');
  });
});

describe('Link', () => {
  it('knows both of its ends', async () => {
    const server = await serve('127.0.0.1');
    const link = await connect('127.0.0.1', server);
    expect(link).toMatchObject({
      localAddress: '127.0.0.1',
      remoteAddress: '127.0.0.1',
      remotePort: portOf(server),
      local: `127.0.0.1:${link.localPort}`,
      remote: `127.0.0.1:${portOf(server)}`,
      end: undefined,
    });
    expect(link.localPort).toBeGreaterThan(0);
    const six = await connect('::1', await serve('::1'));
    expect(six.local).toBe(`[::1]:${six.localPort}`);
  });

  it('that we close says so to a later owner, and tells the one it had nothing', async () => {
    const link = await connect('127.0.0.1', await serve('127.0.0.1'));
    const told: string[] = [];
    const owner = (name: string) => ({
      data: () => undefined,
      ended: ({ kind, detail }: LinkEnd) => void told.push(`${name}: ${kind}, ${detail}`),
    });
    link.own(owner('first'));
    link.destroy();
    await eventually(() => linkDescriptors() === 0, 'it has closed');
    expect(told).toEqual([]);
    link.own(owner('second'));
    link.write('nothing');
    link.destroy();
    expect(told).toEqual(['second: closed, closed by us']);
  });

  it('keeps the first word on how it ended', async () => {
    const server = await serve('127.0.0.1', (socket) => socket.once('data', () => socket.end()));
    const link = await connect('127.0.0.1', server);
    const told: LinkEnd[] = [];
    await new Promise<void>((resolve) => {
      link.own({
        data: () => undefined,
        ended: (end) => {
          told.push(end);
          resolve();
        },
      });
      link.write('x');
    });
    link.destroy();
    await eventually(() => linkDescriptors() === 0, 'it has closed');
    expect(told).toEqual([{ kind: 'closed', detail: 'closed by the far end' }]);
    expect(link.end).toEqual(told[0]);
  });

  it('reports a RST as reset', async () => {
    const server = await serve('127.0.0.1', (socket) => socket.once('data', () => socket.resetAndDestroy()));
    await expect(ended(await connect('127.0.0.1', server))).resolves.toBe('reset');
  });

  it('reports a FIN as closed', async () => {
    const server = await serve('127.0.0.1', (socket) => socket.once('data', () => socket.end()));
    await expect(ended(await connect('127.0.0.1', server))).resolves.toBe('closed');
  });

  it('tells a late owner of an end that it missed', async () => {
    const server = await serve('127.0.0.1', (socket) => socket.once('data', () => socket.resetAndDestroy()));
    const link = await connect('127.0.0.1', server);
    await ended(link);
    await expect(ended(link)).resolves.toBe('reset');
  });
});

describe('a link', () => {
  it('sends each small write at once, also while the one before is not acknowledged', async () => {
    // Answered at once and then silent: the kernel of the far end keeps its acknowledgement back for 40 ms and more.
    const server = await serve('127.0.0.1', (socket) => {
      let first = 0;
      socket.setNoDelay(true).on('data', (chunk: Buffer) => {
        for (const byte of chunk.toString('latin1')) {
          if (byte === '1') first = performance.now();
          if (byte === '2') socket.write(`${String(performance.now() - first)}\n`);
        }
      });
    });
    const link = await connect('127.0.0.1', server);
    const gaps: number[] = [];
    while (gaps.length < 12) {
      const answer = new Promise<string>((resolve) => {
        link.own({ data: (chunk) => resolve(chunk.toString('latin1')), ended: (end) => resolve(end.detail) });
      });
      link.write('1');
      await new Promise((resolve) => setImmediate(resolve));
      link.write('2');
      gaps.push(Number(await answer));
    }
    // The smallest of several: a busy machine may hold up some, Nagle's algorithm would hold up all but the first.
    expect(Math.min(...gaps.slice(2))).toBeLessThan(20);
  });

  it('hands over what arrives, in its order, also when many links read at once', async () => {
    const server = await serve('127.0.0.1', (socket) => socket.pipe(socket));
    const texts = Array.from({ length: 50 }, (_, index) => `${index}:`.repeat(3000));
    const heard = await Promise.all(
      texts.map(async (text) => {
        const link = await connect('127.0.0.1', server);
        return new Promise<string>((resolve) => {
          let all = '';
          link.own({
            data: (chunk) => {
              all += chunk.toString('latin1');
              if (all.length >= text.length) resolve(all);
            },
            ended: (end) => resolve(end.detail),
          });
          link.write(text);
        });
      }),
    );
    expect(heard).toEqual(texts);
  });
});

/** The column of the kernel's table that tells a connection's running timer: 00 none, 01 repetition, 02 keepalive. */
function timerOf({ localPort, remotePort }: Link, table: string): string | undefined {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
  const name = new RegExp(`:${hex(localPort)} [0-9A-F]+:${hex(remotePort)} `);
  const row = readFileSync(table, 'latin1')
    .split('\n')
    .find((line) => name.test(line));
  return row?.trim().split(/\s+/)[5]?.slice(0, 2);
}

describe.runIf(process.platform === 'linux').each([
  ['127.0.0.1', '/proc/self/net/tcp'],
  ['::1', '/proc/self/net/tcp6'],
])('the keepalive of a link to %s', (host, table) => {
  it('is off from the start, or the kernel itself would refresh the mapping after two hours', async () => {
    const link = await connect(host, await serve(host));
    expect(timerOf(link, table)).toBe('00');
  });

  it('is on while it was switched on, and off again afterwards', async () => {
    const link = await connect(host, await serve(host));
    link.setKeepAlive(true);
    expect(timerOf(link, table)).toBe('02');
    link.setKeepAlive(false);
    expect(timerOf(link, table)).toBe('00');
  });
});

describe.runIf(process.platform === 'linux')('unansweredProbes', () => {
  it.each(['127.0.0.1', '::1'])(
    'finds the connection to %s in the kernel table and counts nothing while it idles',
    async (host) => {
      const link = await connect(host, await serve(host));
      expect(await unansweredProbes(link)).toBe(0);
    },
  );

  it('says that a connection is gone that the kernel does not know', async () => {
    const link = await connect('127.0.0.1', await serve('127.0.0.1'));
    expect(await unansweredProbes({ ...addressesOf(link), localPort: 1 })).toBe('gone');
  });

  it('answers for many connections at once, those on the same local port among them', async () => {
    const server = await serve('127.0.0.1');
    const links: Link[] = [];
    // More than one buffer of the table; two sources may get the same port.
    for (let source = 1; source <= 40; source++)
      for (let each = 0; each < 10; each++)
        links.push(
          await openLink(
            { address: '127.0.0.1', port: portOf(server), localAddress: `127.0.9.${source}` },
            2,
            signal,
          ),
        );
    for (const link of links) open.push({ close: () => link.destroy() });
    const strange = links.slice(0, 5).map((link) => ({ ...addressesOf(link), remotePort: 1 }));
    const answers = await Promise.all([...links, ...strange].map((name) => unansweredProbes(name)));
    expect(answers).toEqual([...links.map(() => 0), ...strange.map(() => 'gone')]);
  });
});

describe.runIf(process.platform === 'linux').each(['127.0.0.1', '::1'])('what was written to %s', (host) => {
  it('is acknowledged by a kernel whose program reads nothing, as far as it has room', async () => {
    const link = await connect(host, await serve(host));
    expect(await link.isAcknowledged()).toBe(true);
    link.write('?');
    // An acknowledgement may be kept back for as long as that.
    await new Promise((resolve) => setTimeout(resolve, 250));
    expect(await link.isAcknowledged()).toBe(true);
    link.write(Buffer.alloc(30_000_000));
    expect([await link.isAcknowledged(), await isAcknowledged(link)]).toEqual([false, false]);
    expect(await isAcknowledged({ ...addressesOf(link), localPort: 1 })).toBe(undefined);
  });
});

function addressesOf(link: Link) {
  const { localAddress, localPort, remoteAddress, remotePort } = link;
  return { localAddress, localPort, remoteAddress, remotePort };
}

describe('ConnectError', () => {
  it('puts brackets around an IPv6 address', () => {
    const end = { kind: 'refused', detail: 'refused' } as const;
    const messages = ['192.0.2.1', '2001:db8::1'].map(
      (address) => new ConnectError({ address, port: 80 }, end).message,
    );
    expect(messages).toEqual([
      'cannot connect to 192.0.2.1:80: refused',
      'cannot connect to [2001:db8::1]:80: refused',
    ]);
  });
});
