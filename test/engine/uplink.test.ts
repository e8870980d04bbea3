import { describe, expect, it } from 'vitest';
import { Uplink } from '../../src/engine/uplink.js';
import { InterfaceError } from '../../src/net/interface-address.js';
import { FakeClock } from '../support/fake-clock.js';

const [BEFORE, AFTER] = ['192.0.2.7', '192.0.2.8'] as const;
const TOLD = `interface wan has another address: ${AFTER} instead of ${BEFORE}`;

/** An interface whose address the test changes; undefined while it has none. */
function uplink() {
  const clock = new FakeClock();
  const stop = new AbortController();
  const world = { address: BEFORE as string | undefined, gone: 0, told: 'waiting' as string | undefined };
  const link = new Uplink({
    name: 'wan',
    remote: '203.0.113.9',
    clock,
    addressOf: () => {
      if (world.address === undefined) throw new InterfaceError('interface wan is gone');
      return world.address;
    },
  });
  const watch = (): void => {
    void link.untilReplaced(() => (world.gone += 1), stop.signal).then((told) => (world.told = told));
  };
  return { clock, stop, world, link, watch };
}

describe('Uplink', () => {
  it('looks the address up for each connection', () => {
    const { world, link } = uplink();
    expect(link.address()).toBe(BEFORE);
    world.address = undefined;
    expect(() => link.address()).toThrow('interface wan is gone');
    world.address = AFTER;
    expect(link.address()).toBe(AFTER);
  });

  it('notices another address within seconds while nothing is opened', async () => {
    const { clock, world, link, watch } = uplink();
    link.address();
    watch();
    await clock.advance(3600);
    expect(world.told).toBe('waiting');
    world.address = AFTER;
    await clock.advance(2);
    expect(world.told).toBe(TOLD);
    expect(world.gone).toBe(0);
  });

  it('notices it at once when a connection is opened', async () => {
    const { clock, world, link, watch } = uplink();
    link.address();
    watch();
    world.address = AFTER;
    link.address();
    await clock.advance(0);
    expect(world.told).toBe(TOLD);
  });

  it('has lost nothing when the same address comes back, and says each time that it has gone', async () => {
    const { clock, world, link, watch } = uplink();
    link.address();
    watch();
    for (const times of [1, 2]) {
      world.address = undefined;
      await clock.advance(60);
      expect(world.gone).toBe(times);
      world.address = BEFORE;
      await clock.advance(60);
    }
    expect(world.told).toBe('waiting');
  });

  it('has nothing to tell where no connection had an address before', async () => {
    const { clock, world, link, watch } = uplink();
    world.address = undefined;
    watch();
    await clock.advance(60);
    world.address = AFTER;
    await clock.advance(60);
    expect(link.address()).toBe(AFTER);
    expect(world.told).toBe('waiting');
  });

  it('ends when it is stopped', async () => {
    const { clock, stop, world, link, watch } = uplink();
    link.address();
    watch();
    stop.abort();
    await clock.advance(0);
    expect(world.told).toBeUndefined();
  });
});
