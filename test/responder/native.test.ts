import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sameMac, tokenMac } from '../../src/net/token.js';
import { encodeClientMessage } from '../../src/wire/codec.js';
import { macInput } from '../../src/wire/proofs.js';
import type { Hello } from '../../src/wire/messages.js';
import { type Fixture, startFixture } from './fixture.js';
import { eventually } from '../support/sockets.js';
import { newHello, RawClient } from './raw-client.js';

const X = '0123456789abcdef';
const Y = 'fedcba9876543210';
const TOKEN = 'correct horse battery staple';

// A wait has its own deadline; this one is for a busy machine.
vi.setConfig({ testTimeout: 30_000 });

let far: Fixture;
afterEach(async () => {
  await far.close();
});

/** A control connection and a probe connection of one session. */
async function session(probe = 7): Promise<{ control: RawClient; probe: RawClient; hello: Hello }> {
  const hello = newHello('control');
  const control = await RawClient.open(far.port, hello);
  const connection = await RawClient.open(far.port, newHello('probe', { session: hello.session, probe }));
  return { control, probe: connection, hello };
}

describe('native responder without a token', () => {
  beforeEach(async () => {
    far = await startFixture({ conntrack: () => 432_000 });
  });

  it('answers hello with welcome, the nonce, the address it sees and its conntrack timeout', async () => {
    const hello = newHello('probe', { probe: 3 });
    const client = await RawClient.open(far.port, hello);
    expect(client.messages).toEqual([
      {
        kind: 'welcome',
        version: 1,
        nonce: hello.nonce,
        seen: `127.0.0.1:${client.socket.localPort}`,
        conntrack: 432_000,
        instance: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
      },
    ]);
  });

  it('accepts CR LF and a hello that arrives byte by byte', async () => {
    const client = await RawClient.connect(far.port);
    for (const byte of encodeClientMessage(newHello()).replace('\n', '\r\n')) client.write(byte);
    expect(await client.hear(1)).toMatchObject([{ kind: 'welcome' }]);
  });

  it.each(['control', 'check', 'probe'] as const)('answers ping on a %s connection', async (role) => {
    const client = await RawClient.open(far.port, newHello(role));
    client.say({ kind: 'ping', nonce: X });
    client.say({ kind: 'ping', nonce: Y });
    expect((await client.hear(3)).slice(1)).toEqual([
      { kind: 'pong', nonce: X },
      { kind: 'pong', nonce: Y },
    ]);
  });

  it('rings a probe when its control calls, and tells the caller that the answer was heard', async () => {
    const { control, probe } = await session(7);
    control.say({ kind: 'call', probe: 7, nonce: X });
    expect((await probe.hear(2))[1]).toEqual({ kind: 'ring', nonce: X });
    expect((await control.hear(2))[1]).toEqual({ kind: 'rung', probe: 7, nonce: X });
    probe.say({ kind: 'answer', nonce: X });
    expect((await control.hear(3))[2]).toEqual({ kind: 'heard', probe: 7, nonce: X });
  });

  it('tells heard only to the control connection that called', async () => {
    const { control, probe, hello } = await session(7);
    const other = await RawClient.open(far.port, { ...hello, nonce: '1'.repeat(32) });
    control.say({ kind: 'call', probe: 7, nonce: X });
    await probe.hear(2);
    probe.say({ kind: 'answer', nonce: X });
    await control.hear(3);
    other.say({ kind: 'ping', nonce: Y });
    expect((await other.hear(2))[1]).toEqual({ kind: 'pong', nonce: Y });
  });

  it('lets a new call take the place of the one before and ignores an answer to the old one', async () => {
    const { control, probe } = await session(7);
    control.say({ kind: 'call', probe: 7, nonce: X });
    control.say({ kind: 'call', probe: 7, nonce: Y });
    await probe.hear(3);
    probe.say({ kind: 'answer', nonce: X });
    probe.say({ kind: 'answer', nonce: Y });
    probe.say({ kind: 'answer', nonce: Y });
    probe.say({ kind: 'ping', nonce: X });
    await probe.hear(4);
    expect((await control.hear(4))[3]).toEqual({ kind: 'heard', probe: 7, nonce: Y });
    expect(control.messages).toHaveLength(4);
  });

  it('knows no probes of another session, and keeps the connection', async () => {
    await session(7);
    const stranger = await RawClient.open(far.port);
    stranger.say({ kind: 'call', probe: 7, nonce: X });
    stranger.say({ kind: 'ping', nonce: Y });
    expect((await stranger.hear(3)).slice(1)).toEqual([
      { kind: 'error', code: 'unknown_probe', probe: 7 },
      { kind: 'pong', nonce: Y },
    ]);
    expect(far.metrics.counts.rejected.unknown_probe).toBe(1);
  });

  it('turns down a probe number that is in use and leaves its owner undisturbed', async () => {
    const { control, probe, hello } = await session(7);
    const thief = await RawClient.connect(far.port);
    thief.say(newHello('probe', { session: hello.session, probe: 7 }));
    expect(await thief.hearToTheEnd()).toEqual(['duplicate_probe']);
    control.say({ kind: 'call', probe: 7, nonce: X });
    expect((await probe.hear(2))[1]).toEqual({ kind: 'ring', nonce: X });
    expect(control.messages.some(({ kind }) => kind === 'gone')).toBe(false);
  });

  it('tells every control of the session how a probe ended', async () => {
    const { control, probe, hello } = await session(7);
    const second = await RawClient.open(far.port, { ...hello, nonce: '2'.repeat(32) });
    const stranger = await RawClient.open(far.port);
    probe.socket.resetAndDestroy();
    expect((await control.hear(2))[1]).toEqual({ kind: 'gone', probe: 7, cause: 'reset' });
    expect((await second.hear(2))[1]).toEqual({ kind: 'gone', probe: 7, cause: 'reset' });
    const next = await RawClient.open(far.port, newHello('probe', { session: hello.session, probe: 8 }));
    next.socket.end();
    expect((await control.hear(3))[2]).toEqual({ kind: 'gone', probe: 8, cause: 'closed' });
    expect(stranger.messages).toHaveLength(1);
  });

  it('drops a probe on request, at once and without a word', async () => {
    const { control, probe, hello } = await session(7);
    control.say({ kind: 'drop', probe: 7 });
    control.say({ kind: 'drop', probe: 7 });
    await probe.hearToTheEnd();
    expect(probe.errorCode).toBe('ECONNRESET');
    expect(far.metrics.counts.open.probe).toBe(0);
    const again = await RawClient.open(far.port, newHello('probe', { session: hello.session, probe: 7 }));
    expect(again.messages).toMatchObject([{ kind: 'welcome' }]);
    control.say({ kind: 'ping', nonce: X });
    expect((await control.hear(2))[1]).toEqual({ kind: 'pong', nonce: X });
  });

  it.each([
    ['control', { kind: 'answer', nonce: X }],
    ['probe', { kind: 'call', probe: 0, nonce: X }],
    ['probe', { kind: 'drop', probe: 0 }],
    ['check', { kind: 'call', probe: 0, nonce: X }],
    ['check', { kind: 'drop', probe: 0 }],
    ['check', { kind: 'answer', nonce: X }],
    ['check', { kind: 'auth', mac: 'a'.repeat(64) }],
    ['control', { kind: 'announce', mac: 'a'.repeat(64), address: '192.0.2.1:15382' }],
    ['probe', { kind: 'announce', mac: 'a'.repeat(64), address: '192.0.2.1:15382' }],
    ['control', newHello()],
  ] as const)('ends a %s connection that says %j', async (role, message) => {
    const client = await RawClient.open(far.port, newHello(role));
    client.say(message);
    expect(await client.hearToTheEnd()).toEqual(['welcome', 'syntax']);
  });

  it('ends what speaks another version and says so', async () => {
    const client = await RawClient.connect(far.port);
    client.write(`${'HELLO v=2 pad='.padEnd(255, '0')}\n`);
    expect(await client.hearToTheEnd()).toEqual(['version']);
    expect(client.messages[0]).toMatchObject({ detail: 'version 2, this side speaks 1' });
  });

  it('counts what was reset before its turn to be accepted had come', async () => {
    // This process, and the responder in it, stands still until all of them are over.
    const abort = `
import socket, struct, sys
for _ in range(20):
    connection = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    connection.close()
`;
    expect(spawnSync('python3', ['-c', abort, String(far.port)]).status).toBe(0);
    await eventually(() => far.metrics.counts.rejected.aborted === 20, 'all are counted');
    expect(far.metrics.counts.opened.pending).toBe(0);
  });

  it('has keepalive off on its side of every connection', async () => {
    const client = await RawClient.open(far.port, newHello('probe'));
    const local = far.port.toString(16).toUpperCase().padStart(4, '0');
    const remote = (client.socket.localPort ?? 0).toString(16).toUpperCase().padStart(4, '0');
    const row = readFileSync('/proc/net/tcp', 'latin1')
      .split('\n')
      .find((line) => line.includes(`0100007F:${local} 0100007F:${remote}`));
    // Field `tr` is the running timer: 00 none, 02 keepalive.
    expect(row?.trim().split(/\s+/)[5]?.slice(0, 2)).toBe('00');
  });

  it('reaps a silent control after an hour and a probe of its session another hour later', async () => {
    const { control, probe } = await session(7);
    far.advance(3599);
    probe.say({ kind: 'ping', nonce: X });
    await probe.hear(2);
    far.advance(1);
    expect(await control.hearToTheEnd()).toEqual(['welcome', 'timeout']);
    far.advance(3599);
    probe.say({ kind: 'ping', nonce: Y });
    await probe.hear(3);
    far.advance(3600);
    expect(await probe.hearToTheEnd()).toEqual(['welcome', 'pong', 'pong', 'timeout']);
    expect(far.metrics.counts.rejected.timeout).toBe(2);
  });

  it('keeps a probe idle for 26 hours while its session has a living control', async () => {
    const { control, probe } = await session(7);
    for (let half = 0; half < 51; half += 1) {
      far.advance(1800);
      control.say({ kind: 'ping', nonce: X });
      await control.hear(half + 2);
    }
    expect(probe.closed).toBe(false);
    far.advance(1800);
    expect(await probe.hearToTheEnd()).toEqual(['welcome', 'timeout']);
    expect(control.messages.at(-1)).toEqual({ kind: 'gone', probe: 7, cause: 'timed_out' });
  });

  it('forgets a session with its last connection', async () => {
    const { control, probe, hello } = await session(7);
    probe.destroy();
    control.destroy();
    await eventually(() => far.metrics.counts.open.control === 0, 'the control has gone');
    const again = await RawClient.open(far.port, hello);
    again.say({ kind: 'call', probe: 7, nonce: X });
    expect((await again.hear(2))[1]).toMatchObject({ kind: 'error', code: 'unknown_probe' });
  });

  it('tells everybody that it is stopped, within 2 s even if nobody reads', async () => {
    const { control } = await session(7);
    const deaf = await RawClient.open(far.port);
    deaf.socket.pause();
    const start = performance.now();
    await far.close();
    expect(performance.now() - start).toBeLessThan(2000);
    expect(await control.hearToTheEnd()).toEqual(['welcome', 'shutting_down']);
    deaf.destroy();
    expect(Object.values(far.metrics.counts.open).every((open) => open === 0)).toBe(true);
  });
});

