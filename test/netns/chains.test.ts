/**
 * Proves the boxes of chains on the kernel: each does what the simulation does, cell by cell, so that what is found in
 * thousands of simulated chains is found of real ones.
 */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import type { Cell } from '../../src/core/locate/locate-contract.js';
import { type Chain, forgettingBoxes, hopsOf, idleAcross } from '../support/simulated-chain.js';
import { ChainSockets, type ChainMode } from './chain-sockets.js';
import { type ChainLab, createChain, type LabBox, missingForBridges } from './chains.js';
import { describeLab } from './requirements.js';
import { inTurn } from './turns.js';

const T = 8;
const INTERVAL = 1;

const R: LabBox = { kind: 'router' };
const NAT: LabBox = { kind: 'router', translates: true, timeout: T };
const FIREWALL: LabBox = { kind: 'router', timeout: T };
const BRIDGE: LabBox = { kind: 'bridge', timeout: T };

type Family = 'v4' | 'v6';

async function inChain<T>(
  boxes: readonly LabBox[],
  family: Family,
  run: (sockets: ChainSockets, chain: ChainLab) => Promise<T>,
): Promise<T> {
  // Programs that start at once delay each other's timers.
  const { chain, sockets } = await inTurn(async () => {
    const made = await createChain(boxes);
    return { chain: made, sockets: await ChainSockets.start(made, family) };
  });
  try {
    return await run(sockets, chain);
  } finally {
    await chain.close();
  }
}

/** Both rows, and every cell that both ends refresh on paths as short as these. */
function cellsOf(hops: number): readonly Cell[] {
  const ttls = Array.from({ length: hops + 2 }, (_, ttl) => ttl);
  return ttls
    .flatMap((k) => ttls.map((m) => ({ k, m })))
    .filter(({ k, m }) => k === 0 || m === 0 || k + m <= hops + 1);
}

const means = { client: 'keepalive', responder: 'keepalive' } as const;

/** `k,m alive` or `k,m dead` for each cell. */
const marks = (cells: readonly Cell[], alive: readonly boolean[]): string[] =>
  cells.map(({ k, m }, index) => `${k},${m} ${alive[index] === true ? 'alive' : 'dead'}`);

const BOXES: readonly [name: string, boxes: readonly LabBox[], mode: ChainMode, family: Family][] = [
  ['a NAT', [R, NAT, R], 'send', 'v4'],
  ['a NAT', [NAT, R], 'recv', 'v4'],
  ['a firewall that translates nothing', [R, FIREWALL, R], 'send', 'v6'],
  ['two NATs', [NAT, R, NAT], 'send', 'v4'],
  ['a bridge between two routers', [R, BRIDGE, R], 'send', 'v4'],
  ['a bridge between two routers', [R, BRIDGE, R], 'send', 'v6'],
  ["the near end's own firewall, or a modem in bridge mode", [BRIDGE, R], 'send', 'v4'],
  ["the blog's modem", [{ ...BRIDGE, revivedBy: 'inbound' }, { ...R, translates: true }, R], 'send', 'v4'],
  ["the blog's modem", [{ ...BRIDGE, revivedBy: 'inbound' }, R], 'recv', 'v4'],
  ["the far end's own firewall", [R, BRIDGE], 'send', 'v6'],
  ['a router that looks at the TTL first', [R, { ...NAT, ttlFirst: 'both' }, R], 'send', 'v4'],
  ['a router that looks at the TTL first', [{ ...FIREWALL, ttlFirst: 'both' }, R], 'send', 'v6'],
  ['a router that looks first on the way out', [R, { ...NAT, ttlFirst: 'outbound' }, R], 'send', 'v4'],
  ['a router that outbound packets refresh', [R, { ...FIREWALL, refreshedBy: 'outbound' }, R], 'send', 'v4'],
  ['a router that inbound packets refresh', [R, { ...FIREWALL, refreshedBy: 'inbound' }, R], 'send', 'v6'],
  ['a bridge that outbound packets refresh', [R, { ...BRIDGE, refreshedBy: 'outbound' }, R], 'send', 'v4'],
  ['a loose NAT', [R, { ...NAT, revivedBy: 'outbound' }, R], 'recv', 'v4'],
  ['a loose NAT', [R, { ...NAT, revivedBy: 'outbound' }, R], 'send', 'v4'],
  ['a NAT behind one that eats keepalives', [{ ...R, eats: 2.5 }, { ...NAT, timeout: 6 }, R], 'send', 'v4'],
  ['a router that sends RSTs', [R, { ...NAT, ttlFirst: 'inbound', resets: true }, R], 'send', 'v4'],
  ['a NAT behind a router that rewrites the TTL', [{ ...R, rewrites: 'outbound' }, R, NAT], 'send', 'v4'],
  [
    'a NAT before one that rewrites it on the way back',
    [NAT, { ...R, rewrites: 'inbound' }, R],
    'send',
    'v6',
  ],
];

