import { uncompress } from 'snappyjs';
import { expect, test } from 'vitest';
import { createLogger } from '../../src/log.js';
import { BatchQueue } from '../../src/remote-write/queue.js';
import type { Outcome } from '../../src/remote-write/delivery.js';
import { RemoteWriter } from '../../src/remote-write/writer.js';
import { FakeClock } from '../support/fake-clock.js';
import { until } from '../netns/until.js';

const FAILED = { kind: 'failed', reason: 'status 503' } as const satisfies Outcome;

function make(answer: () => Outcome, queueSamples = 10_000, series = 4, random = 0) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const moments: number[] = [];
  const bodies: Uint8Array[] = [];
  const all = Array.from({ length: series }, (_, index) => ({
    labels: { __name__: 'm', i: String(index) },
    value: 1,
  }));
  const writer = new RemoteWriter({
    config: { interval: 10, external_labels: { site: 'x' }, queue_samples: queueSamples },
    read: () => Promise.resolve(all),
    send: (body) => {
      bodies.push(body);
      moments.push(clock.monotonic() - 1000);
      return Promise.resolve(answer());
    },
    hostname: 'here',
    clock,
    log: createLogger({ level: 'info', format: 'logfmt', stream: { write: (line) => lines.push(line) } }),
    random: () => random,
  });
  /** Lets time pass in small steps, so that encoding (real turns of the event loop) keeps up. */
  const pass = async (seconds: number): Promise<void> => {
    for (let passed = 0; passed < seconds; passed += 0.5) {
      await clock.advance(0.5);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { clock, writer, moments, bodies, lines, pass };
}

/** The moment of the first sample in a body, milliseconds: a varint behind its tag and the value, which is 1. */
function timestampOf(body: Uint8Array): number {
  const plain = Buffer.from(uncompress(body));
  const value = plain.indexOf(Buffer.from([0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]));
  let timestamp = 0;
  for (let at = value + 10, factor = 1; ; at++, factor *= 128) {
    const byte = plain[at] ?? 0;
    timestamp += (byte & 0x7f) * factor;
    if (byte < 0x80) return timestamp;
  }
}

test('BatchQueue drops the oldest but the one that may be on its way', () => {
  const queue = new BatchQueue(10);
  const batches = [1, 2, 3, 4].map((id) => ({ body: new Uint8Array([id]), samples: 4, stale: false }));
  expect(batches.map((batch) => queue.push(batch))).toEqual([0, 0, 4, 4]);
  expect(queue.samples).toBe(8);
  expect(queue.peek()).toBe(batches[0]);
  queue.shift();
  expect(queue.peek()).toBe(batches[3]);
  queue.shift();
  expect([queue.peek(), queue.samples]).toEqual([undefined, 0]);
});

test('RemoteWriter sends at every interval, `up` among the series', async () => {
  const { writer, moments, pass } = make(() => ({ kind: 'delivered' }));
  writer.start();
  await pass(25);
  expect(moments).toHaveLength(3);
  expect(writer.stats).toMatchObject({ samples: 15, pending: 0, failures: 0 });
});

test('RemoteWriter keeps what failed, tries again later and later, and delivers everything in the end', async () => {
  let answer: Outcome = FAILED;
  const { writer, moments, lines, pass } = make(() => answer);
  writer.start();
  await pass(20);
  expect(moments.map(Math.round)).toEqual([0, 1, 3, 7, 15]);
  expect(writer.stats).toMatchObject({ samples: 0, pending: 15, failures: 5, lastSuccess: undefined });
  answer = { kind: 'delivered' };
  await pass(15);
  expect(writer.stats).toMatchObject({ samples: 20, pending: 0, dropped: { queue_full: 0, refused: 0 } });
  expect(writer.stats.lastSuccess).toBeGreaterThan(1_700_000_000);
  expect(lines.map((line) => /msg="([^"]*)"/.exec(line)?.[1])).toEqual([
    'the receiver of remote write takes no samples; they wait',
    'the receiver of remote write takes samples again',
  ]);
});

test('RemoteWriter waits as long as the receiver asks it to', async () => {
  const { writer, moments, pass } = make(() => ({ ...FAILED, after: 6 }));
  writer.start();
  await pass(14);
  expect(moments.map(Math.round)).toEqual([0, 6, 12]);
});

