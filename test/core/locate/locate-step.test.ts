/** The steps of a localisation: what it asks for, in which order, and what it does not believe. */
import { describe, expect, test } from 'vitest';
import type {
  LocateAction,
  LocateEvent,
  LocateOptions,
  Question,
} from '../../../src/core/locate/locate-contract.js';
import { locateDuration, locateProgress, locateTimeLeft } from '../../../src/core/locate/locate-progress.js';
import { createLocate, locateStep } from '../../../src/core/locate/locate-step.js';
import type { LocateState } from '../../../src/core/locate/locate-state.js';
import type { Verdict } from '../../../src/core/verdict.js';
import { driveLocate, type Troubles } from '../../support/chain-driver.js';
import { optionsFor, timeoutToFind } from '../../support/chain-options.js';
import { randomFrom } from '../../support/prng.js';
import { type Chain, type ChainBox, hopsOf } from '../../support/simulated-chain.js';

const R: ChainBox = { kind: 'router' };
const NAT: ChainBox = { kind: 'router', timeout: 60 };
const BRIDGE: ChainBox = { kind: 'bridge', timeout: 60 };

const OPTIONS: LocateOptions = {
  mode: 'send',
  lower: 59,
  upper: 61,
  guard: 5,
  interval: 7,
  places: 40,
  maxHops: 5,
  means: { client: ['keepalive', 'data'], responder: ['keepalive'] },
};

function locate(chain: Chain, given: Partial<LocateOptions> = {}, troubles: Troubles = {}) {
  return driveLocate(optionsFor(chain, timeoutToFind(chain)!, given), chain, randomFrom(1), troubles);
}

/** What a run says, in short. */
function said(chain: Chain, given: Partial<LocateOptions> = {}, troubles: Troubles = {}) {
  const { result } = locate(chain, given, troubles);
  return result?.kind === 'located' ? result.box : result?.reason;
}

/** A localisation in the hands of a test: events in, actions out. */
class Hands {
  state: LocateState;
  actions: readonly LocateAction[] = [];
  at = 0;

  constructor(options: Partial<LocateOptions> = {}) {
    this.state = createLocate({ ...OPTIONS, ...options });
  }

  feed(event: LocateEvent, at = this.at): this {
    this.at = at;
    ({ state: this.state, actions: this.actions } = locateStep(this.state, at, event));
    return this;
  }

  /** Both ends count so many routers. */
  begin(hops: number): this {
    this.feed({ kind: 'start' });
    for (let sweep = 0; sweep < 3; sweep++)
      for (const side of ['client', 'responder'] as const)
        this.feed({ kind: 'reached', side, acked: sweep === 0 ? [hops + 2, hops + 1, 64] : [] });
    return this;
  }

  get questions(): readonly Question[] {
    return this.state.probes.map(({ question }) => question);
  }

  /** Opens all that is opening. */
  openAll(): this {
    for (const { id } of this.state.probes) this.feed({ kind: 'opened', id });
    return this;
  }

  /** Gives each open probe its verdict by its cell. */
  judge(
    verdictOf: (question: Question) => Verdict | 'alive' | 'dead',
    hops: number,
    idleOf = ({ harm }: Question): number => (harm ? 53.2 : 66),
  ): this {
    for (const { id, question } of this.state.probes) {
      const given = verdictOf(question);
      const verdict: Verdict =
        given === 'alive'
          ? { kind: 'alive' }
          : given === 'dead'
            ? { kind: 'dead', evidence: 'silence' }
            : given;
      const arrivals = { client: question.k > hops, responder: question.m > hops };
      this.feed({ kind: 'verdict', id, verdict, idle: idleOf(question), arrivals }, this.at + 0.01);
    }
    return this;
  }
}

/** A router at hop 1 of 2. */
const FIRST_OF_TWO = ({ k, m, harm }: Question): 'alive' | 'dead' =>
  harm || k >= 1 || m >= 2 ? 'alive' : 'dead';