describeLab(
  'the boxes of a chain',
  () => {
    test.concurrent.each(BOXES)(
      '%s does what the simulation does',
      { timeout: 240_000 },
      async (...given) => {
        const [, boxes, mode, family] = given;
        const idle = T + 2;
        const cells = cellsOf(hopsOf(boxes));
        const results = await inChain(boxes, family, (sockets) =>
          Promise.all(cells.map((cell) => sockets.idle(cell, idle, INTERVAL, mode))),
        );
        const expected = cells.map((cell) =>
          idleAcross(boxes, mode, idle, { ...cell, interval: INTERVAL, means }),
        );
        expect(
          marks(
            cells,
            results.map(({ alive }) => alive),
          ),
        ).toEqual(
          marks(
            cells,
            expected.map(({ alive }) => alive),
          ),
        );
        // What arrived is what a localisation goes by.
        const rows = cells
          .map(({ k, m }, index) => ({ k, m, index }))
          .filter(({ k, m }) => k === 0 || m === 0);
        const arrived = (side: 'client' | 'responder', of: (typeof expected)[number]['arrivals']): boolean =>
          of[side] === true;
        for (const side of ['client', 'responder'] as const) {
          const own = rows.filter(
            ({ k, m, index }) => (side === 'client' ? k : m) > 0 && results[index]!.alive,
          );
          expect(own.map(({ index }) => arrived(side, results[index]!.arrivals))).toEqual(
            own.map(({ index }) => arrived(side, expected[index]!.arrivals)),
          );
        }
      },
    );

    test.concurrent('forget after their timeout and not before', { timeout: 240_000 }, async () => {
      for (const boxes of [
        [R, NAT],
        [BRIDGE, R],
        [R, { ...FIREWALL, refreshedBy: 'outbound' as const }],
      ]) {
        const silent = { k: 0, m: 0 };
        const results = await inChain(boxes, 'v4', (sockets) =>
          Promise.all(
            [T - 0.7, T - 0.7, T + 0.7, T + 0.7].map((idle) => sockets.idle(silent, idle, INTERVAL, 'send')),
          ),
        );
        expect(results.map(({ alive }) => alive)).toEqual([true, true, false, false]);
      }
    });

    test.concurrent('lower the TTL where they are routers, and only there', {
      timeout: 240_000,
    }, async () => {
      const boxes: readonly LabBox[] = [BRIDGE, NAT, BRIDGE, R, { ...NAT, ttlFirst: 'both' }, BRIDGE];
      for (const family of ['v4', 'v6'] as const)
        await inChain(boxes, family, async (sockets) => {
          expect(await sockets.reach('client', [1, 2, 3, 4, 5])).toEqual([false, false, false, true, true]);
          expect(await sockets.reach('responder', [1, 2, 3, 4, 5])).toEqual([
            false,
            false,
            false,
            true,
            true,
          ]);
        });
    });

    test.concurrent('count otherwise where the TTL is rewritten', { timeout: 240_000 }, async () => {
      await inChain([R, { ...R, rewrites: 'outbound' }, R, R], 'v4', async (sockets) => {
        expect(await sockets.reach('client', [1, 2, 3])).toEqual([false, true, true]);
        expect(await sockets.reach('responder', [2, 4, 5])).toEqual([false, false, true]);
      });
    });

    test.concurrent('say that a TTL is spent, or keep silent', { timeout: 240_000 }, async () => {
      const script = fileURLToPath(new URL('helpers/who_is_at.py', import.meta.url));
      await inChain([BRIDGE, R, { ...NAT, silent: true }, FIREWALL], 'v4', async (_sockets, chain) => {
        for (const family of ['v4', 'v6'] as const) {
          const asked = await Promise.all(
            ['1', '2', '3'].map((ttl) =>
              chain.exec('client', 'python3', [script, chain.server[family], ttl]),
            ),
          );
          const [first, , third] = chain.hops.map((hop) => hop[family]);
          expect(asked.map(({ stdout }) => stdout.trim())).toEqual([first, 'silence', third]);
        }
      });
    });

    test.concurrent('are twelve', { timeout: 240_000 }, async () => {
      const boxes: Chain = Array.from({ length: 12 }, (_, index) => (index === 6 ? NAT : R));
      const cells = [
        { k: 6, m: 0 },
        { k: 7, m: 0 },
        { k: 0, m: 5 },
        { k: 0, m: 6 },
        { k: 6, m: 5 },
      ];
      const results = await inChain(boxes, 'v4', (sockets) =>
        Promise.all(cells.map((cell) => sockets.idle(cell, T + 2, INTERVAL, 'send'))),
      );
      expect(
        marks(
          cells,
          results.map(({ alive }) => alive),
        ),
      ).toEqual(['6,0 dead', '7,0 alive', '0,5 dead', '0,6 alive', '6,5 dead']);
      expect(forgettingBoxes(boxes, 'send', T + 2).map(({ hop }) => hop)).toEqual([7]);
    });
  },
  missingForBridges(),
);

