import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { askOuterAddress } from '../../src/net/nat-pmp.js';
import { FakeClock } from '../support/fake-clock.js';

const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
});

/** An answer of RFC 6886 section 3.2. */
function answer(result: number, address: readonly number[]): Uint8Array {
  return Uint8Array.of(0, 128, 0, result, 0, 0, 1, 0, ...address);
}

/** A router on loopback that answers the nth request (from 1) with what `reply` returns. */
async function router(reply: (nth: number) => Uint8Array | undefined) {
  const socket = createSocket('udp4');
  sockets.push(socket);
  const requests: string[] = [];
  socket.on('message', (request, { port, address }) => {
    requests.push(request.toString('hex'));
    const bytes = reply(requests.length);
    if (bytes !== undefined) socket.send(bytes, port, address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { port: socket.address().port, requests };
}

describe('askOuterAddress', () => {
  const ends = { gateway: '127.0.0.1', local: '127.0.0.1' };

  it('asks with two bytes and returns the address', async () => {
    const { port, requests } = await router(() => answer(0, [8, 8, 4, 1]));
    expect(await askOuterAddress({ ...ends, port, clock: systemClock })).toBe('8.8.4.1');
    expect(requests).toEqual(['0000']);
  });

  it('asks again when the first request is lost', async () => {
    const { port, requests } = await router((nth) => (nth < 2 ? undefined : answer(0, [8, 8, 4, 1])));
    expect(await askOuterAddress({ ...ends, port, clock: systemClock })).toBe('8.8.4.1');
    expect(requests).toHaveLength(2);
  });

  it.each([
    ['a refusal', answer(2, [0, 0, 0, 0])],
    ['the empty address', answer(0, [0, 0, 0, 0])],
    ['a refusal that ends after the result code', Uint8Array.of(0, 128, 0, 1)],
  ])('takes %s for an answer without an address', async (_what, bytes) => {
    const { port, requests } = await router(() => bytes);
    expect(await askOuterAddress({ ...ends, port, clock: systemClock })).toBeUndefined();
    expect(requests).toHaveLength(1);
  });

  it.each([
    ['nothing', []],
    ['a request', [0, 0]],
    ['the answer to a mapping', [0, 129, ...answer(0, [8, 8, 4, 1]).subarray(2)]],
    ['an answer of PCP', [2, 128, ...answer(0, [8, 8, 4, 1]).subarray(2)]],
    ['an answer that is cut off', [...answer(0, [8, 8, 4, 1]).subarray(0, 11)]],
  ])('does not take %s for an answer, and asks again', async (_what, bytes) => {
    const { port, requests } = await router((nth) =>
      nth < 2 ? Uint8Array.from(bytes) : answer(0, [100, 64, 7, 9]),
    );
    expect(await askOuterAddress({ ...ends, port, clock: systemClock })).toBe('100.64.7.9');
    expect(requests).toHaveLength(2);
  });

  it('gives up after 2 s and three requests', async () => {
    const clock = new FakeClock();
    const { port, requests } = await router(() => undefined);
    let done = false;
    const asking = askOuterAddress({ ...ends, port, clock }).finally(() => (done = true));
    await expect.poll(() => requests.length).toBe(1);
    await clock.advance(1.9);
    await expect.poll(() => requests.length).toBe(3);
    expect(done).toBe(false);
    await clock.advance(0.2);
    expect(await asking).toBeUndefined();
    expect(requests).toHaveLength(3);
  });

  it('returns nothing at once when nobody listens', async () => {
    const { port } = await router(() => undefined);
    sockets.pop()?.close();
    const clock = new FakeClock();
    expect(await askOuterAddress({ ...ends, port, clock })).toBeUndefined();
  });

  it('returns nothing when the address to ask from is not of this host', async () => {
    const question = { gateway: '127.0.0.1', local: '203.0.113.9', clock: new FakeClock() };
    expect(await askOuterAddress(question)).toBeUndefined();
  });
});
