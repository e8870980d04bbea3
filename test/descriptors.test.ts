import { closeSync, openSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { countOpenDescriptors, DescriptorWatch, openFileLimit } from '../src/descriptors.js';
import { FakeClock } from './support/fake-clock.js';

it('openFileLimit() is infinite where it cannot be read', () => {
  expect(openFileLimit('/nonexistent')).toBe(Number.POSITIVE_INFINITY);
});

describe.runIf(process.platform === 'linux')('countOpenDescriptors()', () => {
  it('counts each file that is opened and closed', async () => {
    const before = await countOpenDescriptors();
    // Listing them opens one more.
    expect(before).toBe(readdirSync('/proc/self/fd').length - 1);
    const files = await Promise.all(Array.from({ length: 10 }, () => open('/dev/null')));
    expect(await countOpenDescriptors()).toBe(before + 10);
    await Promise.all(files.map((file) => file.close()));
    expect(await countOpenDescriptors()).toBe(before);
  });
});

/** A watch on a process whose descriptors the test makes up, with what it said. */
class Watched {
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  readonly shown: number[] = [];
  /** Beside the 20 that are always open. */
  connections = 0;
  leaked = 0;
  /** Work under way. */
  passing = 0;
  /** Whether the system tells. */
  tells = true;
  readonly watch: DescriptorWatch;

  constructor(count?: () => Promise<number>) {
    const line = (fields: unknown, message?: string): void => {
      this.lines.push(`${message ?? ''} ${JSON.stringify(fields)}`);
    };
    this.watch = new DescriptorWatch({
      clock: this.clock,
      log: { info: line, warn: line },
      held: () => this.connections,
      show: (unaccounted) => this.shown.push(unaccounted),
      count: count ?? (() => this.#count()),
    });
  }

  get unaccounted(): number | undefined {
    return this.shown.at(-1);
  }

  #count(): Promise<number> {
    if (!this.tells) return Promise.reject(new Error('ENOENT'));
    return Promise.resolve(20 + this.connections + this.leaked + this.passing);
  }
}

const MINUTE = 60;

describe('DescriptorWatch', () => {
  it('says nothing of connections that come and go, nor of what was open from the start', async () => {
    const process = new Watched();
    for (const connections of [0, 1000, 3, 20_000, 0, 7]) {
      process.connections = connections;
      await process.clock.advance(5 * MINUTE);
    }
    expect(new Set(process.shown)).toEqual(new Set([0]));
    expect(process.lines).toEqual([]);
  });

  it('says once when descriptors have been unaccounted for during five minutes, and once when it is over', async () => {
    const process = new Watched();
    await process.clock.advance(10 * MINUTE);
    process.leaked = 3;
    await process.clock.advance(4 * MINUTE);
    expect(process.unaccounted).toBe(0);
    await process.clock.advance(2 * MINUTE);
    expect(process.unaccounted).toBe(3);
    expect(process.lines).toEqual([
      expect.stringMatching(/^descriptors leak: .*"unaccounted":3,"open":23,"held":0/),
    ]);
    for (process.leaked = 4; process.leaked < 50; process.leaked += 1) await process.clock.advance(MINUTE);
    expect(process.unaccounted).toBe(45);
    expect(process.lines).toHaveLength(1);
    process.leaked = 0;
    await process.clock.advance(10 * MINUTE);
    expect(process.unaccounted).toBe(0);
    expect(process.lines).toEqual([expect.anything(), expect.stringContaining('accounted for again')]);
  });

  it('waits until a leak that comes and goes is well over before it says so', async () => {
    const process = new Watched();
    await process.clock.advance(10 * MINUTE);
    process.leaked = 3;
    await process.clock.advance(10 * MINUTE);
    for (let turn = 0; turn < 10; turn += 1) {
      process.leaked = turn % 2 === 0 ? 0 : 3;
      await process.clock.advance(2 * MINUTE);
    }
    expect(process.lines).toHaveLength(1);
  });

  it('takes work under way for no leak: whatever each look finds, it finds something else next time', async () => {
    const process = new Watched();
    for (let look = 0; look < 200; look += 1) {
      process.passing = look % 7;
      await process.clock.advance(15);
    }
    expect(new Set(process.shown)).toEqual(new Set([0]));
  });

  it('finds a leak below work under way, and one that grows from the first minute on', async () => {
    const process = new Watched();
    for (let look = 0; look < 200; look += 1) {
      process.passing = look % 3;
      process.leaked = look;
      await process.clock.advance(15);
    }
    expect(process.unaccounted).toBeGreaterThan(170);
  });

  it('is never negative where parts believe to hold more than is open', async () => {
    const process = new Watched();
    await process.clock.advance(2 * MINUTE);
    process.passing = -5;
    await process.clock.advance(10 * MINUTE);
    expect(new Set(process.shown)).toEqual(new Set([0]));
  });

  it('shows nothing where the system does not tell, and keeps the last number when it stops to', async () => {
    const mute = new Watched(() => Promise.reject(new Error('ENOENT')));
    await mute.clock.advance(10 * MINUTE);
    expect(mute.shown).toEqual([]);
    const process = new Watched();
    await process.clock.advance(10 * MINUTE);
    process.leaked = 3;
    await process.clock.advance(10 * MINUTE);
    process.tells = false;
    await process.clock.advance(10 * MINUTE);
    expect(process.unaccounted).toBe(3);
    expect(process.lines).toHaveLength(1);
  });

  it('looks no more once it is stopped', async () => {
    const process = new Watched();
    await process.clock.advance(MINUTE);
    process.watch.stop();
    const looks = process.shown.length;
    await process.clock.advance(10 * MINUTE);
    expect(process.shown).toHaveLength(looks);
  });

  it.runIf(process.platform === 'linux')(
    'finds a real descriptor that was opened and forgotten',
    async () => {
      const real = new Watched(countOpenDescriptors);
      /** The clock goes on when the real count is there. */
      const look = async (): Promise<void> => {
        const { length } = real.shown;
        await real.clock.advance(15);
        while (real.shown.length === length) await new Promise((resolve) => setTimeout(resolve, 1));
      };
      for (let looks = 0; looks < 20; looks += 1) await look();
      expect(real.unaccounted).toBe(0);
      const forgotten = openSync('/dev/null', 'r');
      for (let looks = 0; looks < 20; looks += 1) await look();
      expect(real.unaccounted).toBe(1);
      expect(real.lines).toEqual([expect.stringContaining('"unaccounted":1')]);
      closeSync(forgotten);
      for (let looks = 0; looks < 20; looks += 1) await look();
      expect(real.unaccounted).toBe(0);
      expect(real.lines).toHaveLength(2);
    },
  );
});