describe('a localisation', () => {
  test('counts the routers from both ends first, and asks the last silent TTL again', () => {
    const hands = new Hands().feed({ kind: 'start' });
    expect(hands.actions).toEqual([
      { kind: 'reach', side: 'client', ttls: [1, 2, 3, 4, 5, 6, 64], means: 'keepalive' },
      { kind: 'reach', side: 'responder', ttls: [1, 2, 3, 4, 5, 6, 64], means: 'keepalive' },
    ]);
    hands.feed({ kind: 'reached', side: 'client', acked: [4, 6, 64] });
    expect(hands.actions).toEqual([{ kind: 'reach', side: 'client', ttls: [3], means: 'keepalive' }]);
    // The third was lost before.
    hands.feed({ kind: 'reached', side: 'client', acked: [3] });
    expect(hands.actions).toEqual([{ kind: 'reach', side: 'client', ttls: [2], means: 'keepalive' }]);
    hands
      .feed({ kind: 'reached', side: 'client', acked: [] })
      .feed({ kind: 'reached', side: 'client', acked: [] });
    expect(hands.state.ends.client.distance).toBe(2);
    expect(hands.actions).toEqual([]);
  });

  test('asks both rows and the harm controls at once', () => {
    const hands = new Hands().begin(2);
    expect(hands.questions).toEqual([
      { k: 0, m: 0, harm: false },
      { k: 3, m: 0, harm: false },
      { k: 0, m: 3, harm: false },
      { k: 2, m: 0, harm: true },
      { k: 0, m: 2, harm: true },
      { k: 1, m: 0, harm: false },
      { k: 2, m: 0, harm: false },
      { k: 0, m: 1, harm: false },
      { k: 0, m: 2, harm: false },
    ]);
    expect(hands.actions.find((action) => action.kind === 'open' && action.id === 9)).toEqual({
      kind: 'open',
      id: 9,
      interval: 7,
      client: undefined,
      responder: { ttl: 2, means: 'keepalive' },
    });
  });

  test('tests each connection when it has idled beyond the upper bound, harm controls below the lower one', () => {
    const hands = new Hands().begin(2).openAll();
    expect(hands.actions).toContainEqual({ kind: 'wake', at: 0.9 * 59 });
    hands.feed({ kind: 'tick' }, 53.2);
    expect(hands.actions.filter(({ kind }) => kind === 'test')).toEqual([
      { kind: 'test', id: 4 },
      { kind: 'test', id: 5 },
    ]);
    expect(hands.actions).toContainEqual({ kind: 'wake', at: 66 });
    hands.feed({ kind: 'tick' }, 66);
    expect(hands.actions.filter(({ kind }) => kind === 'test')).toHaveLength(7);
  });

  test('asks what the claim rests on three times in all, then concludes', () => {
    const hands = new Hands().begin(2).openAll().judge(FIRST_OF_TWO, 2);
    const asked = new Map<string, number>();
    for (const { k, m } of hands.questions) asked.set(`${k},${m}`, (asked.get(`${k},${m}`) ?? 0) + 1);
    // The corner of kc = 1 and ks = 2 is the cell below ks.
    expect(Object.fromEntries(asked)).toEqual({ '0,0': 2, '1,0': 2, '0,1': 2, '0,2': 2 });
    hands.openAll().judge(FIRST_OF_TWO, 2);
    expect(hands.state.result).toMatchObject({ kind: 'located', box: { kind: 'router', hop: 1 } });
    expect(hands.actions.at(-1)).toMatchObject({ kind: 'conclude' });
    expect(hands.feed({ kind: 'tick' }).actions).toEqual([]);
  });

  test('does not believe a verdict that does not speak of the cell', () => {
    const believed = (verdict: Verdict, idle: number): number => {
      const hands = new Hands().begin(2).openAll();
      hands.feed({ kind: 'verdict', id: 6, verdict, idle, arrivals: { client: false } });
      const tally = hands.state.tallies['1,0']!;
      return tally.alive + tally.dead;
    };
    expect(believed({ kind: 'alive' }, 66)).toBe(1);
    expect(believed({ kind: 'dead', evidence: 'silence' }, 66)).toBe(1);
    expect(believed({ kind: 'dead', evidence: 'reset_idle' }, 60)).toBe(1);
    expect(believed({ kind: 'alive' }, 60)).toBe(0);
    expect(believed({ kind: 'dead', evidence: 'reset_idle' }, 40)).toBe(0);
    expect(believed({ kind: 'dead', evidence: 'closed' }, 66)).toBe(0);
    expect(believed({ kind: 'inconclusive', reason: 'canary_lost' }, 66)).toBe(0);
  });

  test('does not believe a test whose refreshes went too far, not far enough, or nobody knows how far', () => {
    const believed = (id: number, client: boolean | undefined): number => {
      // With another means to try one such test is enough to change over.
      const means = { client: ['keepalive'], responder: ['keepalive'] } as const;
      const hands = new Hands({ means }).begin(2).openAll();
      const { question } = hands.state.probes.find((probe) => probe.id === id)!;
      const arrivals = client === undefined ? {} : { client };
      hands.feed({ kind: 'verdict', id, verdict: { kind: 'alive' }, idle: 66, arrivals });
      return hands.state.tallies[`${question.k},${question.m}`]?.alive ?? 0;
    };
    expect(believed(6, false)).toBe(1);
    expect(believed(6, true)).toBe(0);
    expect(believed(6, undefined)).toBe(0);
    expect(believed(2, true)).toBe(1);
    expect(believed(2, false)).toBe(0);
  });

  test('is not woken in the past while it waits to open connections again', () => {
    const hands = new Hands().begin(0);
    for (const { id } of hands.state.probes) hands.feed({ kind: 'open_failed', id }, 5);
    expect(hands.actions).toEqual([{ kind: 'wake', at: 15 }]);
    hands.feed({ kind: 'tick' }, 15);
    expect(hands.actions.filter(({ kind }) => kind === 'open')).toHaveLength(12);
    const [first] = hands.state.probes;
    hands.feed({ kind: 'opened', id: first!.id }, 16);
    expect(hands.actions.filter(({ kind }) => kind === 'wake')).toEqual([{ kind: 'wake', at: 16 + 66 }]);
  });

  test('gives up what is open when it is interrupted, begins anew twice, and then ends', () => {
    const hands = new Hands().begin(2).openAll().feed({ kind: 'interrupted' });
    expect(hands.actions.filter(({ kind }) => kind === 'discard')).toHaveLength(9);
    expect(hands.actions.filter(({ kind }) => kind === 'reach')).toHaveLength(2);
    expect(hands.state.tallies).toEqual({});
    hands.feed({ kind: 'interrupted' }).feed({ kind: 'interrupted' });
    expect(hands.state.result).toMatchObject({ kind: 'not_located', reason: 'interrupted' });
  });

  test('says how far it is and how long it takes', () => {
    const hands = new Hands();
    expect(locateProgress(hands.state)).toEqual({ stage: 'distances', connections: 0, tests: 0 });
    hands.begin(2).openAll();
    expect(locateProgress(hands.state)).toEqual({ stage: 'rows', connections: 9, tests: 0, roundEndsAt: 66 });
    hands.judge(FIRST_OF_TWO, 2);
    expect(locateProgress(hands.state)).toMatchObject({ stage: 'confirmation', tests: 9 });
    expect(locateDuration(OPTIONS, 8)).toBe(20 + 2 * (66 + 8));
    const direct = new Hands().begin(0).openAll();
    expect(locateTimeLeft(direct.state, 0, 8)).toBe(66 + 8);
  });

  test('takes as long as before when a test is lost and held again in the same round, and again when it begins anew', () => {
    const hands = new Hands().begin(2).openAll();
    const [lost] = hands.state.probes;
    const verdict: Verdict = { kind: 'inconclusive', reason: 'canary_lost' };
    expect(locateTimeLeft(hands.state, 50, 8)).toBe(16 + 8 + 66 + 8);
    hands.feed({ kind: 'verdict', id: lost!.id, verdict, idle: 50, arrivals: {} }, 50).openAll();
    expect(hands.state.probes.some(({ again }) => again === true)).toBe(true);
    expect(locateTimeLeft(hands.state, 50, 8)).toBe(16 + 8 + 66 + 8);
    hands.feed({ kind: 'interrupted' }, 51);
    expect(hands.state.rounds).toBe(0);
  });

  test('says that connections fare differently where one of several that nobody refreshed lives', () => {
    const hands = new Hands().begin(0).openAll();
    const silent = (): readonly number[] =>
      hands.state.probes.filter(({ question: { k, m, harm } }) => k + m === 0 && !harm).map(({ id }) => id);
    expect(silent()).toHaveLength(3);
    hands.feed({ kind: 'tick' }, 66);
    const [first, ...others] = silent();
    hands.feed({ kind: 'verdict', id: first!, verdict: { kind: 'alive' }, idle: 66, arrivals: {} }, 66);
    expect(hands.state.result).toBeNull();
    for (const id of others)
      hands.feed(
        { kind: 'verdict', id, verdict: { kind: 'dead', evidence: 'silence' }, idle: 66, arrivals: {} },
        69,
      );
    expect(hands.state.result).not.toMatchObject({ reason: 'nothing_died' });
  });

  test('asks the other end for all of its row where this end has no step that is possible', () => {
    const means = { client: ['keepalive'], responder: ['keepalive'] } as const;
    const hands = new Hands({ means, places: 9 }).begin(5).openAll();
    hands.judge(({ k, m, harm }) => (harm ? 'alive' : k === 6 ? 'dead' : m === 6 ? 'alive' : 'dead'), 5);
    expect(hands.questions.some(({ m }) => m > 0 && m < 6)).toBe(true);
  });
});

