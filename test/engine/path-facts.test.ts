import { describe, expect, it, vi } from 'vitest';
import { createLogger } from '../../src/log.js';
import { Journal } from '../../src/engine/journal.js';
import { FactsKeeper } from '../../src/engine/path-facts.js';
import type { AskRouter } from '../../src/net/router.js';
import { FakeClock } from '../support/fake-clock.js';
import { makeConfig } from '../support/fake-view.js';

// What the kernel of this host forgets is not the test's to choose.
vi.mock('../../src/net/conntrack.js', () => ({ hostConntrackTimeout: () => 432_000 }));

const HERE = '192.168.1.2';
const THERE = '203.0.113.9';
const signal = new AbortController().signal;

function start(askRouter: AskRouter = () => Promise.resolve(undefined)) {
  const clock = new FakeClock();
  const levels: string[] = [];
  const stream = { write: (line: string) => levels.push((JSON.parse(line) as { level: string }).level) };
  const journal = new Journal(createLogger({ level: 'info', format: 'json', stream }), clock);
  const announce = {
    address: '192.0.2.1:15382',
    scheme: 'http',
    metrics_path: '/metrics',
    labels: {},
  } as const;
  const keeper = new FactsKeeper({ target: { ...makeConfig('vps'), announce }, clock, journal, askRouter });
  const told = (): string[] => journal.events.map(({ text }, index) => `${levels[index]}: ${text}`);
  return { clock, keeper, told };
}

describe('whether a far end answers', () => {
  it('is told when it begins to, and each reason once until then', () => {
    const { keeper, told } = start();
    for (const reason of ['refused', 'silent', 'refused']) keeper.unreachable(reason);
    expect(keeper.facts).toMatchObject({ up: false, downReason: 'refused' });
    for (let times = 0; times < 2; times += 1) keeper.reached({ localAddress: HERE });
    expect(keeper.facts).toMatchObject({ up: true, introduction: { localAddress: HERE } });
    expect(keeper.facts).not.toHaveProperty('downReason');
    keeper.unreachable('refused');
    expect(told()).toEqual([
      'warn: vps does not answer: refused',
      'warn: vps does not answer: silent',
      'info: vps answers',
      'warn: vps does not answer: refused',
    ]);
  });

  it('is told with five reasons at most, and known with the newest', () => {
    const { keeper, told } = start();
    for (let reason = 1; reason <= 9; reason += 1) keeper.unreachable(`reason ${reason}`);
    expect(told()).toHaveLength(5);
    expect(keeper.facts.downReason).toBe('reason 9');
  });
});

describe('the addresses that a far end sees', () => {
  it('are kept in their order, each once and eight at most', () => {
    const { keeper } = start();
    keeper.noticeSeenAddress();
    expect(keeper.facts.seenAddresses).toEqual([]);
    for (const last of [1, 2, 1, 3, 4, 5, 6, 7, 8, 9, 10]) {
      keeper.reached({ localAddress: HERE, seenAddress: `198.51.100.${last}` });
      keeper.noticeSeenAddress();
    }
    expect(keeper.facts.seenAddresses).toEqual([3, 4, 5, 6, 7, 8, 9, 10].map((last) => `198.51.100.${last}`));
  });

  it('are replaced after a loss of all mappings, which is told where there is another one', () => {
    const { keeper, told } = start();
    const see = (seenAddress: string): void => keeper.reached({ localAddress: HERE, seenAddress });
    see('198.51.100.1');
    keeper.forgetSeenAddresses();
    keeper.noticeSeenAddress();
    keeper.forgetSeenAddresses();
    expect(keeper.facts.seenAddresses).toEqual([]);
    keeper.noticeSeenAddress();
    expect(told()).toEqual(['info: vps answers']);
    see('198.51.100.2');
    keeper.forgetSeenAddresses();
    expect(told().slice(1)).toEqual(['info: this host has a new address, as the far end sees it']);
  });

  it('are those of one address of the far end', () => {
    const { keeper } = start();
    keeper.reached({ localAddress: HERE, seenAddress: '198.51.100.1' });
    keeper.noticeSeenAddress();
    keeper.announced({ kind: 'announced' });
    keeper.pinned(THERE);
    expect(keeper.facts).toMatchObject({ address: THERE, seenAddresses: [] });
    expect(keeper.facts).not.toHaveProperty('announced');
  });
});

