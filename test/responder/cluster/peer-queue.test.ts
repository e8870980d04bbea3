/** The line between two processes: order, and how much of it may be under way. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Batch, PeerQueue } from '../../../src/responder/cluster/peer-queue.js';

/** What the program has for it. */
const MOST_UNDER_WAY = 1024;

/** A queue whose other side is the test; what it posts leaves when the test says so. */
function line() {
  const sent: Batch<number>[] = [];
  let posted = false;
  let post: () => void = () => {};
  const queue = new PeerQueue<number>(
    (batch) => sent.push(batch),
    (leave) => {
      post = leave;
      return () => {
        posted = true;
      };
    },
  );
  const leave = (): void => {
    if (!posted) return;
    posted = false;
    post();
  };
  const items = (): number[] => sent.flatMap((batch) => [...batch.items]);
  return { queue, sent, leave, items };
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

describe('PeerQueue', () => {
  it('sends what was pushed together, in its order', () => {
    const { queue, sent, leave } = line();
    for (const item of [1, 2, 3]) queue.push(item);
    leave();
    expect(sent).toEqual([{ items: [1, 2, 3], taken: 0 }]);
    leave();
    expect(sent).toHaveLength(1);
  });

  it('has no more under way than the other side was heard to take, however much is pushed', () => {
    const { queue, leave, items } = line();
    for (const item of upTo(10 * MOST_UNDER_WAY)) {
      queue.push(item);
      leave();
    }
    expect(items()).toHaveLength(MOST_UNDER_WAY);
    expect(queue.length).toBe(10 * MOST_UNDER_WAY);
    queue.taken(100);
    leave();
    expect(items()).toEqual(upTo(MOST_UNDER_WAY + 100));
  });

  it('keeps of a level only the newest value while the other side takes nothing', () => {
    const { queue, leave, items } = line();
    for (const item of upTo(MOST_UNDER_WAY)) queue.push(item);
    leave();
    for (const level of upTo(1000)) {
      queue.pushNewest(level + 5000);
      leave();
    }
    expect(queue.length).toBe(MOST_UNDER_WAY);
    queue.taken(1);
    leave();
    expect(items().slice(MOST_UNDER_WAY)).toEqual([5999]);
  });

  it('sends a level only where there is room beside all that must arrive', () => {
    const { queue, leave, items } = line();
    for (const item of upTo(MOST_UNDER_WAY)) queue.push(item);
    queue.pushNewest(9999);
    leave();
    expect(items()).toEqual(upTo(MOST_UNDER_WAY));
    queue.taken(1);
    leave();
    expect(items().at(-1)).toBe(9999);
    queue.taken(1);
    queue.push(MOST_UNDER_WAY);
    leave();
    expect(items().slice(-2)).toEqual([9999, MOST_UNDER_WAY]);
  });

  it('leaves once and soon after several calls, and again after later ones', async () => {
    const sent: Batch<number>[] = [];
    const queue = new PeerQueue<number>((batch) => sent.push(batch));
    const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));
    for (const item of [1, 2]) queue.push(item);
    await soon();
    expect(sent).toEqual([{ items: [1, 2], taken: 0 }]);
    queue.push(3);
    await soon();
    queue.pushNewest(4);
    await soon();
    expect(sent.slice(1).map(({ items }) => items)).toEqual([[3], [4]]);
  });

  it('tells what it has handled, alone where it has nothing else to say, and asks for no answer to that', () => {
    const { queue, sent, leave } = line();
    queue.handled(3);
    queue.handled(4);
    leave();
    expect(sent).toEqual([{ items: [], taken: 7 }]);
    queue.handled(0);
    leave();
    expect(sent).toHaveLength(1);
    expect(queue.length).toBe(0);
  });

  it('loses nothing, keeps the order and its bound whatever comes and goes', () => {
    const step = fc.oneof(
      fc.record({ push: fc.nat({ max: 3000 }) }),
      fc.record({ take: fc.nat({ max: 3000 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { queue, leave, items } = line();
        let pushed = 0;
        let taken = 0;
        const take = (most: number): void => {
          const count = Math.min(most, items().length - taken);
          taken += count;
          queue.taken(count);
        };
        for (const each of steps) {
          if ('push' in each) for (let left = each.push; left > 0; left -= 1) queue.push(pushed++);
          else take(each.take);
          leave();
          expect(items().length - taken).toBeLessThanOrEqual(MOST_UNDER_WAY);
          expect(queue.length).toBe(pushed - taken);
        }
        while (queue.length > 0) {
          take(Infinity);
          leave();
        }
        expect(items()).toEqual(upTo(pushed));
      }),
      { numRuns: 50 },
    );
  });
});