describe('a localisation says', () => {
  test("the blog's customer: a modem in bridge mode before a static NAT", () => {
    const blog: Chain = [{ ...BRIDGE, revivedBy: 'inbound' }, R, R, R];
    expect(timeoutToFind(blog)!.mode).toBe('send');
    expect(said(blog)).toEqual({ kind: 'transparent', after: 0, kc: 1, ks: 4 });
  });

  test('a loose router, which only recv sees', () => {
    const loose: Chain = [R, { ...NAT, revivedBy: 'outbound' }, R];
    expect(timeoutToFind(loose)!.mode).toBe('recv');
    expect(said(loose)).toEqual({ kind: 'router', hop: 2, kc: 2, ks: 2 });
  });

  test('one end alone where the responder is an old one', () => {
    const means = { client: ['keepalive'], responder: [] } as const;
    expect(said([R, NAT, R], { means })).toEqual({ kind: 'one_sided', kc: 2 });
    expect(said([R, R, BRIDGE], { means })).toBe('beyond');
  });

  test('the same with few places, which take more rounds', () => {
    const chain: Chain = [R, R, R, R, R, R, R, NAT, R, R, R, R];
    const box = { kind: 'router', hop: 8, kc: 8, ks: 5 };
    const rounds = [40, 12, 4, 1].map((places) => {
      expect(said(chain, { places })).toEqual(box);
      return locate(chain, { places }).rounds;
    });
    expect(rounds[0]).toBe(2);
    expect(rounds).toEqual([...rounds].sort((a, b) => a - b));
  });

  test('nothing where a connection that nobody refreshed lives', () => {
    expect(said([R, NAT], { lower: 30, upper: 31, guard: 1 })).toBe('nothing_died');
  });

  test('nothing where refreshes do harm, with either means', () => {
    const trapped: Chain = [R, { ...NAT, timeout: 300, trap: 10 }, R];
    const means = { client: ['keepalive'], responder: ['keepalive'] } as const;
    expect(said(trapped, { means })).toBe('harmful');
    // Data does not.
    expect(said(trapped)).toEqual({ kind: 'router', hop: 2, kc: 2, ks: 2 });
  });

  test('the right box with data where keepalives are eaten', () => {
    expect(said([R, { ...R, eats: 2.5 }, NAT, R])).toEqual({ kind: 'router', hop: 3, kc: 3, ks: 2 });
  });

  test('that keepalives keep nothing alive where a box counts data alone: with data, the right box', () => {
    const chain: Chain = [R, { ...NAT, payloadOnly: true }, R];
    const means = { client: ['keepalive'], responder: ['keepalive'] } as const;
    expect(said(chain, { means })).toBe('not_refreshed');
    expect(said(chain, { means: { ...means, responder: [] } })).toBe('not_refreshed');
    expect(said(chain)).toEqual({ kind: 'router', hop: 2, kc: 2, ks: 2 });
  });

  test("the responder's side alone where the TTL is rewritten on the way out", () => {
    const chain: Chain = [R, { ...R, rewrites: 'outbound' }, R, NAT, R];
    expect(said(chain)).toEqual({ kind: 'one_sided', ks: 2 });
  });

  test('nothing beyond the hops that are looked at', () => {
    expect(said([R, R, R, NAT], { maxHops: 3 })).toBe('too_far');
    expect(said([R, R, R, NAT], { maxHops: 4 })).toMatchObject({ kind: 'router', hop: 4 });
  });

  test('nothing where nothing that is refreshed arrives', () => {
    expect(said([R, NAT], {}, { loss: 1 })).toBe('no_distance');
  });

  test('nothing where no connection can be opened', () => {
    expect(said([R, NAT], {}, { openFails: 1 })).toBe('open_failed');
  });

  test('nothing where no test says anything', () => {
    expect(said([R, NAT], {}, { inconclusive: 1 })).toBe('unclear');
  });

  test('its own row where the far end refreshes nothing that it was asked to', () => {
    expect(said([R, NAT, R], {}, { lies: { ttl: () => 0 } })).toEqual({ kind: 'one_sided', kc: 2 });
  });
});

