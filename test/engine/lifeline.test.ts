import { describe, expect, it } from 'vitest';
import { watchPathTelling } from '../support/watched-path.js';

describe('Lifeline', () => {
  it('opens two canaries once the far end answers', async () => {
    const { path, story } = await watchPathTelling();
    expect(story).toEqual(['reached', 'watched']);
    expect(path.canaries).toHaveLength(2);
  });

  it('does not doubt a far end whose one canary lives although it takes no second one', async () => {
    const { clock, path, story } = await watchPathTelling();
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

  it('replaces one evicted canary without any alarm', async () => {
    const { clock, path, story } = await watchPathTelling();
    const [evicted] = path.canaries;
    if (evicted !== undefined) evicted.forgotten = true;
    await clock.advance(60);
    expect(story).not.toContain('mapping loss');
    expect(path.canaries).toHaveLength(3);
    expect(evicted?.closed).toBe(true);
  });

  it('keeps its canaries through a silent outage of 30 s', async () => {
    const { clock, path, story } = await watchPathTelling();
    path.passes = false;
    await clock.advance(30);
    expect(story).toContain('unreachable');
    path.passes = true;
    await clock.advance(60);
    expect(story).not.toContain('mapping loss');
    expect(story.at(-1)).toBe('watched');
    expect(path.canaries).toHaveLength(2);
  });

  it('asks a far end that ends its canaries at once ever less, down to once a minute', async () => {
    const { clock, path, story } = await watchPathTelling({ prepare: (path) => (path.dropsCanaries = true) });
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

  it('closes its canaries when it is stopped', async () => {
    const { path, stop, done } = await watchPathTelling();
    stop.abort();
    await done;
    expect(path.canaries.map((canary) => canary.closed)).toEqual([true, true]);
  });
});
