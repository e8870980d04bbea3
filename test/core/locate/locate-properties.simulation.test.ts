/** What holds for every localisation, whatever chain of boxes it looks at and whatever goes wrong beside it. */
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { drawChain, type ChainTrait } from '../../support/arbitrary-chain.js';
import { driveLocate, type LocateRun, type Troubles } from '../../support/chain-driver.js';
import { falsehood, profileFalsehoods } from '../../support/chain-judge.js';
import { profileGround } from '../../../src/core/locate/profile-search.js';
import { driveProfile } from '../../support/profile-driver.js';
import { optionsFor, timeoutToFind } from '../../support/chain-options.js';
import { randomFrom, type Random } from '../../support/prng.js';
import { propertySeed } from '../../support/seed.js';
import { type Chain, forgettingBoxes, hopsOf } from '../../support/simulated-chain.js';

vi.setConfig({ testTimeout: 120_000 });

const SEED = propertySeed();

/** Seconds after the timeout within which others forget as well. */
const NEAR = 4;

interface Judged extends LocateRun {
  readonly seed: number;
  readonly chain: Chain;
  readonly traits: ReadonlySet<ChainTrait>;
  readonly places: number;
  readonly oneSided: boolean;
  readonly wrong: string | undefined;
}

/**
 * Locates in so many chains. A router that rewrites the TTL in both directions is left out: where it stands in the very
 * middle neither end can see that half of the path is missing (docs/LOCALIZATION.md).
 */
function inChains(
  count: number,
  troublesOf: (random: Random, chain: Chain) => Troubles = () => ({}),
): readonly Judged[] {
  const judged: Judged[] = [];
  for (let index = 0; judged.length < count; index++) {
    const seed = SEED + index;
    const random = randomFrom(seed);
    const { chain, traits } = drawChain(random, [60, 60, 300, 900][seed % 4]!, NEAR);
    const found = timeoutToFind(chain);
    if (found === undefined || chain.some(({ rewrites }) => rewrites === 'both')) continue;
    const places = random() < 0.6 ? 45 : 1 + Math.floor(random() * 16);
    const draw = random();
    const responder =
      draw < 0.1 ? [] : draw < 0.5 ? (['keepalive', 'data'] as const) : (['keepalive'] as const);
    const options = optionsFor(chain, found, { places, means: { client: ['keepalive', 'data'], responder } });
    const troubles = troublesOf(random, chain);
    const run = driveLocate(options, chain, random, troubles);
    const idle = options.upper + options.guard;
    const truths = [chain, troubles.otherPath, troubles.afterwards].filter((path) => path !== undefined);
    const box = run.result?.kind === 'located' ? run.result.box : undefined;
    const falsehoods =
      box === undefined
        ? []
        : truths.map((path) => falsehood(box, forgettingBoxes(path, found.mode, idle), hopsOf(path)));
    const isTrue = falsehoods.includes(undefined) || box === undefined;
    judged.push({
      ...run,
      seed,
      chain,
      traits,
      places,
      oneSided: responder.length === 0,
      wrong: isTrue ? undefined : `seed ${seed}: ${String(falsehoods[0])}`,
    });
  }
  return judged;
}

const wrongs = (runs: readonly Judged[]): string[] => runs.flatMap(({ wrong }) => wrong ?? []);
const located = (runs: readonly Judged[]): readonly Judged[] =>
  runs.filter(({ result }) => result?.kind === 'located');
const unended = (runs: readonly Judged[]): number[] =>
  runs.filter(({ result }) => result === null).map(({ seed }) => seed);

describe('a localisation in a steady network', () => {
  let runs: readonly Judged[] = [];
  beforeAll(() => {
    runs = inChains(3000);
  }, 120_000);
  const share = (some: readonly Judged[]): number => located(some).length / some.length;

  test('comes to an end', () => {
    expect(unended(runs)).toEqual([]);
  });

  test('never names what does not forget', () => {
    expect(wrongs(runs)).toEqual([]);
  });

  test('names a box in nearly every chain', () => {
    const reasons = new Map<string, number>();
    for (const { result } of runs)
      if (result?.kind === 'not_located') reasons.set(result.reason, (reasons.get(result.reason) ?? 0) + 1);
    console.log(`not located: ${JSON.stringify(Object.fromEntries(reasons))} of ${runs.length}`);
    expect(share(runs)).toBeGreaterThan(0.9);
    const plain = runs.filter(
      ({ traits, oneSided }) =>
        !oneSided &&
        !['eater', 'rewrites', 'trap', 'one_direction'].some((one) => traits.has(one as ChainTrait)),
    );
    expect(share(plain)).toBe(1);
  });

  test('meets every kind of box and says every kind of thing', () => {
    const traits: Record<ChainTrait, number> = {
      router: 500,
      bridge: 500,
      ttl_first: 100,
      one_direction: 100,
      asymmetric: 40,
      loose: 50,
      inbound_revives: 50,
      eater: 100,
      resets: 50,
      rewrites: 50,
      trap: 50,
      own_firewall: 50,
      far_end_firewall: 100,
      two_forget: 500,
      three_forget: 300,
      twelve_hops: 100,
      no_router: 50,
    };
    for (const [trait, least] of Object.entries(traits))
      expect
        .soft(runs.filter((run) => run.traits.has(trait as ChainTrait)).length, trait)
        .toBeGreaterThan(least);
    const said = located(runs).map(({ result }) => (result?.kind === 'located' ? result.box.kind : ''));
    for (const kind of ['router', 'transparent', 'ttl_first', 'several', 'one_sided'])
      expect.soft(said.filter((one) => one === kind).length, kind).toBeGreaterThan(50);
  });

  test('has no more connections open than it was given places', () => {
    expect(runs.filter(({ peak, places }) => peak > places).map(({ seed }) => seed)).toEqual([]);
  });

  test('takes 2 h + 16 connections and two idle times where there is room', () => {
    const roomy = runs.filter(
      ({ places, traits }) =>
        places === 45 && !['eater', 'trap', 'rewrites'].some((one) => traits.has(one as ChainTrait)),
    );
    expect(roomy.length).toBeGreaterThan(500);
    const long = roomy.filter(({ duration, result }) => duration > 20 + 2 * (result!.evidence.idle + 4));
    expect(long.map(({ seed }) => seed)).toEqual([]);
    // Echoes are asked only where the acknowledgement of the other end is in question.
    const many = roomy.filter(({ opened, chain, result }) => {
      const echoed = result!.evidence.cells.some(({ k, m }) => k > 0 && m > 0 && k + m > hopsOf(chain) + 1);
      return opened > 2 * hopsOf(chain) + 16 + (echoed ? 6 : 0);
    });
    expect(many.map(({ seed }) => seed)).toEqual([]);
  });
});