test('a single eviction does not move a step: what contradicts itself is asked three times', () => {
  const hands = new Hands().begin(2).openAll();
  // The living cell (1, 0) died once.
  hands.judge((question) => (question.k === 1 ? 'dead' : FIRST_OF_TWO(question)), 2);
  for (let rounds = 0; rounds < 4 && hands.state.result === null; rounds++)
    hands.openAll().judge(FIRST_OF_TWO, 2);
  expect(hands.state.result).toMatchObject({ kind: 'located', box: { kind: 'router', hop: 1 } });
  expect(hands.state.result!.evidence.cells).toContainEqual({ k: 1, m: 0, alive: 3, dead: 0 });
});

describe('what is lost', () => {
  test('is asked again in the same round, once, and not waited for where it is not needed any more', () => {
    const hands = new Hands().begin(2).openAll();
    const id = hands.state.probes.find(({ question }) => question.k === 2 && !question.harm)!.id;
    hands.feed(
      { kind: 'verdict', id, verdict: { kind: 'dead', evidence: 'closed' }, idle: 20, arrivals: {} },
      20,
    );
    expect(hands.actions.filter(({ kind }) => kind === 'open')).toHaveLength(1);
    expect(hands.questions.at(-1)).toEqual({ k: 2, m: 0, harm: false });
    const again = hands.state.probes.at(-1)!.id;
    hands.feed({ kind: 'opened', id: again }, 21);
    // The step is known without it.
    for (const probe of hands.state.probes.filter((each) => each.id !== again)) {
      const { k, m, harm } = probe.question;
      const verdict: Verdict =
        FIRST_OF_TWO(probe.question) === 'alive' ? { kind: 'alive' } : { kind: 'dead', evidence: 'silence' };
      const arrivals = { client: k > 2, responder: m > 2 };
      hands.feed({ kind: 'verdict', id: probe.id, verdict, idle: harm ? 53.2 : 66, arrivals }, 70);
    }
    expect(hands.actions).toContainEqual({ kind: 'discard', id: again });
    expect(hands.state.rounds).toBe(2);
    expect(hands.questions).toContainEqual({ k: 1, m: 0, harm: false });
  });

  test('leaves few steps open: what tells them apart is confirmed in the same idle time', () => {
    const hands = new Hands().begin(2).openAll();
    const unclear: Verdict = { kind: 'inconclusive', reason: 'canary_lost' };
    hands.judge((question) => (question.k === 1 ? unclear : FIRST_OF_TWO(question)), 2);
    const asked = (k: number, m: number): number =>
      hands.questions.filter((question) => question.k === k && question.m === m).length;
    // The corners of kc = 1 and kc = 2, three times and a spare.
    expect([asked(0, 1), asked(1, 1)]).toEqual([3, 4]);
    hands.openAll().judge(FIRST_OF_TWO, 2);
    expect(hands.state.rounds).toBe(2);
    expect(hands.state.result).toMatchObject({ kind: 'located', box: { kind: 'router', hop: 1 } });
  });
});

