import { describe, expect, it } from 'vitest';
import { lossOf } from '../../src/engine/canary-loss.js';
import type { LinkEnd } from '../../src/net/errors.js';
import type { Seconds } from '../../src/units.js';
import { answeringCanary, HERE } from '../support/answering-canary.js';
import { FakeClock } from '../support/fake-clock.js';

const { signal } = new AbortController();

type End = LinkEnd['kind'] | undefined;

/** Two canaries of a far end, of which the first one has answered for so long, and a fresh connection. */
async function loss(
  ends: readonly [End, End],
  {
    instances = [undefined, undefined],
    fresh,
    heardAfter,
  }: {
    instances?: readonly [string | undefined, string | undefined];
    fresh?: string;
    heardAfter?: Seconds;
  } = {},
): Promise<string | undefined> {
  const clock = new FakeClock();
  const canaries = instances.map((instance) =>
    answeringCanary(clock, [[heardAfter ?? 0, true]], instance === undefined ? HERE : { ...HERE, instance }),
  );
  if (heardAfter !== undefined) await clock.settle(canaries[0]!.ask(60, signal), 60);
  return lossOf(canaries, ends, fresh === undefined ? HERE : { ...HERE, instance: fresh });
}

describe('that all canaries are lost while fresh connections work', () => {
  it('is a restart where the far end has another name', async () => {
    const instances = ['a', 'a'] as const;
    expect(await loss(['closed', 'closed'], { instances, fresh: 'b' })).toBe('farEndRestarted');
    expect(await loss([undefined, undefined], { instances, fresh: 'b' })).toBe('farEndRestarted');
    expect(await loss(['closed', 'closed'], { instances, fresh: 'a' })).toBe('closedByFarEnd');
    expect(await loss(['closed', 'closed'], { instances: ['a', 'b'], fresh: 'b' })).toBe('closedByFarEnd');
  });

  it('is a restart where a far end without a name closed them all', async () => {
    expect(await loss(['closed', 'closed'])).toBe('farEndRestarted');
    expect(await loss(['closed', 'closed'], { instances: ['a', 'a'] })).toBe('farEndRestarted');
    expect(await loss(['closed', 'closed'], { instances: ['a', undefined], fresh: 'a' })).toBe(
      'farEndRestarted',
    );
    expect(await loss(['closed', 'reset'])).toBe('closedByFarEnd');
  });

  it('is an outage that was too long where the kernel gave them all up', async () => {
    expect(await loss(['silence', 'unreachable'])).toBe('outageOutlasted');
    expect(await loss(['silence', 'reset'], { heardAfter: 5 })).toBe('mappingLoss');
    expect(await loss(['silence', 'unreachable'], { instances: ['a', 'a'], fresh: 'a' })).toBe(
      'outageOutlasted',
    );
  });

  it('is a loss of every mapping where one that had answered is silent, or one that had stayed was reset', async () => {
    expect(await loss([undefined, undefined], { heardAfter: 0.1 })).toBe('mappingLoss');
    expect(await loss([undefined, undefined])).toBeUndefined();
    expect(await loss(['reset', undefined], { heardAfter: 5 })).toBe('mappingLoss');
    expect(await loss(['reset', undefined], { heardAfter: 0.1 })).toBeUndefined();
    expect(await loss(['reset', 'closed'], { heardAfter: 5 })).toBe('closedByFarEnd');
  });
});
