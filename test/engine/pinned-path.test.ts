/** What a lifeline notices of a path, told to searches, experiments, facts and the journal. */
import { setMaxListeners } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { Mode } from '../../src/core/modes.js';
import { Journal } from '../../src/engine/journal.js';
import type { ModeRunner } from '../../src/engine/mode-runner.js';
import { FactsKeeper } from '../../src/engine/path-facts.js';
import { PinnedPath } from '../../src/engine/pinned-path.js';
import type { WatchedPath } from '../../src/engine/trial.js';
import { createLogger } from '../../src/log.js';
import { FakeClock } from '../support/fake-clock.js';
import { FakePath } from '../support/fake-path.js';
import { makeConfig } from '../support/fake-view.js';

const stops: AbortController[] = [];

afterEach(() => {
  for (const stop of stops.splice(0)) stop.abort();
});

/** A path that is measured over, and what its searches are told. */
async function start(prepare: (path: FakePath) => void = () => undefined) {
  const clock = new FakeClock();
  const path = new FakePath(clock);
  prepare(path);
  const target = makeConfig('vps', { modes: ['send', 'recv'] });
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  stops.push(stop);
  const journal = new Journal(createLogger({ level: 'error', format: 'json' }), clock);
  const facts = new FactsKeeper({ target, clock, journal, askRouter: () => Promise.resolve(undefined) });
  facts.pinned('203.0.113.9');
  const told: string[] = [];
  const finding: Partial<Record<Mode, { lower?: number }>> = { send: {}, recv: {} };
  const modes = (['send', 'recv'] as const).map(
    (mode) =>
      ({
        mode,
        get finding() {
          return finding[mode];
        },
        begin: () => told.push(`${mode} begins`),
        end: () => told.push(`${mode} ends`),
        lose: (kind: string) => told.push(`${mode} loses: ${kind}`),
        limit: (longest: number) => mode === 'send' && told.push(`limit ${longest}`),
      }) as unknown as ModeRunner,
  );
  const experiment = (name: string) =>
    ({
      begin: () => told.push(`${name} begins`),
      end: () => told.push(`${name} ends`),
      lose: () => told.push(`${name} loses`),
    }) as never;
  let watched: WatchedPath | undefined;
  const pinned = new PinnedPath(
    {
      path,
      clock,
      search: target.search,
      modes,
      prover: experiment('prover'),
      localizer: experiment('localizer'),
      facts,
      journal,
      watched: () => told.push('watched'),
      unreachable: () => told.push('unreachable'),
      begun: (begun) => {
        watched = begun;
        told.push('begun');
      },
      lost: () => told.push('lost'),
      mappingLoss: () => told.push('mapping loss'),
    },
    stop.signal,
  );
  const done = pinned.run();
  await clock.advance(1);
  const { search } = target;
  const told2 = (): string[] => told.splice(0);
  const events = (): string[] => journal.events.map(({ text }) => text);
  return { clock, path, pinned, stop, done, facts, finding, search, told: told2, events, watched: watched! };
}