describeLab("conntrack's trap", () => {
  test.concurrent('the fourth unanswered keepalive leaves an entry 300 s, however long its timeout is', {
    timeout: 60_000,
  }, async () => {
    await inChain([{ ...NAT, timeout: 432_000 }, R], 'v4', async (sockets, chain) => {
      const remaining = async (): Promise<number> => {
        const { stdout } = await chain.exec(0, 'conntrack', ['-L', '-p', 'tcp', '--state', 'ESTABLISHED']);
        return Number(/^tcp +6 (\d+)/m.exec(stdout)?.[1]);
      };
      // Kept fresh up to the NAT, where the keepalives die.
      const life = sockets.idle({ k: 1, m: 0 }, 7, INTERVAL, 'send');
      await new Promise((resolve) => setTimeout(resolve, 3200));
      expect(await remaining()).toBeGreaterThan(400_000);
      await new Promise((resolve) => setTimeout(resolve, 3000));
      expect(await remaining()).toBeLessThanOrEqual(300);
      // The far end's answer to the test gives it back.
      expect((await life).alive).toBe(true);
    });
  });

  test.concurrent('an interval above it kills what it should keep, one below does not', {
    timeout: 240_000,
  }, async () => {
    const trapped: LabBox = { ...NAT, timeout: 45, trap: 5 };
    const lives = (interval: number) =>
      inChain([trapped, R], 'v4', (sockets) =>
        Promise.all([
          sockets.idle({ k: 1, m: 0 }, 37, interval, 'send'),
          sockets.idle({ k: 0, m: 0 }, 37, interval, 'send'),
        ]),
      );
    const [slow, quick] = await Promise.all([lives(7), lives(3)]);
    // Dead sooner than one that nobody kept fresh: a staircase that falls.
    expect(slow.map(({ alive }) => alive)).toEqual([false, true]);
    expect(quick.map(({ alive }) => alive)).toEqual([true, true]);
    const simulated = (interval: number): boolean =>
      idleAcross([trapped, R], 'send', 37, { k: 1, m: 0, interval, means }).alive;
    expect([simulated(7), simulated(3)]).toEqual([false, true]);
  });
});
