import { describe, expect, it } from 'vitest';
import { LivingCanary, lossOf } from '../../src/engine/living-canary.js';
import type { LinkEnd } from '../../src/net/errors.js';
import type { Canary, Introduction } from '../../src/probe/path.js';
import type { Seconds } from '../../src/units.js';
import { FakeClock } from '../support/fake-clock.js';

const HERE: Introduction = { localAddress: '192.0.2.2' };

/** A canary whose beats answer as `answers` says, each after so many seconds. */
function canaryOf(
  clock: FakeClock,
  answers: (readonly [after: Seconds, answered: boolean])[],
  introduction: Introduction = HERE,
): LivingCanary {
  const canary: Canary = {
    introduction,
    greeted: true,
    end: undefined,
    whenEnded: () => undefined,
    close: () => undefined,
    beat: () =>
      new Promise((resolve) => {
        const [after, answered] = answers.shift() ?? [0, false];
        clock.after(after, () => resolve(answered));
      }),
  };
  return new LivingCanary(canary, clock);
}

const { signal } = new AbortController();

describe('a canary', () => {
  it('has lived until it answered last, and may be gone since it was asked in vain', async () => {
    const clock = new FakeClock();
    const born = clock.monotonic();
    const living = canaryOf(clock, [
      [1, true],
      [8, false],
      [8, false],
    ]);
    expect(living).toMatchObject({ life: { from: born, to: born }, heardAt: undefined, goneAt: undefined });
    expect(living.death).toBeUndefined();
    await clock.advance(10);
    expect(await clock.settle(living.ask(8, signal), 20)).toBe(true);
    expect(living).toMatchObject({ life: { from: born, to: born + 11 }, goneAt: undefined });
    expect(living.death).toBeUndefined();
    await clock.advance(20);
    expect(await clock.settle(living.ask(8, signal), 20)).toBe(false);
    await clock.settle(living.ask(8, signal), 20);
    expect(living.goneAt).toBe(born + 31);
    expect(living.death).toEqual({ from: born, heard: born + 11, gone: born + 31, survivedSilence: 10 });
  });

  it('counts its longest silence, until it was asked', async () => {
    const clock = new FakeClock();
    const born = clock.monotonic();
    const living = canaryOf(clock, [
      [5, true],
      [0, true],
      [0, true],
    ]);
    for (const pause of [3, 30, 2]) {
      await clock.advance(pause);
      await clock.settle(living.ask(8, signal), 20);
    }
    living.ended();
    expect(living.death).toMatchObject({ heard: born + 40, gone: born + 40, survivedSilence: 30 });
  });

  it('that never answered tells nothing by its end', () => {
    const clock = new FakeClock();
    const living = canaryOf(clock, []);
    living.ended();
    expect(living.goneAt).toBe(clock.monotonic());
    expect(living.death).toBeUndefined();
  });

  it('is gone since its end, not since it was asked after it', async () => {
    const clock = new FakeClock();
    const ended = clock.monotonic();
    const living = canaryOf(clock, [[1, false]]);
    living.ended();
    await clock.advance(5);
    await clock.settle(living.ask(8, signal), 20);
    living.ended();
    expect(living.goneAt).toBe(ended);
  });

  it('has stayed once it was heard 2 s after its welcome', async () => {
    const clock = new FakeClock();
    const living = canaryOf(clock, [
      [1.9, true],
      [0.1, true],
    ]);
    await clock.settle(living.ask(8, signal), 20);
    expect(living.hasStayed).toBe(false);
    await clock.settle(living.ask(8, signal), 20);
    expect(living.hasStayed).toBe(true);
  });
});

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
    canaryOf(clock, [[heardAfter ?? 0, true]], instance === undefined ? HERE : { ...HERE, instance }),
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
