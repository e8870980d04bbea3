/** Who may stay at a site, with sockets that the test makes and moments that it chooses. */
import { EventEmitter } from 'node:events';
import { createServer, IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { beforeEach, describe, expect, it } from 'vitest';
import { SiteConnections } from '../../src/web/site-connections.js';

const SHARE = { connections: 4, perClient: 2, streams: 1, streamsPerClient: 1 };

let lastPort = 1000;
let writing = 0;

/** As much of a socket as is looked at. */
class FakeSocket extends EventEmitter {
  readonly remotePort = (lastPort += 1);
  readonly localPort = 15382;
  readonly localAddress = '192.0.2.1';
  readonly pending = false;
  readonly writableEnded = false;
  bytesWritten = 0;
  writableLength = 0;
  destroyed = false;
  wasReset = false;
  readonly remoteAddress: string | undefined;

  constructor(remoteAddress: string | undefined) {
    super();
    this.remoteAddress = remoteAddress;
  }

  destroy(): void {
    this.destroyed = true;
  }

  resetAndDestroy(): void {
    this.wasReset = true;
    this.destroyed = true;
  }
}

let site: SiteConnections;
let server: Server;
/** What the HTTP server got to see. */
let passed: FakeSocket[];

beforeEach(() => {
  site = new SiteConnections(SHARE);
  server = createServer();
  // What comes behind the guard is this test.
  server.removeAllListeners('connection');
  passed = [];
  server.on('connection', (socket: FakeSocket) => passed.push(socket));
  site.guard(server);
});

function arrive(address: string | undefined): FakeSocket {
  const socket = new FakeSocket(address);
  server.emit('connection', socket);
  return socket;
}

/** A request whose answer lasts until the function is called. */
function ask(socket: FakeSocket, { complete = true } = {}): () => void {
  const request = new IncomingMessage(socket as unknown as Socket);
  request.complete = complete;
  const response = new ServerResponse(request);
  const listener = site.noting(() => undefined);
  listener(request, response);
  return () => response.emit('close');
}

/** A request whose answer waits for the reader. */
function stall(socket: FakeSocket): void {
  ask(socket);
  socket.bytesWritten = 100;
  socket.writableLength = 100;
}

const ended = (...sockets: FakeSocket[]): boolean[] => sockets.map(({ destroyed }) => destroyed);

describe('a newcomer', () => {
  it('that has gone before its turn is counted, and nobody gets to see it', () => {
    const socket = arrive(undefined);
    expect(site.rejected.aborted).toBe(1);
    expect(socket.destroyed).toBe(true);
    expect({ open: site.open, passed }).toEqual({ open: 0, passed: [] });
  });

  it('takes the place of the one of its client that has asked nothing for longest', () => {
    const sockets = ['a', 'a', 'b', 'a'].map((client) => arrive(client));
    expect(ended(...sockets)).toEqual([true, false, false, false]);
    expect(sockets[0]?.wasReset).toBe(false);
    expect(site.rejected).toMatchObject({ evicted: 1, limit_client: 0, limit_total: 0 });
    expect(site.open).toBe(3);
    expect(passed).toHaveLength(4);
  });

  it('takes the place of one of the client that has most, where the site is full', () => {
    const sockets = ['a', 'b', 'b', 'c', 'd'].map((client) => arrive(client));
    expect(ended(...sockets)).toEqual([false, true, false, false, false]);
    expect(site.open).toBe(4);
  });

  it('is refused by a RST where all of its client are being answered, and not before', () => {
    for (const socket of [arrive('a'), arrive('a')]) ask(socket);
    const refused = arrive('a');
    expect(refused.wasReset).toBe(true);
    expect(site.rejected).toMatchObject({ limit_client: 1, limit_total: 0, evicted: 0 });
    expect({ open: site.open, passed: passed.length }).toEqual({ open: 2, passed: 2 });
    expect(arrive('b').destroyed).toBe(false);
  });

  it('is refused where all of the site are being answered, and not before', () => {
    for (const client of ['a', 'b', 'c']) ask(arrive(client));
    const last = arrive('d');
    expect(last.destroyed).toBe(false);
    ask(last);
    expect(arrive('e').wasReset).toBe(true);
    expect(site.rejected).toMatchObject({ limit_client: 0, limit_total: 1, evicted: 0 });
  });

  it('finds a place that somebody has left', () => {
    const leaving = arrive('a');
    ask(leaving);
    ask(arrive('a'));
    leaving.emit('close');
    leaving.emit('close');
    expect(site.open).toBe(1);
    expect(arrive('a').destroyed).toBe(false);
    expect(arrive('a').destroyed).toBe(false);
    expect(site.rejected.evicted).toBe(1);
  });

  it('takes the place of one that owes a part of its request, of its own client only where that is full', () => {
    const [other, own, answered] = [arrive('a'), arrive('b'), arrive('b')];
    for (const socket of [other, own]) ask(socket, { complete: false });
    ask(answered);
    expect(arrive('b').destroyed).toBe(false);
    expect(ended(other, own, answered)).toEqual([false, true, false]);
    expect(site.rejected.evicted).toBe(1);
  });
});

it.each([
  ['is let in', () => arrive('a')],
  ['has gone before its turn', () => arrive(undefined)],
  [
    'is refused',
    () => {
      for (const socket of [arrive('a'), arrive('a')]) ask(socket);
      return arrive('a');
    },
  ],
  [
    'gave way',
    () => {
      const [first] = [arrive('a'), arrive('a'), arrive('a')];
      return first;
    },
  ],
])('an error of one that %s is nothing to stumble over', (_what, one) => {
  const socket = one();
  expect(() => socket?.emit('error', new Error('ECONNRESET'))).not.toThrow();
});

describe('a connection that asks', () => {
  it('may be ended again once all of its answers have ended', () => {
    const [socket, second] = [arrive('a'), arrive('a')];
    const answers = [ask(socket), ask(socket)];
    ask(second);
    answers[0]?.();
    expect(arrive('a').wasReset).toBe(true);
    answers[1]?.();
    expect(arrive('a').destroyed).toBe(false);
    expect(socket.destroyed).toBe(true);
  });

  it('is not taken for one that lives when its answer ends after it', () => {
    const socket = arrive('a');
    const answer = ask(socket);
    socket.emit('close');
    answer();
    const [first] = [arrive('a'), arrive('a'), arrive('a')];
    expect(first?.destroyed).toBe(true);
    expect(site.rejected.evicted).toBe(1);
  });

  it('is nothing to stumble over where it was never let in', () => {
    expect(() => ask(new FakeSocket('a'))()).not.toThrow();
    expect(site.open).toBe(0);
  });

  it('on TLS is known by both of its ends', () => {
    const [raw, other] = [arrive('a'), arrive('a')];
    const secure = new FakeSocket('a');
    Object.assign(secure, { remotePort: raw.remotePort });
    server.emit('secureConnection', secure);
    ask(secure);
    arrive('a');
    expect(ended(raw, other)).toEqual([false, true]);
  });

  it.each(['remotePort', 'remoteAddress', 'localPort', 'localAddress'])(
    'on TLS is not mixed up with one of another %s',
    (end) => {
      const [raw, other] = [arrive('a'), arrive('a')];
      ask(other);
      const secure = new FakeSocket('a');
      Object.assign(secure, { remotePort: raw.remotePort, [end]: 'another' });
      server.emit('secureConnection', secure);
      ask(secure);
      arrive('a');
      expect(ended(raw, other)).toEqual([true, false]);
    },
  );
});

describe('a reader', () => {
  it.each([
    [9, true],
    [10, false],
  ])('whose answer has not moved for %i s keeps its place against newcomers: %s', (seconds, keeps) => {
    for (const socket of [arrive('a'), arrive('a')]) stall(socket);
    site.look(100);
    site.look(100 + seconds);
    expect(arrive('a').wasReset).toBe(keeps);
    expect(site.rejected.unread).toBe(keeps ? 0 : 1);
  });

  it('of another client does not give way to a newcomer whose own client is full', () => {
    const reader = arrive('b');
    stall(reader);
    for (const socket of [arrive('a'), arrive('a')]) ask(socket);
    site.look(100);
    site.look(130);
    expect(arrive('a').wasReset).toBe(true);
    expect(reader.destroyed).toBe(false);
  });

  it('whose answer has not moved for a minute is ended', () => {
    const reader = arrive('a');
    stall(reader);
    site.look(100);
    site.look(159);
    expect(reader.destroyed).toBe(false);
    site.look(160);
    expect(reader.destroyed).toBe(true);
    expect(site.rejected.unread).toBe(1);
    expect(site.open).toBe(0);
  });

  const moves: readonly (readonly [string, (socket: FakeSocket) => void])[] = [
    ['takes some of what waits', (socket) => (socket.writableLength -= 1)],
    ['takes some while as much is added', (socket) => (socket.bytesWritten += 1)],
    [
      'takes some of a piece that the kernel has begun',
      (socket) => Object.assign(socket, { _handle: { writeQueueSize: (writing += 1) } }),
    ],
    ['has nothing to take', (socket) => (socket.writableLength = 0)],
  ];
  it.each(moves)('that %s is not ended', (_what, move) => {
    const reader = arrive('a');
    stall(reader);
    for (let now = 100; now < 300; now += 20) {
      site.look(now);
      move(reader);
    }
    expect(reader.destroyed).toBe(false);
  });

  it('that was answered starts anew with its next question', () => {
    const reader = arrive('a');
    const answer = ask(reader);
    reader.bytesWritten = reader.writableLength = 100;
    site.look(100);
    answer();
    ask(reader);
    site.look(160);
    site.look(219);
    expect(reader.destroyed).toBe(false);
    site.look(220);
    expect(reader.destroyed).toBe(true);
  });

  it('on TLS is watched where HTTP is spoken', () => {
    const raw = arrive('a');
    const secure = new FakeSocket('a');
    Object.assign(secure, { remotePort: raw.remotePort, bytesWritten: 100, writableLength: 100 });
    server.emit('secureConnection', secure);
    ask(secure);
    site.look(100);
    site.look(160);
    expect(raw.destroyed).toBe(true);
  });
});

it('all that are left end together', () => {
  const sockets = [arrive('a'), arrive('b')];
  ask(sockets[0] as FakeSocket);
  site.destroyAll();
  expect(ended(...sockets)).toEqual([true, true]);
});