describe('the router’s outer address', () => {
  it('is asked for from a private address only, and once both ends are known', async () => {
    const asked: unknown[] = [];
    const { keeper, clock } = start((ends) => {
      asked.push(ends);
      return Promise.resolve({ address: '100.64.0.7', askedAt: clock.monotonic() });
    });
    expect(await keeper.askRouter(signal)).toBe(false);
    keeper.reached({ localAddress: HERE });
    expect(await keeper.askRouter(signal)).toBe(false);
    keeper.pinned(THERE);
    keeper.reached({ localAddress: '198.51.100.9' });
    expect(await keeper.askRouter(signal)).toBe(false);
    expect(asked).toEqual([]);
    keeper.reached({ localAddress: HERE });
    expect(await keeper.askRouter(signal)).toBe(true);
    expect(await keeper.askRouter(signal)).toBe(false);
    expect(asked[0]).toEqual({ local: HERE, remote: THERE });
    expect(keeper.facts.routerAddress).toBe('100.64.0.7');
  });

  it.each([
    [
      'when our address has changed meanwhile',
      (keeper: FactsKeeper) => keeper.reached({ localAddress: '10.0.0.9' }),
    ],
    ['when the far end’s has', (keeper: FactsKeeper) => keeper.pinned('203.0.113.10')],
    ['when the path is left', (_: FactsKeeper, stop: AbortController) => stop.abort()],
  ])('is not believed %s', async (_when, happens) => {
    const stop = new AbortController();
    const { keeper, clock } = start(() => {
      happens(keeper, stop);
      return Promise.resolve({ address: '100.64.0.7', askedAt: clock.monotonic() });
    });
    keeper.pinned(THERE);
    keeper.reached({ localAddress: HERE });
    expect(await keeper.askRouter(stop.signal)).toBe(false);
    expect(keeper.facts).not.toHaveProperty('routerAddress');
  });

  it('is unknown again when our seen address moves, and what was asked before then is not believed', async () => {
    let askedAt = 0;
    const { keeper, clock } = start(() => Promise.resolve({ address: '100.64.0.7', askedAt }));
    const see = (seenAddress: string): void => {
      keeper.reached({ localAddress: HERE, seenAddress });
      keeper.noticeSeenAddress();
    };
    keeper.pinned(THERE);
    see('198.51.100.1');
    askedAt = clock.monotonic();
    expect(await keeper.askRouter(signal)).toBe(true);
    await clock.advance(10);
    see('198.51.100.2');
    expect(keeper.facts).not.toHaveProperty('routerAddress');
    expect(await keeper.askRouter(signal)).toBe(false);
    askedAt = clock.monotonic();
    expect(await keeper.askRouter(signal)).toBe(true);
  });
});

describe('the announcement of an exporter', () => {
  it('is told once for each outcome, and known with the newest', () => {
    const { keeper, told } = start();
    const states = (
      [
        { kind: 'announced' },
        { kind: 'announced' },
        { kind: 'refused', detail: 'full' },
        { kind: 'refused', detail: 'still full' },
        { kind: 'not_taken' },
        { kind: 'announced' },
      ] as const
    ).map((outcome) => {
      keeper.announced(outcome);
      return keeper.facts.announced;
    });
    expect(states).toEqual([true, true, false, false, false, true]);
    expect(told()).toEqual([
      'info: this exporter is announced as 192.0.2.1:15382',
      'warn: the far end refused to announce this exporter as 192.0.2.1:15382: full',
      'warn: the far end takes no announcements (it is older, or runs without --discovery)',
      'info: this exporter is announced as 192.0.2.1:15382',
    ]);
  });
});

