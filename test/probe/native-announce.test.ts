/**
 * Announcing over real canaries: to today's responder, and to one from before there were announcements. When it is
 * time to announce is decided by a clock that the tests move.
 */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { pino } from 'pino';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { type AnnouncementOutcome, Announcer } from '../../src/probe/announcer.js';
import { createNativePath } from '../../src/probe/far-ends/native.js';
import type { Path } from '../../src/probe/path.js';
import { Announcements } from '../../src/responder/discovery/announcements.js';
import { type Responder, startResponder } from '../../src/responder/responder.js';
import { FakeClock } from '../support/fake-clock.js';

const TOKEN = 'a token of more than sixteen characters';
const signal = new AbortController().signal;
/** How often the far end wants to hear, seconds. */
const INTERVAL = 300;
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function responder(announcements?: Announcements, port = 0): Promise<Responder> {
  const discovery = announcements && { interval: announcements.interval, announcements };
  const running = await startResponder({
    native: [{ host: '127.0.0.1', port }],
    logger: pino({ level: 'silent' }),
    token: TOKEN,
    ...(discovery && { discovery }),
  });
  closing.push(() => running.close());
  return running;
}

const portOf = ({ addresses }: Responder): number => addresses.native[0]?.port ?? 0;

function announcing(
  port: number,
  address = '192.0.2.9:15382',
): { path: Path; outcomes: AnnouncementOutcome[]; clock: FakeClock } {
  const clock = new FakeClock();
  const outcomes: AnnouncementOutcome[] = [];
  const announcer = new Announcer({
    announcement: { address, labels: { site: 'a b' } },
    clock,
    answered: (outcome) => outcomes.push(outcome),
  });
  const endpoint = () => ({ address: '127.0.0.1', port });
  const path = createNativePath({ clock: systemClock, deadline: 3, endpoint, token: () => TOKEN, announcer });
  return { path, outcomes, clock };
}

async function canaryOf(path: Path) {
  const canary = await path.openCanary(signal);
  closing.push(() => canary.close());
  return canary;
}

describe('a native path that announces', () => {
  it('is announced over its canary, again and again, and the canary beats on', async () => {
    const announcements = new Announcements({ ttl: 3 * INTERVAL });
    const { path, outcomes, clock } = announcing(portOf(await responder(announcements)));
    const canary = await canaryOf(path);
    for (let times = 1; times <= 3; times++) {
      await clock.advance(INTERVAL);
      await vi.waitFor(() => expect(outcomes.length).toBeGreaterThanOrEqual(times), { timeout: 10_000 });
    }
    expect(new Set(outcomes.map(({ kind }) => kind))).toEqual(new Set(['announced']));
    expect(await canary.beat(2, signal)).toBe(true);
    expect(announcements.groups()).toMatchObject([
      { targets: ['192.0.2.9:15382'], labels: { __meta_nat_idle_label_site: 'a b' } },
    ]);
  });

  it('is told why it is refused, and the canary beats on', async () => {
    const { path, outcomes, clock } = announcing(
      portOf(await responder(new Announcements({ ttl: 90 }))),
      '127.0.0.1:1',
    );
    const canary = await canaryOf(path);
    await clock.advance(2);
    await vi.waitFor(() => expect(outcomes).toHaveLength(1), { timeout: 10_000 });
    expect(outcomes).toEqual([{ kind: 'refused', detail: 'a loopback address is not served' }]);
    expect(await canary.beat(2, signal)).toBe(true);
  });

  it('fills the list of a responder that was restarted within seconds', async () => {
    const first = await responder(new Announcements({ ttl: 900 }));
    const { path, outcomes, clock } = announcing(portOf(first));
    const canary = await canaryOf(path);
    await clock.advance(2);
    await vi.waitFor(() => expect(outcomes).toHaveLength(1), { timeout: 10_000 });
    const ended = new Promise((resolve) => canary.whenEnded(resolve));
    await first.close();
    await ended;
    const again = new Announcements({ ttl: 900 });
    await responder(again, portOf(first));
    await canaryOf(path);
    await clock.advance(2);
    await vi.waitFor(() => expect(again.size).toBe(1), { timeout: 5_000 });
  });

  it('asks for announcements on canaries only', async () => {
    const announcements = new Announcements({ ttl: 3 * INTERVAL });
    const { path, outcomes, clock } = announcing(portOf(await responder(announcements)));
    await path.check(signal);
    const probe = await path.open('send', undefined, signal);
    closing.push(() => probe.close());
    await clock.advance(10 * INTERVAL);
    // What would have been said has arrived when a later round trip has ended.
    await path.check(signal);
    expect(outcomes).toEqual([]);
    expect(announcements.size).toBe(0);
  });

  it('tells of a responder of today that takes none, and the canary beats on', async () => {
    const { path, outcomes } = announcing(portOf(await responder()));
    const canary = await canaryOf(path);
    expect(outcomes).toEqual([{ kind: 'not_taken' }]);
    expect(await canary.beat(2, signal)).toBe(true);
  });
});

/** Speaks version 1 as it was: strict about verbs and proofs, and passing over unknown keys of HELLO. */
async function oldResponder(): Promise<{ port: number; heard: string[] }> {
  const heard: string[] = [];
  const mac = (text: string): string => createHmac('sha256', TOKEN).update(text).digest('hex');
  const serve = (socket: Socket): void => {
    const challenge = 'c'.repeat(32);
    let hello = '';
    socket.on('error', () => undefined);
    createInterface({ input: socket }).on('line', (line) => {
      heard.push(line);
      const nonce = / nonce=([0-9a-f]+)/.exec(line)?.[1] ?? '';
      if (line.startsWith('HELLO ')) {
        const session = / session=([0-9a-f]{32})/.exec(line)?.[1] ?? '';
        hello = `HELLO v=1 role=control session=${session} nonce=${nonce}`;
        socket.write(`CHALLENGE nonce=${challenge}\n`);
      } else if (line.startsWith('AUTH ')) {
        const opening = `${hello}\nCHALLENGE nonce=${challenge}\n`;
        if (line !== `AUTH mac=${mac(`nat-idle-exporter client\n${opening}`)}`) {
          socket.end('ERROR code=auth\n');
          return;
        }
        const [, helloNonce = ''] = / nonce=(.*)$/.exec(hello) ?? [];
        const welcome = `WELCOME v=1 nonce=${helloNonce} seen=192.0.2.1:5000 instance=0011223344556677`;
        socket.write(`${welcome} mac=${mac(`nat-idle-exporter responder\n${opening}${welcome}\n`)}\n`);
      } else if (line.startsWith('PING ')) socket.write(`PONG nonce=${nonce}\n`);
      else socket.end('ERROR code=syntax detail=unknown%20verb\n');
    });
  };
  const server = createServer(serve);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return { port: (server.address() as AddressInfo).port, heard };
}

describe('a native path that announces, at a responder from before there were announcements', () => {
  it('is welcomed, says nothing that the responder does not know, and its canary beats on', async () => {
    const { port, heard } = await oldResponder();
    const { path, outcomes, clock } = announcing(port);
    const canary = await canaryOf(path);
    expect(outcomes).toEqual([{ kind: 'not_taken' }]);
    await clock.advance(10 * INTERVAL);
    expect(await canary.beat(2, signal)).toBe(true);
    expect(canary.end).toBeUndefined();
    expect(heard.map((line) => line.split(' ')[0])).toEqual(['HELLO', 'AUTH', 'PING']);
    expect(heard[0]).toHaveLength(255);
  });
});