describe('a localisation in a network that is not steady', () => {
  test.each<[string, (random: Random, chain: Chain) => Troubles]>([
    [
      'evicts connections, loses controls and refuses some',
      () => ({ eviction: 0.01, inconclusive: 0.03, openFails: 0.03 }),
    ],
    ['loses segments while routers are counted', () => ({ loss: 0.1 })],
    ['is interrupted', () => ({ interruption: 1 })],
    ['becomes another one', (random) => ({ interruption: 1, afterwards: another(random) })],
  ])('claims nothing false where it %s', (_name, troubles) => {
    const runs = inChains(600, troubles);
    expect(unended(runs)).toEqual([]);
    expect(wrongs(runs)).toEqual([]);
    expect(located(runs).length).toBeGreaterThan(300);
  });

  test('a path that is shared among two is mostly seen to be', () => {
    const runs = inChains(600, (random) => ({ otherPath: another(random) }));
    expect(unended(runs)).toEqual([]);
    // Each decisive cell is asked three times: that all meet the same path is chance.
    expect(wrongs(runs).length / runs.length).toBeLessThan(0.06);
    const doubted = runs.filter(
      ({ result }) =>
        result?.kind === 'not_located' &&
        ['mixed', 'distance_changed', 'contradiction'].includes(result.reason),
    );
    expect(doubted.length / runs.length).toBeGreaterThan(0.4);
  });
});

describe('a far end that lies', () => {
  test.each<[string, (random: Random, chain: Chain) => Troubles['lies']]>([
    ['about its distance', (random, chain) => ({ distance: Math.floor(random() * (hopsOf(chain) + 3)) })],
    ['and refreshes all the way', () => ({ ttl: () => 64 })],
    ['and does not refresh', () => ({ ttl: () => 0 })],
    ['and refreshes one hop too far', () => ({ ttl: (asked) => asked + 1 })],
  ])('%s gets nothing false claimed', (_name, lies) => {
    const runs = inChains(400, (random, chain) => {
      const told = lies(random, chain);
      return told === undefined ? {} : { lies: told };
    });
    expect(unended(runs)).toEqual([]);
    expect(wrongs(runs)).toEqual([]);
    // What this end sees by itself is still said.
    expect(located(runs).length).toBeGreaterThan(150);
  });
});

/** A chain without routers that rewrite. */
function another(random: Random): Chain {
  for (;;) {
    const { chain, traits } = drawChain(random, 60, NEAR);
    if (!traits.has('rewrites')) return chain;
  }
}

describe('a profile', () => {
  const SEARCH = {
    minIdle: 15,
    maxIdle: 1000,
    resolution: 10,
    connections: 24,
    deadline: 3,
    required: 7440,
    guard: 5,
    timing: 'late',
  } as const;

  test('says nothing against the chain, and is known wherever both ends name one box', () => {
    const wrong: string[] = [];
    let [known, claims] = [0, 0];
    for (let seed = SEED; known < 40; seed++) {
      const random = randomFrom(seed);
      const { chain } = drawChain(random, [60, 300][seed % 2]!, NEAR);
      const found = timeoutToFind(chain);
      if (found === undefined || chain.some(({ rewrites }) => rewrites === 'both')) continue;
      const means = { client: ['keepalive'], responder: ['keepalive'] } as const;
      const { result } = driveLocate(optionsFor(chain, found, { means }), chain, random);
      const ground = result === null ? undefined : profileGround(result);
      if (ground === undefined) continue;
      const run = driveProfile({ ...ground, search: SEARCH }, chain, found.mode);
      expect.soft(run.peak, `seed ${seed}`).toBeLessThanOrEqual(SEARCH.connections);
      if (typeof run.result === 'string') {
        // What refreshes do harm to, another box may be than the one that was located.
        if (!chain.some(({ trap }) => trap !== undefined)) wrong.push(`seed ${seed}: ${run.result}`);
        continue;
      }
      known += 1;
      claims += run.result.places.filter(({ upper }) => upper !== undefined).length;
      wrong.push(
        ...profileFalsehoods(run.result, chain, found.mode, 6).map((claim) => `seed ${seed}: ${claim}`),
      );
    }
    expect(wrong).toEqual([]);
    expect(claims).toBeGreaterThan(30);
  });
});
