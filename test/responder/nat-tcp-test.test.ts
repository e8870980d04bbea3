import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { decodeSleepRequest } from '../../src/wire/nat-tcp-test-messages.js';
import { type Fixture, startFixture } from './fixture.js';
import { eventually } from '../support/sockets.js';

// A wait has its own deadline; this one is for a busy machine.
vi.setConfig({ testTimeout: 30_000 });

let far: Fixture;
const sockets: Socket[] = [];
beforeEach(async () => {
  far = await startFixture({ limits: { maxConnectionsPerClient: 200 } });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await far.close();
});

interface Exchange {
  readonly answer: string;
  /** Seconds from the request to the answer's first byte; undefined without an answer. */
  readonly waited: number | undefined;
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => resolve(socket));
    // A later error shows as a close without an answer.
    socket.on('error', reject);
    sockets.push(socket);
  });
}

/** Sends the request and reads until the server closes. */
function exchange(socket: Socket, request: string | Buffer): Promise<Exchange> {
  return new Promise((resolve) => {
    const start = performance.now();
    let answer = '';
    let waited: number | undefined;
    socket.on('data', (chunk: Buffer) => {
      waited ??= (performance.now() - start) / 1000;
      answer += chunk.toString('latin1');
    });
    socket.on('close', () => resolve({ answer, waited }));
    if (request !== '') socket.write(request);
  });
}

const ask = async (port: number, request: string | Buffer) => exchange(await open(port), request);

describe('legacy echo', () => {
  it('writes the request back and closes', async () => {
    expect((await ask(far.echoPort, 'hello\n')).answer).toBe('hello\n');
  });

  it('writes back arbitrary bytes, at most 64 of them', async () => {
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, index) => 255 - index));
    expect((await ask(far.echoPort, bytes)).answer).toBe(bytes.toString('latin1', 0, 64));
  });

  it('serves 130 clients that were silent for 25 hours', async () => {
    const silent = await Promise.all(Array.from({ length: 130 }, () => open(far.echoPort)));
    await eventually(() => far.metrics.counts.open.legacy_echo === 130, 'all are accepted');
    far.advance(25 * 3600);
    const answers = await Promise.all(silent.map((socket, index) => exchange(socket, `ping ${index}`)));
    expect(answers.map(({ answer }) => answer)).toEqual(silent.map((_, index) => `ping ${index}`));
    expect(far.metrics.counts.open.legacy_echo).toBe(0);
  });

  it('reaps a client that was silent for 26 hours', async () => {
    const silent = exchange(await open(far.echoPort), '');
    await eventually(() => far.metrics.counts.open.legacy_echo === 1, 'it is accepted');
    far.advance(26 * 3600 - 1);
    const young = exchange(await open(far.echoPort), '');
    await eventually(() => far.metrics.counts.open.legacy_echo === 2, 'another one is accepted');
    far.advance(1);
    expect(await silent).toEqual({ answer: '', waited: undefined });
    expect(far.metrics.counts).toMatchObject({ rejected: { timeout: 1 }, open: { legacy_echo: 1 } });
    await far.close();
    await young;
  });
});

describe('legacy sleep', () => {
  it.each(['0', '0\n', '0\r\n', '00'])('writes %j back at once', async (request) => {
    const { answer, waited } = await ask(far.sleepPort, request);
    expect(answer).toBe(request);
    expect(waited).toBeLessThan(0.9);
  });

  it('writes the very bytes back after the seconds asked for', async () => {
    const { answer, waited } = await ask(far.sleepPort, '1\n');
    expect(answer).toBe('1\n');
    expect(waited).toBeGreaterThanOrEqual(0.999);
    expect(waited).toBeLessThan(2);
  });

  it.each(['', 'x', '-1', '1.5', '86401', '1 ', '1\n\n', '\n', '9'.repeat(65)])(
    'decodeSleepRequest(%j) is none',
    (request) => {
      expect(decodeSleepRequest(request)).toBeUndefined();
    },
  );

  it('decodeSleepRequest() takes whole seconds up to a day', () => {
    expect(['0', '7200', '86400\n'].map(decodeSleepRequest)).toEqual([0, 7200, 86_400]);
  });

  it('closes without an answer on anything else, and counts it', async () => {
    expect(await ask(far.sleepPort, 'GET / HTTP/1.0\r\n\r\n')).toEqual({ answer: '', waited: undefined });
    expect(far.metrics.counts.rejected.request).toBe(1);
  });

  it('forgets a sleeper that has left', async () => {
    const socket = await open(far.sleepPort);
    socket.write('86400');
    await eventually(() => far.metrics.counts.open.legacy_sleep === 1, 'it is accepted');
    socket.end();
    await eventually(() => far.metrics.counts.open.legacy_sleep === 0, 'it is forgotten');
  });

  it('ends at shutdown with a sleeper waiting', async () => {
    const socket = await open(far.sleepPort);
    const asleep = exchange(socket, '86400');
    await eventually(() => far.metrics.counts.open.legacy_sleep === 1, 'it is accepted');
    const start = performance.now();
    await far.close();
    expect(performance.now() - start).toBeLessThan(2000);
    expect((await asleep).answer).toBe('');
  });
});

describe('limits of the legacy servers', () => {
  it('hold for both servers together and reset what is too much', async () => {
    const many = await Promise.all(Array.from({ length: 200 }, () => open(far.echoPort)));
    await eventually(() => far.metrics.counts.open.legacy_echo === 200, 'all are accepted');
    const refused = open(far.sleepPort).then((socket) => exchange(socket, '0'));
    // The reset may come before the client has noticed that it was connected.
    expect(await refused.catch(() => ({ answer: '' }))).toMatchObject({ answer: '' });
    await eventually(() => far.metrics.counts.rejected.limit_client === 1, 'the refusal is counted');
    expect(far.metrics.counts.rejected.limit_client).toBe(1);
    many[0]?.destroy();
    await eventually(() => far.metrics.counts.open.legacy_echo === 199, 'a place is free');
    expect((await ask(far.sleepPort, '0')).answer).toBe('0');
  });
});