describe('a path that is measured over', () => {
  it('begins once its canaries live, with the experiments, and ends with them', async () => {
    const { stop, done, search, told } = await start();
    expect(told()).toEqual([
      'watched',
      'prover begins',
      `limit ${search.max_idle}`,
      'send begins',
      'recv begins',
      'begun',
      'localizer begins',
    ]);
    stop.abort();
    await done;
    expect(told()).toEqual(['send ends', 'recv ends', 'prover ends', 'localizer ends']);
  });

  it('begins once, however often its canaries are lost', async () => {
    const { clock, path, told, events } = await start();
    told();
    path.reboot();
    await clock.advance(60);
    expect(told().filter((text) => text !== 'unreachable')).toEqual([
      'mapping loss',
      'send loses: mapping_loss',
      'recv loses: mapping_loss',
      'lost',
      'prover loses',
      'localizer loses',
      'watched',
    ]);
    expect(events().at(-1)).toBe('every mapping of the path vanished at once (reboot, new address)');
  });

  it('learns nothing from a far end that was restarted, and says which it was', async () => {
    const { clock, path, pinned, facts, told, events } = await start();
    told();
    path.restart();
    await clock.advance(30);
    const lost = [
      'send loses: interrupted',
      'recv loses: interrupted',
      'lost',
      'prover loses',
      'localizer loses',
    ];
    expect(told().filter((text) => !/reach/.test(text))).toEqual([...lost, 'watched']);
    pinned.closedByFarEnd();
    pinned.outageOutlasted();
    facts.pinned('203.0.113.9');
    for (const [instance, at] of [
      ['a', 0],
      ['b', 10],
      ['a', 20],
    ] as const)
      facts.welcomed('203.0.113.9', { instance, moment: { earliest: at, latest: at } });
    pinned.farEndRestarted();
    expect(told()).toEqual([...lost, ...lost, ...lost]);
    expect(events().filter((text) => !/several far ends answer|^vps/.test(text))).toEqual([
      'the far end was restarted: its connections are gone',
      'the far end closed the connections that watch the path',
      'an outage outlasted every connection: whether the mappings lived is unknown',
      'one of several far ends does not answer any more: the connections that watch the path are gone',
    ]);
  });

  it('asks no longer idle times than its far end is silent for, or connections live for', async () => {
    const { pinned, facts, told } = await start();
    told();
    pinned.speaks(600);
    expect(told()).toEqual(['limit 595']);
    expect(facts.facts.speaksAfter).toBe(600);
    pinned.speaks(600);
    pinned.speaks(900);
    expect(told()).toEqual([]);
    pinned.speaks(300);
    pinned.lifetime({ lower: 200, upper: 202 });
    expect(facts.facts.fixedLifetime).toBe(201);
    const [first, second] = told();
    expect(first).toBe('limit 295');
    expect(Number(second?.split(' ')[1])).toBeLessThan(200);
    expect(Number(second?.split(' ')[1])).toBeGreaterThan(150);
    pinned.lifetime(undefined);
    expect(told()).toEqual(['limit 295']);
  });

  it('knows from its introduction after how long a silence the far end speaks', async () => {
    const { told, events } = await start((path) => (path.speaksAfter = 300));
    expect(told()).toContain('limit 295');
    expect(events().join()).toContain('breaks a silence by itself after');
    const long = await start((path) => (path.speaksAfter = 1e6));
    expect(long.told()).toContain(`limit ${long.search.max_idle}`);
    expect(long.events().join()).not.toContain('breaks a silence');
  });

  it('beats as often as the shortest of what survives in all modes asks, while all that can be asked know one', async () => {
    for (const [send, recv, cannotBeAsked, beats] of [
      [7440, undefined, undefined, 15],
      [7440, 400, undefined, 1],
      [7440, 40, undefined, 3],
      [7440, undefined, ['recv'], 1],
    ] as const) {
      const { clock, path, finding, facts } = await start((made) => (made.cannotBeAsked = cannotBeAsked));
      expect(facts.facts.cannotBeAsked).toEqual(cannotBeAsked);
      finding.send = { lower: send };
      finding.recv = recv === undefined ? {} : { lower: recv };
      await clock.advance(120);
      const [canary] = path.canaries;
      const before = canary!.beatsAt.length;
      await clock.advance(30);
      expect(Math.abs(canary!.beatsAt.length - before - beats)).toBeLessThanOrEqual(1);
    }
  });

  it('says that probe connections do not stay once its canaries have for 5 s, and that they do again', async () => {
    const { clock, watched, told, events } = await start();
    const { breaker } = watched;
    told();
    breaker.failed(clock.monotonic());
    await clock.advance(4.9);
    expect(events()).toEqual(['vps answers']);
    await clock.advance(0.2);
    expect(events().at(-1)).toBe('probe connections end as soon as they are open: fewer and fewer are tried');
    breaker.opened(clock.monotonic(), () => true);
    await clock.advance(3);
    expect(events().at(-1)).toBe('probe connections stay open again');
    expect(events()).toHaveLength(3);
    breaker.failed(clock.monotonic(), 'vps closed the connection before the login');
    await clock.advance(5.1);
    expect(events().at(-1)).toBe(
      'no new probe connection is let in, while old ones live (vps closed the connection before the login): fewer and fewer are tried',
    );
  });

  it('says nothing of probe connections that stay again before, or while its canaries do not live', async () => {
    const { clock, pinned, watched, stop, events } = await start();
    const { breaker } = watched;
    breaker.failed(clock.monotonic());
    breaker.opened(clock.monotonic() + 0.1, () => true);
    await clock.advance(60);
    expect(events()).toEqual(['vps answers']);
    pinned.unwatched();
    breaker.failed(clock.monotonic());
    await clock.advance(30);
    expect(events()).toEqual(['vps answers']);
    pinned.watched();
    await clock.advance(10.1);
    expect(events().at(-1)).toContain('probe connections end');
    const before = events().length;
    breaker.opened(clock.monotonic(), () => true);
    await clock.advance(3);
    breaker.failed(clock.monotonic());
    stop.abort();
    await clock.advance(60);
    expect(events()).toHaveLength(before + 1);
  });

  it('that cannot be reached at first is launched on slowly: a whole fleet may have waited', async () => {
    const { clock, path, told } = await start((made) => (made.passes = false));
    await clock.advance(10);
    expect(told()).toContain('unreachable');
    path.passes = true;
    await clock.advance(20);
    expect(told()).toContain('begun');
  });
});