test('RemoteWriter waits for 30 s at most between two tries, and for half of it where chance says so', async () => {
  const whole = make(() => FAILED);
  whole.writer.start();
  await whole.pass(130);
  expect(whole.moments.map(Math.round)).toEqual([0, 1, 3, 7, 15, 31, 61, 91, 121]);
  const half = make(() => FAILED, 10_000, 4, 0.999);
  half.writer.start();
  await half.pass(35);
  expect(half.moments.map(Math.round)).toEqual([0, 1, 2, 4, 8, 16, 31]);
});

test('RemoteWriter does not come back in step with a fleet that was asked to wait as long', async () => {
  const { writer, moments, pass } = make(() => ({ ...FAILED, after: 60 }), 10_000, 4, 0.5);
  writer.start();
  await pass(70);
  expect(moments.map(Math.round)).toEqual([0, 66]);
});

test('RemoteWriter says once for each trouble what the receiver does, until it takes samples again', async () => {
  let request = 0;
  let answer = (): Outcome =>
    (request += 1) % 2 === 0 ? FAILED : { kind: 'refused', reason: `no, for the ${request}th time` };
  const { writer, lines, pass } = make(() => answer());
  writer.start();
  await pass(120);
  expect(request).toBeGreaterThan(10);
  expect(lines).toHaveLength(2);
  answer = () => ({ kind: 'delivered' });
  await pass(30);
  expect(lines).toHaveLength(3);
  answer = () => FAILED;
  await pass(30);
  expect(lines).toHaveLength(4);
});

test('RemoteWriter drops what is refused and goes on', async () => {
  const { writer, pass } = make(() => ({ kind: 'refused', reason: 'status 400' }));
  writer.start();
  await pass(15);
  expect(writer.stats).toMatchObject({
    samples: 0,
    pending: 0,
    failures: 0,
    dropped: { refused: 10, queue_full: 0 },
  });
});

test('RemoteWriter keeps to the bound of its queue and counts what it drops', async () => {
  const { writer, lines, pass } = make(() => FAILED, 20);
  writer.start();
  await pass(55);
  expect(writer.stats).toMatchObject({ pending: 20, dropped: { queue_full: 10, refused: 0 } });
  expect(lines.filter((line) => line.includes('queue of remote write is full'))).toHaveLength(1);
});

test('RemoteWriter ends within 2 s when nobody answers and says what is lost', async () => {
  const { writer, lines, pass } = make(() => FAILED);
  writer.start();
  await pass(5);
  let ended = false;
  const end = writer.stop().then(() => {
    ended = true;
  });
  await pass(1.5);
  expect(ended).toBe(false);
  await pass(1);
  await until('the end', 5000, () => ended);
  await end;
  expect(lines.at(-1)).toContain('samples=15');
});

test('RemoteWriter follows a clock that is set forth and back by years, and goes on through a small step', async () => {
  const { clock, writer, bodies, pass } = make(() => ({ kind: 'delivered' }));
  writer.start();
  await pass(5);
  const year = 365 * 86_400;
  for (const step of [10 * year, -10 * year, -60]) {
    clock.stepWall(step);
    await pass(10);
  }
  const [first = 0, ahead = 0, back = 0, small = 0] = bodies.map(timestampOf);
  expect(Math.abs(first - 1_700_001_000_000)).toBeLessThan(1000);
  expect(ahead - first).toBe((10 * year + 10) * 1000);
  expect(back - first).toBe(20_000);
  // Back by less than a receiver forgives: samples of a series stay in their order.
  expect(small - back).toBe(1);
});

test('RemoteWriter takes no samples before the clock of the host is set, and says so once', async () => {
  const { clock, writer, bodies, lines, pass } = make(() => ({ kind: 'delivered' }));
  clock.stepWall(100 - clock.wall());
  writer.start();
  await pass(35);
  expect(bodies).toEqual([]);
  expect(lines.filter((line) => line.includes('until the clock of this host is set'))).toHaveLength(1);
  clock.stepWall(1_800_000_000);
  await pass(10);
  expect(bodies).toHaveLength(1);
});
