import { describe, expect, it } from 'vitest';
import { watchPathTelling } from '../support/watched-path.js';

describe('a LossJudge', () => {
  it('calls it a mapping loss when both canaries are silent while fresh connections work', async () => {
    const { clock, path, story } = await watchPathTelling();
    for (const canary of path.canaries) canary.forgotten = true;
    await clock.advance(60);
    expect(story).toContain('mapping loss');
    expect(story.filter((each) => each === 'mapping loss')).toHaveLength(1);
    expect(path.canaries).toHaveLength(4);
  });

  it('calls it nothing when both canaries hang at the far end, and watches on with new ones', async () => {
    const { clock, path, story } = await watchPathTelling();
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
    const { clock, path, story } = await watchPathTelling();
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
    const { clock, path } = await watchPathTelling({ survives: 20 });
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

  it('keeps its canaries through a silent outage of any length, however late TCP repeats itself', async () => {
    for (let outage = 5; outage <= 400; outage = Math.ceil(outage * 1.07)) {
      const { clock, path, story } = await watchPathTelling();
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
    const { clock, path, story } = await watchPathTelling();
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
    const { clock, path, story } = await watchPathTelling();
    path.restart();
    await clock.advance(10);
    expect(story).toContain('restarted');
    expect(story).not.toContain('mapping loss');
  });

  it('does not call an outage that outlasted the canaries themselves a mapping loss', async () => {
    const { clock, path, story } = await watchPathTelling();
    path.passes = false;
    await clock.advance(960);
    for (const canary of path.canaries) canary.finish({ kind: 'silence', detail: 'the kernel gave up' });
    path.passes = true;
    await clock.advance(60);
    expect(story).toContain('outlasted');
    expect(story).not.toContain('mapping loss');
  });

  it('calls nothing a mapping loss where no canary was ever heard', async () => {
    const { clock, path, story } = await watchPathTelling({ prepare: (path) => (path.swallowsBeats = true) });
    await clock.advance(300);
    expect(path.canaries.length).toBeGreaterThan(2);
    expect(story).not.toContain('mapping loss');
  });

  it('does not wait after canaries that had lived long', async () => {
    const { clock, path, story } = await watchPathTelling();
    await clock.advance(60);
    path.reboot();
    // A beat that stays unanswered, and as long again to be sure.
    await clock.advance(2 + 8 + 17);
    expect(story.slice(-2)).toEqual(['mapping loss', 'watched']);
  });

  it('takes canaries that were closed by a FIN for no loss of mappings', async () => {
    const { clock, path, story } = await watchPathTelling();
    await clock.advance(60);
    for (const canary of path.canaries) canary.finish({ kind: 'closed', detail: 'closed by the far end' });
    await clock.advance(10);
    expect(story.slice(-2)).toEqual(['closed', 'watched']);
    expect(story).not.toContain('mapping loss');
  });

  it('spreads its return over 5 s where all canaries were ended at once', async () => {
    for (const chance of [0, 0.5, 0.99]) {
      const { clock, path } = await watchPathTelling({ random: () => chance });
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
    const { clock, path, story } = await watchPathTelling({ random: () => 0.99 });
    await clock.advance(60);
    for (const canary of path.canaries) canary.finish({ kind: 'silence', detail: 'the kernel gave up' });
    await clock.advance(0.5);
    expect(story).toContain('outlasted');
  });

  it('does not wait either where one canary was closed and the other one has only become silent', async () => {
    const { clock, path } = await watchPathTelling({ random: () => 0.99 });
    await clock.advance(60);
    const [closed, silent] = path.canaries;
    const before = path.checks;
    silent!.forgotten = true;
    closed!.finish({ kind: 'closed', detail: 'closed by the far end' });
    await clock.advance(0.5);
    expect(path.checks).toBe(before + 1);
  });
});