test('another way to refresh is tried at the first failure, with what was asked of that end, at once', () => {
  const hands = new Hands().begin(2).openAll();
  const harm = hands.state.probes.find(({ question }) => question.k === 2 && question.harm)!.id;
  hands.feed(
    {
      kind: 'verdict',
      id: harm,
      verdict: { kind: 'dead', evidence: 'silence' },
      idle: 53.2,
      arrivals: { client: false },
    },
    53.2,
  );
  const opened = hands.actions.flatMap((action) => (action.kind === 'open' ? [action.client] : []));
  expect(opened).toHaveLength(4);
  expect(opened.every((refresh) => refresh?.means === 'data')).toBe(true);
});

test('a staircase that falls again is a contradiction', () => {
  const hands = new Hands().begin(2).openAll();
  const falling = ({ k, m, harm }: Question): 'alive' | 'dead' =>
    !harm && (k === 2 || (k === 0 && m < 2)) ? 'dead' : 'alive';
  for (let rounds = 0; rounds < 6 && hands.state.result === null; rounds++) hands.openAll().judge(falling, 2);
  expect(hands.state.result).toMatchObject({ kind: 'not_located', reason: 'contradiction' });
});

test('hopsOf() counts the routers of a chain', () => {
  expect(hopsOf([R, BRIDGE, NAT])).toBe(2);
});