describe('what a far end does by itself', () => {
  it('is told as a limit only where it is one', () => {
    const { keeper, told } = start();
    keeper.speaks(9000, false);
    expect(keeper.facts.speaksAfter).toBe(9000);
    expect(told()).toEqual([]);
    keeper.speaks(300, true);
    expect(keeper.facts.speaksAfter).toBe(300);
    expect(told()).toEqual([
      'warn: the far end breaks a silence by itself after 5 min (300 s): nothing longer is measured',
    ]);
  });

  it('is an end at one age, until a connection lives longer', () => {
    const { keeper, told } = start();
    keeper.lifetime({ lower: 599, upper: 601 });
    expect(keeper.facts.fixedLifetime).toBe(600);
    keeper.lifetime(undefined);
    expect(keeper.facts).not.toHaveProperty('fixedLifetime');
    expect(told().map((text) => text.slice(0, 31))).toEqual([
      'warn: every connection ends 10 ',
      'warn: connections live longer t',
    ]);
  });

  it('is to answer beside others, at the address that is measured', () => {
    const { keeper, told } = start();
    keeper.pinned(THERE);
    const welcome = (instance: string, at: number, address = THERE): void =>
      keeper.welcomed(address, { instance, moment: { earliest: at, latest: at + 0.1 } });
    for (const [instance, at] of [
      ['a', 0],
      ['b', 10],
      ['a', 20],
    ] as const)
      welcome(instance, at, '203.0.113.10');
    expect(keeper.facts).not.toHaveProperty('severalFarEnds');
    welcome('a', 30);
    welcome('b', 40);
    welcome('a', 50);
    welcome('b', 60);
    expect(keeper.facts.severalFarEnds).toBe(true);
    for (let at = 1000; at <= 16_000; at += 1000) welcome('a', at);
    expect(keeper.facts).not.toHaveProperty('severalFarEnds');
    expect(told()).toEqual([
      'warn: several far ends answer at this address',
      'warn: one far end alone answers again at this address',
    ]);
  });

  it('is not known of another address', () => {
    const { keeper } = start();
    keeper.pinned(THERE);
    keeper.reached({ localAddress: HERE, cannotBeAsked: ['recv'], seenAddress: '198.51.100.1' });
    keeper.noticeSeenAddress();
    keeper.speaks(300, true);
    keeper.lifetime({ lower: 599, upper: 601 });
    keeper.announced({ kind: 'announced' });
    expect(keeper.facts).toMatchObject({ announced: true, cannotBeAsked: ['recv'] });
    keeper.pinned('203.0.113.10');
    const { up, introduction: _introduction, localConntrack: _conntrack, ...known } = keeper.facts;
    expect(up).toBe(true);
    expect(known).toEqual({ address: '203.0.113.10', seenAddresses: [] });
    expect(keeper.ends).toEqual({ address: '203.0.113.10', seen: [] });
  });
});

describe('this host’s own conntrack timeout', () => {
  it('is known with every answer, but not of a path that stays inside this process', () => {
    const { clock, keeper } = start();
    keeper.reached({ localAddress: HERE });
    expect(keeper.facts.localConntrack).toBe(432_000);
    const embedded = new FactsKeeper({
      target: { ...makeConfig('inside'), far_end: { kind: 'embedded', box: 'forgetful' } as never },
      clock,
      journal: new Journal(createLogger({ level: 'error', format: 'json' }), clock),
      askRouter: () => Promise.resolve(undefined),
    });
    embedded.reached({ localAddress: HERE });
    expect(embedded.facts).not.toHaveProperty('localConntrack');
    expect(embedded.facts.up).toBe(true);
  });
});
