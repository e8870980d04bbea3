import { afterEach, describe, expect, it } from 'vitest';
import { spokenAge } from '../../src/core/lifetime.js';
import { Lifeline } from '../../src/engine/lifeline.js';
import type { Seconds } from '../../src/units.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakePath } from '../support/fake-path.js';

const stops: AbortController[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

async function start(
  survives?: Seconds,
  clock = new FakeClock(),
  path = new FakePath(clock),
  random?: () => number,
) {
  const story: string[] = [];
  const stop = new AbortController();
  stops.push(stop);
  const lifeline = new Lifeline({
    path,
    clock,
    deadline: 8,
    resolution: 10,
    survives: () => survives,
    ...(random === undefined ? {} : { random }),
    events: {
      reached: () => story.at(-1) !== 'reached' && story.push('reached'),
      watched: () => story.push('watched'),
      unreachable: () => story.at(-1) !== 'unreachable' && story.push('unreachable'),
      mappingLoss: () => story.push('mapping loss'),
      farEndRestarted: () => story.push('restarted'),
      closedByFarEnd: () => story.push('closed'),
      unwatched: () => undefined,
      outageOutlasted: () => story.push('outlasted'),
      lifetime: (age) => story.push(age === undefined ? 'no lifetime' : `lifetime ${spokenAge(age)}`),
    },
  });
  const done = lifeline.run(stop.signal);
  await clock.advance(1);
  return { clock, path, story, lifeline, stop, done };
}

describe('Lifeline', () => {
  it('opens two canaries once the far end answers', async () => {
    const { path, story } = await start();
    expect(story).toEqual(['reached', 'watched']);
    expect(path.canaries).toHaveLength(2);
  });

  it('beats every canary every 2 s while nothing is known', async () => {
    const { clock, path } = await start();
    await clock.advance(21);
    for (const canary of path.canaries) expect(canary.beatsAt.length).toBeGreaterThanOrEqual(9);
  });

  it('never lets a canary idle for more than a quarter of what survives, nor for more than a minute', async () => {
    for (const [survives, longest] of [
      [20, 5],
      [7440, 60],
    ] as const) {
      const { clock, path } = await start(survives);
      await clock.advance(600);
      for (const { beatsAt } of path.canaries) {
        expect(beatsAt.length).toBeGreaterThan(4);
        const gaps = beatsAt.slice(1).map((at, index) => at - (beatsAt[index] ?? 0));
        expect(Math.max(...gaps)).toBeLessThanOrEqual(longest + 1);
      }
    }
  });

  it('does not doubt a far end whose one canary lives although it takes no second one', async () => {
    const { clock, path, story } = await start();
    const [evicted, survivor] = path.canaries;
    evicted!.forgotten = true;
    path.dropsCanaries = true;
    await clock.advance(200);
    expect(path.canaries.length).toBeGreaterThan(3);
    expect(story).not.toContain('unreachable');
    const gaps = survivor!.beatsAt.slice(1).map((at, index) => at - survivor!.beatsAt[index]!);
    // Two deadlines, in which it is found out that the other one is gone.
    expect(Math.max(...gaps)).toBeLessThan(20);
    path.dropsCanaries = false;
    await clock.advance(70);
    expect(story.at(-1)).toBe('watched');
  });

  it('calls it a mapping loss when both canaries are silent while fresh connections work', async () => {
    const { clock, path, story } = await start();
    for (const canary of path.canaries) canary.forgotten = true;
    await clock.advance(60);
    expect(story).toContain('mapping loss');
    expect(story.filter((each) => each === 'mapping loss')).toHaveLength(1);
    expect(path.canaries).toHaveLength(4);
  });

  it('calls it nothing when both canaries hang at the far end, and watches on with new ones', async () => {
    const { clock, path, story } = await start();
    // Several ends at the same age would make a lifetime.
    for (let round = 0; round < 4; round += 1) {
      await clock.advance(120);
      for (const canary of path.canaries.filter(({ closed }) => !closed))
        Object.assign(canary, { forgotten: true, hangs: () => Promise.resolve(true) });
    }
    await clock.advance(60);
    expect(path.canaries).toHaveLength(10);
    expect(new Set(story)).toEqual(new Set(['reached', 'watched']));
  });

  it('calls it nothing when they were cut off and another connection still comes through', async () => {
    const { clock, path, story } = await start();
    await clock.advance(120);
    for (const canary of path.canaries)
      Object.assign(canary, {
        forgotten: true,
        hangs: () => Promise.resolve(false),
        othersLive: () => Promise.resolve(true),
      });
    await clock.advance(60);
    expect(path.canaries).toHaveLength(4);
    expect(new Set(story)).toEqual(new Set(['reached', 'watched']));
  });

  it('keeps the living one beating while it finds out whether the other hangs', async () => {
    const { clock, path } = await start(20);
    const [lost, living] = path.canaries;
    if (lost === undefined || living === undefined) throw new Error('no two canaries');
    let asking = false;
    const hangs = async (): Promise<boolean> => {
      asking = true;
      await new Promise<void>((resolve) => void clock.after(60, resolve));
      return false;
    };
    Object.assign(lost, { forgotten: true, hangs });
    for (let waited = 0; !asking && waited < 120; waited++) await clock.advance(1);
    expect(asking).toBe(true);
    const before = living.beatsAt.length;
    await clock.advance(50);
    expect(living.beatsAt.length).toBeGreaterThan(before + 2);
  });

  it('beats twice as often after a mapping loss, in case a new idle timeout is shorter than the heartbeat', async () => {
    const { clock, path, story } = await start(7440);
    for (const canary of path.canaries) canary.forgotten = true;
    await clock.advance(150);
    expect(story).toContain('mapping loss');
    const { beatsAt } = path.canaries[2] ?? { beatsAt: [] };
    await clock.advance(300);
    const gaps = beatsAt.slice(1).map((at, index) => at - (beatsAt[index] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(31);
  });

  it('replaces one evicted canary without any alarm', async () => {
    const { clock, path, story } = await start();
    const [evicted] = path.canaries;
    if (evicted !== undefined) evicted.forgotten = true;
    await clock.advance(60);
    expect(story).not.toContain('mapping loss');
    expect(path.canaries).toHaveLength(3);
    expect(evicted?.closed).toBe(true);
  });

  it('keeps its canaries through a silent outage of 30 s', async () => {
    const { clock, path, story } = await start();
    path.passes = false;
    await clock.advance(30);
    expect(story).toContain('unreachable');
    path.passes = true;
    await clock.advance(60);
    expect(story).not.toContain('mapping loss');
    expect(story.at(-1)).toBe('watched');
    expect(path.canaries).toHaveLength(2);
  });

  it('keeps its canaries through a silent outage of any length, however late TCP repeats itself', async () => {
    for (let outage = 5; outage <= 400; outage = Math.ceil(outage * 1.07)) {
      const { clock, path, story } = await start();
      path.backsOff = true;
      path.passes = false;
      await clock.advance(outage);
      path.passes = true;
      await clock.advance(400);
      expect([outage, story.filter((each) => each === 'mapping loss')]).toEqual([outage, []]);
      expect(path.canaries).toHaveLength(2);
    }
  });

  it('tells a mapping loss from a restart also where the far end does not name its instance', async () => {
    const { clock, path, story } = await start();
    path.instance = undefined;
    path.restart();
    await clock.advance(30);
    expect(story).toContain('restarted');
    expect(story).not.toContain('mapping loss');
    for (const canary of path.canaries) canary.forgotten = true;
    await clock.advance(60);
    expect(story.filter((each) => each === 'mapping loss')).toHaveLength(1);
    expect(story.filter((each) => each === 'restarted')).toHaveLength(1);
  });

  it('tells a restarted far end from a mapping loss', async () => {
    const { clock, path, story } = await start();
    path.restart();
    await clock.advance(10);
    expect(story).toContain('restarted');
    expect(story).not.toContain('mapping loss');
  });

  it('does not call an outage that outlasted the canaries themselves a mapping loss', async () => {
    const { clock, path, story } = await start();
    path.passes = false;
    await clock.advance(960);
    for (const canary of path.canaries) canary.finish({ kind: 'silence', detail: 'the kernel gave up' });
    path.passes = true;
    await clock.advance(60);
    expect(story).toContain('outlasted');
    expect(story).not.toContain('mapping loss');
  });

  it('calls nothing a mapping loss where no canary was ever heard', async () => {
    const clock = new FakeClock();
    const path = new FakePath(clock);
    path.swallowsBeats = true;
    const { story } = await start(undefined, clock, path);
    await clock.advance(300);
    expect(path.canaries.length).toBeGreaterThan(2);
    expect(story).not.toContain('mapping loss');
  });

  it('beat() asks only canaries that have lived since the given moment', async () => {
    const { clock, path, lifeline, stop } = await start();
    const ask = async (moment: Seconds): Promise<boolean> => {
      const answer = lifeline.beat({ opened: { earliest: moment, latest: moment } }, 8, stop.signal);
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

  it('asks a far end that ends its canaries at once ever less, down to once a minute', async () => {
    const clock = new FakeClock();
    const path = new FakePath(clock);
    path.dropsCanaries = true;
    const { story } = await start(undefined, clock, path);
    await clock.advance(14);
    expect(path.canaries.length).toBeLessThan(9);
    await clock.advance(300);
    const before = path.canaries.length;
    await clock.advance(600);
    expect(path.canaries.length - before).toBeGreaterThanOrEqual(10);
    expect(path.canaries.length - before).toBeLessThanOrEqual(20);
    expect(story).toEqual(['unreachable']);
    path.dropsCanaries = false;
    await clock.advance(70);
    expect(story).toEqual(['unreachable', 'reached', 'watched']);
  });

  it('does not wait after canaries that had lived long', async () => {
    const { clock, path, story } = await start();
    await clock.advance(60);
    path.reboot();
    // A beat that stays unanswered, and as long again to be sure.
    await clock.advance(2 + 8 + 17);
    expect(story.slice(-2)).toEqual(['mapping loss', 'watched']);
  });

  it('takes canaries that were closed by a FIN for no loss of mappings', async () => {
    const { clock, path, story } = await start();
    await clock.advance(60);
    for (const canary of path.canaries) canary.finish({ kind: 'closed', detail: 'closed by the far end' });
    await clock.advance(10);
    expect(story.slice(-2)).toEqual(['closed', 'watched']);
    expect(story).not.toContain('mapping loss');
  });

  it('spreads its return over 5 s where all canaries were ended at once', async () => {
    for (const chance of [0, 0.5, 0.99]) {
      const { clock, path } = await start(undefined, undefined, undefined, () => chance);
      await clock.advance(60);
      const before = path.checks;
      path.restart();
      await clock.advance(chance * 5);
      expect(path.checks).toBe(before);
      await clock.advance(0.2);
      expect(path.checks).toBe(before + 1);
    }
  });

  it('does not wait where a kernel gave up the canaries: nobody has lost anything together', async () => {
    const { clock, path, story } = await start(undefined, undefined, undefined, () => 0.99);
    await clock.advance(60);
    for (const canary of path.canaries) canary.finish({ kind: 'silence', detail: 'the kernel gave up' });
    await clock.advance(0.5);
    expect(story).toContain('outlasted');
  });

  it('does not wait either where one canary was closed and the other one has only become silent', async () => {
    const { clock, path } = await start(undefined, undefined, undefined, () => 0.99);
    await clock.advance(60);
    const [closed, silent] = path.canaries;
    const before = path.checks;
    silent!.forgotten = true;
    closed!.finish({ kind: 'closed', detail: 'closed by the far end' });
    await clock.advance(0.5);
    expect(path.checks).toBe(before + 1);
  });

  it('beats as seldom as before again once there was no loss for an hour', async () => {
    const { clock, path, story } = await start(7440);
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

  it('beat() of somebody with less patience does not wait for one that is under way', async () => {
    const { clock, path, lifeline, stop } = await start();
    const before = clock.monotonic();
    path.passes = false;
    await clock.advance(3);
    const answer = lifeline.beat({ opened: { earliest: before, latest: before } }, 1.5, stop.signal);
    await clock.advance(2);
    path.passes = true;
    await clock.advance(1);
    expect(await answer).toBe(false);
  });

  it('closes its canaries when it is stopped', async () => {
    const { path, stop, done } = await start();
    stop.abort();
    await done;
    expect(path.canaries.map((canary) => canary.closed)).toEqual([true, true]);
  });
});
