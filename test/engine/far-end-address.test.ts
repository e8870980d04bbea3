import { afterEach, describe, expect, it } from 'vitest';
import { FarEndAddresses } from '../../src/engine/far-end-address.js';
import { pause } from '../../src/pause.js';
import { FakeClock } from '../support/fake-clock.js';

const [V6, V4, OTHER] = ['2001:db8::9', '203.0.113.9', '203.0.113.10'] as const;
/** Seconds that a fresh connection into a black hole takes. */
const DEADLINE = 8;
const stops: AbortController[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

/** A name whose answers, and the addresses that work, a test changes. */
function name(answers: readonly string[], working: readonly string[], local_address?: string) {
  const clock = new FakeClock();
  const stop = new AbortController();
  stops.push(stop);
  const world = { answers, working: new Set(working), tried: [] as string[], lookUps: 0, down: false };
  const addresses = new FarEndAddresses({
    host: 'far.example',
    target: { family: 'any', ...(local_address === undefined ? {} : { local_address }) },
    clock,
    problemAt: async (address, signal) => {
      world.tried.push(address);
      await pause(clock, world.working.has(address) ? 0.05 : DEADLINE, signal);
      return world.working.has(address) ? undefined : new Error(`nothing at ${address}`);
    },
    resolve: () => {
      world.lookUps += 1;
      return Promise.resolve(world.answers);
    },
  });
  const choose = () => clock.settle(addresses.choose(stop.signal), 60);
  let moved: string | undefined;
  const watch = (address: string): void => {
    void addresses.next(address, () => world.down, stop.signal).then((next) => (moved = next));
  };
  const fall = (): void => {
    world.down = true;
    addresses.doubt();
  };
  return { clock, world, choose, watch, fall, moved: () => moved };
}

describe('FarEndAddresses.choose', () => {
  it('takes the first that answers, and does not wait for a black hole before it', async () => {
    const { clock, choose } = name([V6, V4], [V4]);
    const before = clock.monotonic();
    expect(await choose()).toBe(V4);
    expect(clock.monotonic() - before).toBeLessThan(1);
  });

  it('prefers the order of the resolver', async () => {
    expect(await name([V6, V4], [V4, V6]).choose()).toBe(V6);
  });

  it('takes the only one unasked', async () => {
    const { choose, world } = name([V4], []);
    expect(await choose()).toBe(V4);
    expect(world.tried).toEqual([]);
  });

  it('chooses none when none of several answers, and says why', async () => {
    await expect(name([V6, V4], []).choose()).rejects.toThrow(
      `no address of far.example answers: nothing at ${V6}; nothing at ${V4}`,
    );
  });

  it('leaves out what the local address cannot reach', async () => {
    expect(await name([V6, V4], [], '192.0.2.7').choose()).toBe(V4);
    await expect(name([V6], [], '192.0.2.7').choose()).rejects.toThrow('family');
  });
});

describe('FarEndAddresses.next', () => {
  it('stays through changed answers of the resolver while the old address answers', async () => {
    const { clock, world, watch, moved } = name([V4], [V4, OTHER]);
    watch(V4);
    for (let minute = 0; minute < 60; minute += 1) {
      world.answers = [minute % 2 === 0 ? OTHER : V4];
      await clock.advance(60);
    }
    expect(moved()).toBeUndefined();
    expect(world.lookUps).toBeGreaterThan(50);
  });

  it('moves where the name leads when the old address is gone', async () => {
    const { clock, world, watch, moved } = name([V4], [V4]);
    watch(V4);
    world.answers = [OTHER];
    world.working = new Set([OTHER]);
    await clock.advance(80);
    expect(moved()).toBe(OTHER);
  });

  it('moves to the other family soon after the first one broke', async () => {
    const { clock, world, watch, fall, moved } = name([V6, V4], [V6, V4]);
    watch(V6);
    await clock.advance(30);
    expect(world.lookUps).toBe(0);
    world.working.delete(V6);
    fall();
    await clock.advance(20);
    expect(moved()).toBe(V4);
  });

  it('stays in an outage of all, asks ever less often, and moves to the one that comes back', async () => {
    const { clock, world, watch, fall, moved } = name([V6, V4], [V6, V4]);
    watch(V6);
    world.working.clear();
    fall();
    await clock.advance(3600);
    expect(moved()).toBeUndefined();
    expect(world.lookUps).toBeLessThan(120);
    world.working.add(V4);
    await clock.advance(100);
    expect(moved()).toBe(V4);
  });

  it('stays where the old address comes back a moment later than the other one', async () => {
    const { clock, world, watch, fall, moved } = name([V6, V4], [V6, V4]);
    watch(V6);
    world.working.clear();
    fall();
    await clock.advance(5);
    world.working.add(V4);
    clock.after(4, () => world.working.add(V6));
    await clock.advance(100);
    expect(moved()).toBeUndefined();
  });

  it('asks as quickly in a later outage as in the first one', async () => {
    const { clock, world, watch, fall, moved } = name([V6, V4], [V6, V4]);
    watch(V6);
    world.working.clear();
    fall();
    await clock.advance(3600);
    Object.assign(world, { working: new Set([V6]), down: false });
    await clock.advance(600);
    world.working.clear();
    fall();
    await clock.advance(17);
    world.working.add(V4);
    await clock.advance(30);
    expect(moved()).toBe(V4);
  });

  it('tries nothing else while the name leads nowhere else', async () => {
    const { clock, world, watch, fall, moved } = name([V4], []);
    watch(V4);
    fall();
    await clock.advance(600);
    expect(world.tried).toEqual([]);
    expect(moved()).toBeUndefined();
  });
});
