import { describe, expect, it } from 'vitest';
import type { Seconds } from '../../src/units.js';
import { watchPathTelling } from '../support/watched-path.js';

describe('Heartbeats', () => {
  it('beats every canary every 2 s while nothing is known', async () => {
    const { clock, path } = await watchPathTelling();
    await clock.advance(21);
    for (const canary of path.canaries) expect(canary.beatsAt.length).toBeGreaterThanOrEqual(9);
  });

  it('never lets a canary idle for more than a quarter of what survives, nor for more than a minute', async () => {
    for (const [survives, longest] of [
      [20, 5],
      [7440, 60],
    ] as const) {
      const { clock, path } = await watchPathTelling({ survives });
      await clock.advance(600);
      for (const { beatsAt } of path.canaries) {
        expect(beatsAt.length).toBeGreaterThan(4);
        const gaps = beatsAt.slice(1).map((at, index) => at - (beatsAt[index] ?? 0));
        expect(Math.max(...gaps)).toBeLessThanOrEqual(longest + 1);
      }
    }
  });

  it('beats twice as often after a mapping loss, in case a new idle timeout is shorter than the heartbeat', async () => {
    const { clock, path, story } = await watchPathTelling({ survives: 7440 });
    for (const canary of path.canaries) canary.forgotten = true;
    await clock.advance(150);
    expect(story).toContain('mapping loss');
    const { beatsAt } = path.canaries[2] ?? { beatsAt: [] };
    await clock.advance(300);
    const gaps = beatsAt.slice(1).map((at, index) => at - (beatsAt[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(31);
  });

  it('beats as seldom as before again once there was no loss for an hour', async () => {
    const { clock, path, story } = await watchPathTelling({ survives: 7440 });
    await clock.advance(10);
    for (const canary of path.canaries) canary.forgotten = true;
    await clock.advance(150);
    expect(story).toContain('mapping loss');
    const longestGap = async (seconds: Seconds): Promise<Seconds> => {
      const since = clock.monotonic();
      await clock.advance(seconds);
      const at = (path.canaries[2]?.beatsAt ?? []).filter((moment) => moment >= since);
      return Math.max(...at.slice(1).map((moment, index) => moment - (at[index] ?? 0)));
    };
    expect(await longestGap(3300)).toBeLessThanOrEqual(31);
    await clock.advance(300);
    const later = await longestGap(600);
    expect(later).toBeGreaterThan(50);
    expect(later).toBeLessThanOrEqual(61);
  });

  it('vouch() asks only canaries that have lived since the given moment', async () => {
    const { clock, path, heartbeats, stop } = await watchPathTelling();
    const ask = async (moment: Seconds): Promise<boolean> => {
      const answer = heartbeats.vouch({ opened: { earliest: moment, latest: moment } }, 8, stop.signal);
      await clock.advance(1);
      return answer;
    };
    const before = clock.monotonic();
    expect(await ask(before)).toBe(true);
    for (const canary of path.canaries) canary.forgotten = true;
    await clock.advance(60);
    expect(await ask(before)).toBe(false);
    expect(await ask(clock.monotonic())).toBe(true);
  });

  it('vouch() for somebody with less patience does not wait for one that is under way', async () => {
    const { clock, path, heartbeats, stop } = await watchPathTelling();
    const before = clock.monotonic();
    path.passes = false;
    await clock.advance(3);
    const answer = heartbeats.vouch({ opened: { earliest: before, latest: before } }, 1.5, stop.signal);
    await clock.advance(2);
    path.passes = true;
    await clock.advance(1);
    expect(await answer).toBe(false);
  });
});