describe('native responder with a token', () => {
  beforeEach(async () => {
    far = await startFixture({ token: TOKEN });
  });

  it('proves the token to the client that has proven it', async () => {
    const hello = newHello('probe', { probe: 1 });
    const client = await RawClient.open(far.port, hello);
    const [challenge] = client.messages;
    if (challenge?.kind !== 'challenge') throw new Error('no challenge');
    client.say({ kind: 'auth', mac: tokenMac(TOKEN, macInput('client', hello, challenge.nonce)) });
    const welcome = (await client.hear(2))[1];
    if (welcome?.kind !== 'welcome') throw new Error('no welcome');
    const expected = tokenMac(TOKEN, macInput('responder', hello, challenge.nonce, welcome));
    expect(sameMac(welcome.mac ?? '', expected)).toBe(true);
    client.say({ kind: 'ping', nonce: X });
    expect((await client.hear(3))[2]).toEqual({ kind: 'pong', nonce: X });
  });

  it('serves several connections of one session that prove the token each', async () => {
    const hello = newHello('control');
    const opened: RawClient[] = [];
    for (const next of [hello, newHello('probe', { session: hello.session, probe: 5 })]) {
      const client = await RawClient.open(far.port, next);
      const nonce = client.messages[0]?.kind === 'challenge' ? client.messages[0].nonce : '';
      client.say({ kind: 'auth', mac: tokenMac(TOKEN, macInput('client', next, nonce)) });
      await client.hear(2);
      opened.push(client);
    }
    opened[0]?.say({ kind: 'call', probe: 5, nonce: X });
    expect((await opened[1]?.hear(3))?.[2]).toEqual({ kind: 'ring', nonce: X });
  });
});
