import { describe, expect, it } from 'vitest';
import { type AnnouncementChannel, type AnnouncementOutcome, Announcer } from '../../src/probe/announcer.js';
import { FakeClock } from '../support/fake-clock.js';

const MAC = 'a'.repeat(64);

function scene(random = () => 0.5) {
  const clock = new FakeClock();
  const outcomes: AnnouncementOutcome[] = [];
  const said: { channel: string; at: number; line: string }[] = [];
  const began = clock.monotonic();
  const announcer = new Announcer({
    announcement: { address: 'exporter.example:15382' },
    clock,
    answered: (outcome) => outcomes.push(outcome),
    random,
  });
  const channel = (name: string, interval: number | undefined = 300): AnnouncementChannel => ({
    interval,
    mac: () => MAC,
    say: (line) => said.push({ channel: name, at: clock.monotonic() - began, line }),
  });
  return { announcer, channel, clock, outcomes, said, times: () => said.map(({ at }) => at) };
}

describe('Announcer', () => {
  it('announces soon after the first canary is open, then somewhat earlier than it is asked to', async () => {
    const { announcer, channel, clock, said, times } = scene();
    announcer.opened(channel('a'));
    await clock.advance(600);
    expect(times()).toEqual([1, 271, 541]);
    expect(said[0]?.line).toBe(`ANNOUNCE address=exporter.example:15382 mac=${MAC}\n`);
  });

  it.each([0, 0.999])('stays within the interval whatever chance says (%d)', async (chance) => {
    const { announcer, channel, clock, times } = scene(() => chance);
    announcer.opened(channel('a', 30));
    await clock.advance(300);
    const gaps = times()
      .slice(1)
      .map((at, index) => at - (times()[index] ?? 0));
    expect(times()[0]).toBeLessThanOrEqual(2);
    for (const gap of gaps) {
      expect(gap).toBeLessThanOrEqual(30);
      expect(gap).toBeGreaterThanOrEqual(24);
    }
  });

  it('speaks over one canary only, the youngest', async () => {
    const { announcer, channel, clock, said } = scene();
    announcer.opened(channel('a'));
    announcer.opened(channel('b'));
    await clock.advance(300);
    expect(said.map(({ channel: name }) => name)).toEqual(['b', 'b']);
  });

  it('goes on over the canary that is left, without hurry', async () => {
    const { announcer, channel, clock, said, times } = scene();
    const [a, b] = [channel('a'), channel('b')];
    announcer.opened(a);
    announcer.opened(b);
    await clock.advance(10);
    announcer.closed(b);
    announcer.opened(channel('c'));
    await clock.advance(270);
    expect(said.map(({ channel: name }) => name)).toEqual(['b', 'c']);
    expect(times()).toEqual([1, 271]);
  });

  it('announces again soon after all canaries were lost and one is back', async () => {
    const { announcer, channel, clock, times } = scene();
    const a = channel('a');
    announcer.opened(a);
    await clock.advance(100);
    announcer.closed(a);
    await clock.advance(1000);
    expect(times()).toEqual([1]);
    announcer.opened(channel('b'));
    await clock.advance(2);
    expect(times()).toEqual([1, 1101]);
  });

  it('says nothing to a far end that takes none', async () => {
    const { announcer, channel, clock, said, outcomes } = scene();
    announcer.opened({ ...channel('a'), interval: undefined });
    await clock.advance(10_000);
    expect(said).toEqual([]);
    expect(outcomes).toEqual([{ kind: 'not_taken' }]);
  });

  it.each([
    [0, 1],
    [4_294_967_295, 86_400],
  ])('does not follow a far end that asks for every %d s', async (asked, interval) => {
    const { announcer, channel, clock, times } = scene(() => 0);
    announcer.opened(channel('a', asked));
    await clock.advance(interval * 2);
    expect(times()).toEqual([0, interval, interval * 2]);
  });

  it('tells what is answered, and nothing else', async () => {
    const { announcer, channel, clock, outcomes } = scene();
    announcer.opened(channel('a', 10));
    await clock.advance(2);
    announcer.heard({ kind: 'announced' });
    await clock.advance(10);
    announcer.heard({ kind: 'error', code: 'announcement', detail: 'no' });
    announcer.heard({ kind: 'error', code: 'unknown_probe', probe: 1 });
    announcer.heard({ kind: 'gone', probe: 1, cause: 'reset' });
    expect(outcomes).toEqual([{ kind: 'announced' }, { kind: 'refused', detail: 'no' }]);
  });

  it('takes one answer for each announcement, however many a far end sends', async () => {
    const { announcer, channel, clock, outcomes } = scene();
    announcer.heard({ kind: 'announced' });
    announcer.opened(channel('a', 100));
    await clock.advance(2);
    for (let each = 0; each < 50; each += 1) {
      announcer.heard({ kind: 'error', code: 'announcement', detail: `no ${each}` });
      announcer.heard({ kind: 'announced' });
    }
    expect(outcomes).toEqual([{ kind: 'refused', detail: 'no 0' }]);
  });

  it('announces ever less often to a far end that refuses, and as asked once it takes one', async () => {
    const { announcer, channel, clock, outcomes, said } = scene(() => 0);
    announcer.opened(channel('a', 1));
    for (let second = 0; second < 300; second += 1) {
      await clock.advance(1);
      announcer.heard({ kind: 'error', code: 'announcement', detail: 'no' });
    }
    expect(said.length).toBeLessThan(12);
    const before = said.length;
    await clock.advance(300);
    announcer.heard({ kind: 'announced' });
    expect(outcomes.at(-1)).toEqual({ kind: 'announced' });
    expect(said.length).toBe(before + 1);
  });
});
