import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { endianness, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { askOuterAddress, createAskRouter, defaultGateway, outerAddressIn } from '../../src/net/router.js';
import { FakeClock } from '../support/fake-clock.js';

const folders: string[] = [];
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** An address as the kernel prints it in its table of routes. */
function hex(address: string): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0').toUpperCase());
  return (endianness() === 'LE' ? bytes.reverse() : bytes).join('');
}

type Row = readonly [network: string, gateway: string, flags: string, metric: number, mask: string];

function tableOf(...rows: readonly Row[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'routes-'));
  folders.push(folder);
  const file = join(folder, 'route');
  const lines = rows.map(([network, gateway, flags, metric, mask]) =>
    ['eth0', hex(network), hex(gateway), flags, 0, 0, metric, hex(mask), 0, 0, 0].join('\t'),
  );
  writeFileSync(file, `Iface\tDestination\tGateway\n${lines.join('\n')}\n`);
  return file;
}

const DEFAULT: Row = ['0.0.0.0', '192.168.1.1', '0003', 100, '0.0.0.0'];
const NEIGHBOURS: Row = ['192.168.1.0', '0.0.0.0', '0001', 100, '255.255.255.0'];

describe('defaultGateway', () => {
  const far = '203.0.113.9';

  it('is the gateway of the default route', async () => {
    expect(await defaultGateway(far, tableOf(DEFAULT, NEIGHBOURS))).toBe('192.168.1.1');
  });

  it('is that of the default route with the lowest metric', async () => {
    const mobile: Row = ['0.0.0.0', '10.0.0.1', '0003', 600, '0.0.0.0'];
    expect(await defaultGateway(far, tableOf(mobile, DEFAULT))).toBe('192.168.1.1');
  });

  it.each<readonly [what: string, remote: string, rows: readonly Row[]]>([
    ['a neighbour', '192.168.1.7', [DEFAULT, NEIGHBOURS]],
    ['a route of a VPN', far, [DEFAULT, ['128.0.0.0', '10.8.0.1', '0003', 0, '128.0.0.0']]],
    ['a default route without a gateway', far, [['0.0.0.0', '0.0.0.0', '0001', 0, '0.0.0.0']]],
    ['a default route that is down', far, [['0.0.0.0', '192.168.1.1', '0002', 0, '0.0.0.0']]],
    ['no default route', far, [NEIGHBOURS]],
    ['an IPv6 address', '2001:db8::1', [DEFAULT]],
  ])('is unknown for %s', async (_what, remote, rows) => {
    expect(await defaultGateway(remote, tableOf(...rows))).toBeUndefined();
  });

  it('is unknown without a table', async () => {
    expect(await defaultGateway(far, '/nonexistent/route')).toBeUndefined();
  });
});

/** An answer of RFC 6886 section 3.2. */
function answer(result: number, address: readonly number[]): Uint8Array {
  return Uint8Array.of(0, 128, 0, result, 0, 0, 1, 0, ...address);
}

describe('outerAddressIn', () => {
  it('reads the address', () => {
    expect(outerAddressIn(answer(0, [100, 64, 7, 9]))).toEqual({ address: '100.64.7.9' });
  });

  it('takes a refusal and the empty address for no address', () => {
    expect(outerAddressIn(answer(3, [0, 0, 0, 0]))).toEqual({});
    expect(outerAddressIn(answer(0, [0, 0, 0, 0]))).toEqual({});
    // A refusal may end after the result code.
    expect(outerAddressIn(Uint8Array.of(0, 128, 0, 1))).toEqual({});
  });

  it.each([
    ['nothing', []],
    ['a request', [0, 0]],
    ['the answer to a mapping', [0, 129, ...answer(0, [8, 8, 4, 1]).subarray(2)]],
    ['an answer of PCP', [2, 128, ...answer(0, [8, 8, 4, 1]).subarray(2)]],
    ['an answer that is cut off', [...answer(0, [8, 8, 4, 1]).subarray(0, 11)]],
  ])('does not take %s for an answer', (_what, bytes) => {
    expect(outerAddressIn(Uint8Array.from(bytes))).toBeUndefined();
  });
});

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

  it('returns nothing when the router refuses', async () => {
    const { port } = await router(() => answer(2, [0, 0, 0, 0]));
    expect(await askOuterAddress({ ...ends, port, clock: systemClock })).toBeUndefined();
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

describe('createAskRouter', () => {
  const ends = { local: '192.168.1.2', remote: '203.0.113.9' };

  function start(gateway: string | undefined, address: string | undefined) {
    const clock = new FakeClock();
    const asked: string[] = [];
    const ask = createAskRouter(
      clock,
      (question) => {
        asked.push(`${question.local} ${question.gateway}`);
        return Promise.resolve(address);
      },
      () => Promise.resolve(gateway),
    );
    return { clock, asked, ask };
  }

  it.each(['8.8.4.1', undefined])('asks a router once an hour, whatever it answers (%s)', async (address) => {
    const { clock, asked, ask } = start('192.168.1.1', address);
    const expected = address && { address, askedAt: clock.monotonic() };
    expect(await Promise.all([ask(ends), ask(ends)])).toEqual([expected, expected]);
    await clock.advance(3599);
    expect(await ask(ends)).toEqual(expected);
    expect(asked).toEqual(['192.168.1.2 192.168.1.1']);
    await clock.advance(1);
    expect(await ask(ends)).toEqual(address && { address, askedAt: clock.monotonic() });
    expect(asked).toHaveLength(2);
  });

  it('asks nobody without a default gateway, and nobody for IPv6', async () => {
    const without = start(undefined, '8.8.4.1');
    expect(await without.ask(ends)).toBeUndefined();
    const six = start('192.168.1.1', '8.8.4.1');
    expect(await six.ask({ local: 'fd77::2', remote: '2001:db8::1' })).toBeUndefined();
    expect([...without.asked, ...six.asked]).toEqual([]);
  });
});
