/** What a localisation keeps to whatever it is told: any event at any time, true or not. */
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { DECISIVE } from '../../../src/core/locate/cells.js';
import { cornerOf } from '../../../src/core/locate/corner.js';
import {
  FULL_TTL,
  type LocateAction,
  type LocateEvent,
  type LocateOptions,
} from '../../../src/core/locate/locate-contract.js';
import { createLocate, locateStep } from '../../../src/core/locate/locate-step.js';
import type { LocateState } from '../../../src/core/locate/locate-state.js';
import type { Verdict } from '../../../src/core/verdict.js';
import { randomFrom, type Random } from '../../support/prng.js';
import { propertySeed } from '../../support/seed.js';

vi.setConfig({ testTimeout: 120_000 });

const SEED = propertySeed();

const anyOptions: fc.Arbitrary<LocateOptions> = fc.record({
  mode: fc.constantFrom('send', 'recv', 'keepalive'),
  lower: fc.constantFrom(9, 59, 3595),
  upper: fc.constantFrom(3600, 7440),
  guard: fc.constantFrom(0, 5),
  interval: fc.constantFrom(1, 55),
  places: fc.integer({ min: 1, max: 40 }),
  maxHops: fc.integer({ min: 1, max: 8 }),
  means: fc.record({
    client: fc.constantFrom<LocateOptions['means']['client'][]>([], ['keepalive'], ['keepalive', 'data']),
    responder: fc.constantFrom<LocateOptions['means']['client'][]>([], ['keepalive'], ['keepalive', 'data']),
  }),
});

const VERDICTS: readonly Verdict[] = [
  { kind: 'alive' },
  { kind: 'dead', evidence: 'silence' },
  { kind: 'dead', evidence: 'reset_idle' },
  { kind: 'dead', evidence: 'closed' },
  { kind: 'inconclusive', reason: 'canary_lost' },
];

/** How a world answers: how many of its verdicts follow a box, and how likely everything is interrupted. */
interface Temper {
  readonly honesty: number;
  readonly interruption: number;
}

/** The next thing that happens: an answer to something that is open, or anything at all. */
function anyEvent(state: LocateState, random: Random, { honesty, interruption }: Temper): LocateEvent {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  if (random() < interruption) return { kind: 'interrupted' };
  if (state.stage === 'distances') {
    const acked =
      random() < honesty ? [3, 4, FULL_TTL] : [1 + Math.floor(random() * 9)].filter(() => random() < 0.8);
    return { kind: 'reached', side: pick(['client', 'responder']), acked: random() < 0.3 ? [] : acked };
  }
  const probe = state.probes[Math.floor(random() * state.probes.length)];
  if (probe === undefined || random() < 0.05) return { kind: 'tick' };
  const id = random() < 0.02 ? 10_000 : probe.id;
  if (probe.state === 'opening')
    return random() < 0.05 ? { kind: 'open_failed', id } : { kind: 'opened', id };
  const { k, m, harm } = probe.question;
  const honest = random() < honesty;
  const verdict: Verdict = honest
    ? harm || k >= 2 || m >= 2
      ? { kind: 'alive' }
      : { kind: 'dead', evidence: 'silence' }
    : pick(VERDICTS);
  const idle = honest ? (harm ? 0.9 * state.options.lower : state.options.upper + 5) : random() * 8000;
  const arrivals = honest
    ? { client: k > 2, responder: m > 2 }
    : pick([{}, { client: true, responder: true }, { client: false, responder: false }]);
  return { kind: 'verdict', id, verdict, idle, arrivals };
}

interface Ended {
  readonly state: LocateState;
  readonly steps: number;
}

/** Runs a world, looking at every step. */
function run(options: LocateOptions, seed: number, temper: Temper, most: number): Ended {
  const random = randomFrom(seed);
  let state = createLocate(options);
  let at = 0;
  const ids = new Set<number>();
  const look = (actions: readonly LocateAction[]): void => {
    expect(state.probes.length).toBeLessThanOrEqual(options.places);
    for (const action of actions) {
      if (action.kind === 'wake') expect(action.at).toBeGreaterThanOrEqual(at);
      if (action.kind === 'open') {
        expect(ids.has(action.id)).toBe(false);
        ids.add(action.id);
      }
      if (action.kind === 'reach') {
        expect(action.ttls.length).toBeGreaterThan(0);
        for (const ttl of action.ttls) expect(ttl >= 1 && ttl <= FULL_TTL).toBe(true);
      }
    }
    const concluded = actions.filter(({ kind }) => kind === 'conclude').length;
    expect(concluded).toBe(state.stage === 'over' ? 1 : 0);
    if (concluded === 1) expect(actions.at(-1)?.kind).toBe('conclude');
  };
  const feed = (event: LocateEvent): void => {
    const before = JSON.stringify(state);
    const stepped = locateStep(state, at, event);
    // The given state stays as it is, and every state survives a round trip through JSON.
    expect(JSON.stringify(state)).toBe(before);
    state = stepped.state;
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    look(stepped.actions);
  };
  feed({ kind: 'start' });
  let steps = 0;
  for (; steps < most && state.stage !== 'over'; steps++) {
    at += random() * 20;
    feed(anyEvent(state, random, temper));
  }
  if (state.stage === 'over') {
    const after = locateStep(state, at, { kind: 'interrupted' });
    expect(after.actions).toEqual([]);
  }
  return { state, steps };
}

/** What every claim rests on. */
function checkClaim({ result }: LocateState): void {
  if (result?.kind !== 'located') return;
  const { box, evidence } = result;
  const count = (k: number, m: number) => {
    const cell = evidence.cells.find((each) => each.k === k && each.m === m);
    return { alive: cell?.alive ?? 0, dead: cell?.dead ?? 0 };
  };
  const unanimous = (k: number, m: number, answer: 'alive' | 'dead'): void => {
    const { alive, dead } = count(k, m);
    expect(answer === 'alive' ? dead : alive).toBe(0);
    expect(alive + dead).toBeGreaterThanOrEqual(DECISIVE);
  };
  expect(count(0, 0)).toMatchObject({ alive: 0 });
  if (box.kc !== undefined) {
    unanimous(box.kc - 1, 0, 'dead');
    unanimous(box.kc, 0, 'alive');
  }
  if (box.ks !== undefined) {
    unanimous(0, box.ks - 1, 'dead');
    unanimous(0, box.ks, 'alive');
  }
  if (box.kind === 'one_sided') return;
  const { k, m } = cornerOf(box);
  unanimous(k, m, box.kind === 'several' ? 'alive' : 'dead');
  for (const { alive } of evidence.harm) expect(alive).toBeGreaterThan(0);
}

const anySeed = fc.integer({ min: 1, max: 1_000_000 });

test.each<[string, Temper]>([
  ['lawless', { honesty: 0, interruption: 0.002 }],
  ['half honest', { honesty: 0.7, interruption: 0.001 }],
  ['mostly honest', { honesty: 0.97, interruption: 0.0005 }],
  ['honest', { honesty: 1, interruption: 0 }],
])(
  'in a %s world a localisation keeps to its contract, ends, and claims only on evidence',
  (_name, temper) => {
    const ends = new Map<string, number>();
    fc.assert(
      fc.property(anyOptions, anySeed, (options, seed) => {
        const { state, steps } = run(options, seed, temper, 6000);
        expect(steps).toBeLessThan(6000);
        checkClaim(state);
        const { result } = state;
        const end = result?.kind === 'located' ? result.box.kind : (result?.reason ?? 'none');
        ends.set(end, (ends.get(end) ?? 0) + 1);
      }),
      { numRuns: 150, seed: SEED },
    );
    console.log(JSON.stringify(Object.fromEntries(ends)));
    expect(ends.size).toBeGreaterThan(1);
  },
);
