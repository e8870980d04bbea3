/**
 * Proves each policy of the lab with plain sockets, over IPv4 and IPv6: that it does what its name says and nothing
 * else. The times differ from run to run, by a printed seed. `+` alive, `-` silence, `F` closed in an orderly way.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { randomFrom } from '../support/prng.js';
import { propertySeed } from '../support/seed.js';
import { PATIENCE } from './helpers/sweep.js';
import { createLab, SERVER, type InsideOptions, type Lab, type LabOptions } from './lab.js';
import {
  adaptive,
  alternatingNames,
  blackHoledIpv6,
  bridgedModem,
  fixedLifetime,
  NEVER,
  payloadTimer,
  pool,
  proxy,
  quota,
  SECOND_SERVER,
  severalFarEnds,
} from './policies.js';
import { describeLab } from './requirements.js';
import { PORT, sweepPlans, type SweepOutcome, type SweepPlan } from './sweep.js';

const FAMILIES = ['v4', 'v6'] as const;

/** How far from a limit a connection is tested, seconds: programs that start side by side delay each other. */
const MARGIN = 1.2;
/** Connections for each cell. */
const REPEAT = 3;

async function inLab(options: LabOptions, body: (lab: Lab) => Promise<void>): Promise<void> {
  const lab = await createLab(options);
  try {
    await body(lab);
  } finally {
    await lab.close();
  }
}

const STEADY: LabOptions = { box: 'no_expiry', idleTimeout: NEVER };

/** Each plan as often as a cell wants it, in both families; the marks of each, by its name. */
async function cells(
  lab: Lab,
  plans: Readonly<Record<string, SweepPlan>>,
): Promise<{ marks: Record<string, string>; outcomes: SweepOutcome[] }> {
  const all = FAMILIES.flatMap((family) =>
    Object.entries(plans).flatMap(([name, plan]) =>
      Array.from({ length: REPEAT }, () => ({
        name: `${name}, ${family}`,
        plan: { ...plan, host: SERVER[family] },
      })),
    ),
  );
  const outcomes = await sweepPlans(
    lab,
    SERVER.v4,
    all.map(({ plan }) => plan),
  );
  const marks: Record<string, string> = {};
  outcomes.forEach(({ client }, index) => {
    const name = all[index]?.name ?? '';
    marks[name] = (marks[name] ?? '') + client.mark;
  });
  return { marks, outcomes };
}

/** What `cells` finds where every connection of a plan does the same, in both families. */
function alike(marks: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    FAMILIES.flatMap((family) =>
      Object.entries(marks).map(([name, mark]) => [`${name}, ${family}`, mark.repeat(REPEAT)]),
    ),
  );
}

const WHO_ANSWERS = fileURLToPath(new URL('helpers/who_answers.py', import.meta.url));

/** The far ends that so many connections meet, one after the other. */
async function whoAnswers(
  lab: Lab,
  host: string,
  count: number,
  inside: InsideOptions = {},
): Promise<string[]> {
  const args = [WHO_ANSWERS, 'ask', host, String(PORT), String(count), '2'];
  return (await lab.exec('client', 'python3', args, inside)).stdout.trim().split('\n');
}

async function greet(lab: Lab): Promise<void> {
  const server = lab.spawn('server', 'python3', [WHO_ANSWERS, 'serve', String(PORT)]);
  await server.waitForLine(/^ready$/, 20_000);
}

/** The first `count` of two names in turn. */
function inTurn(first: string, second: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => (index % 2 === 0 ? first : second));
}

describeLab('the policies of the lab', () => {
  const seed = propertySeed();
  const random = randomFrom(seed);
  /** A whole number of seconds from `least` to `most`. */
  const seconds = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1));

  describe.concurrent('side by side', { timeout: 120_000 }, () => {
    const bad = seconds(6, 9);
    test(`pool: 10 % of the connections are forgotten after ${bad} s, the others are not`, () =>
      inLab({ box: 'strict', idleTimeout: NEVER }, async (lab) => {
        await pool(lab, { share: 0.1, idleTimeout: bad, seed });
        const plans = FAMILIES.flatMap((family) =>
          Array.from({ length: 150 }, (_, n) => ({
            mode: 'send' as const,
            idle: n % 2 === 0 ? bad - MARGIN : bad + MARGIN,
            host: SERVER[family],
          })),
        );
        const outcomes = await sweepPlans(lab, SERVER.v4, plans);
        const died = (idle: number): number =>
          outcomes.filter((one) => one.idle === idle && one.client.mark === '-').length;
        expect(died(bad - MARGIN)).toBe(0);
        // 150 draws of one in ten: 15, and six standard deviations to either side.
        expect(died(bad + MARGIN)).toBeGreaterThanOrEqual(1);
        expect(died(bad + MARGIN)).toBeLessThanOrEqual(37);
        expect(outcomes.every(({ client }) => client.mark === '+' || client.mark === '-')).toBe(true);
      }));

    test('quota: with one connection too many the longest idle one is forgotten', () =>
      inLab({ box: 'strict', idleTimeout: NEVER }, async (lab) => {
        await quota(lab, { connections: 4 * REPEAT });
        const { marks } = await cells(lab, {
          busy: { mode: 'send', idle: 11, busy: { by: 'data', every: 1 } },
          // Keepalives count as traffic, too.
          'kept by keepalives': { mode: 'send', idle: 11, busy: { by: 'keepalive', every: 1 } },
          oldest: { mode: 'send', idle: 11 },
          younger: { mode: 'send', idle: 8, start: 3 },
          newest: { mode: 'send', idle: 5, start: 6 },
        });
        expect(marks).toEqual(
          alike({ busy: '+', 'kept by keepalives': '+', oldest: '-', younger: '+', newest: '+' }),
        );
      }));

    const age = seconds(7, 11);
    test(`fixed lifetime: every connection ends at ${age} s, busy or not`, () =>
      inLab(STEADY, async (lab) => {
        await fixedLifetime(lab, { age });
        const { marks } = await cells(lab, {
          'idle, young': { mode: 'send', idle: age - MARGIN },
          'idle, old': { mode: 'send', idle: age + MARGIN },
          'far end speaks, old': { mode: 'recv', idle: age + MARGIN },
          'data, young': { mode: 'send', idle: age - MARGIN, busy: { by: 'data', every: 1 } },
          'data, old': { mode: 'send', idle: age + MARGIN, busy: { by: 'data', every: 1 } },
          'keepalives, old': { mode: 'send', idle: age + MARGIN, busy: { by: 'keepalive', every: 1 } },
          'opened later': { mode: 'send', idle: age - MARGIN, start: 4 },
        });
        expect(marks).toEqual(
          alike({
            'idle, young': '+',
            'idle, old': '-',
            'far end speaks, old': '-',
            'data, young': '+',
            'data, old': '-',
            'keepalives, old': '-',
            'opened later': '+',
          }),
        );
      }));

    const bridged = seconds(6, 9);
    test(`modem in bridge mode: after ${bridged} s only what comes from outside passes`, () =>
      inLab(STEADY, async (lab) => {
        await bridgedModem(lab, { idleTimeout: bridged });
        const { marks } = await cells(lab, {
          'idle, short': { mode: 'send', idle: bridged - MARGIN },
          'idle, long': { mode: 'send', idle: bridged + MARGIN },
          'a keepalive, long': { mode: 'keepalive', idle: bridged + MARGIN },
          'far end speaks, long': { mode: 'recv', idle: bridged + MARGIN },
        });
        expect(marks).toEqual(
          alike({
            'idle, short': '+',
            'idle, long': '-',
            'a keepalive, long': '-',
            'far end speaks, long': '+',
          }),
        );
      }));

    const unpaid = seconds(6, 9);
    test(`payload-only timer: after ${unpaid} s without data a connection is forgotten, keepalives or not`, () =>
      inLab(STEADY, async (lab) => {
        await payloadTimer(lab, { idleTimeout: unpaid });
        const { marks } = await cells(lab, {
          'idle, short': { mode: 'send', idle: unpaid - MARGIN },
          'idle, long': { mode: 'send', idle: unpaid + MARGIN },
          // It is watched for a while, and the time goes on.
          'a keepalive, short': { mode: 'keepalive', idle: unpaid - MARGIN - PATIENCE / 1000 },
          'a keepalive, long': { mode: 'keepalive', idle: unpaid + MARGIN },
          'far end speaks, long': { mode: 'recv', idle: unpaid + MARGIN },
          'keepalives, long': { mode: 'send', idle: unpaid + MARGIN, busy: { by: 'keepalive', every: 2 } },
          'data, long': { mode: 'send', idle: 2 * unpaid, busy: { by: 'data', every: 2 } },
        });
        expect(marks).toEqual(
          alike({
            'idle, short': '+',
            'idle, long': '-',
            'a keepalive, short': '+',
            'a keepalive, long': '-',
            'far end speaks, long': '-',
            'keepalives, long': '-',
            'data, long': '+',
          }),
        );
      }));

    const behind = seconds(6, 9);
    test(`transparent proxy: answers keepalives, and behind it connections are forgotten after ${behind} s`, () =>
      inLab({ box: 'double_nat', idleTimeout: NEVER, secondIdleTimeout: behind }, async (lab) => {
        await proxy(lab, { port: PORT });
        const { marks } = await cells(lab, {
          'idle, short': { mode: 'send', idle: behind - MARGIN },
          'idle, long': { mode: 'send', idle: behind + MARGIN },
          'far end speaks, long': { mode: 'recv', idle: behind + MARGIN },
          'a keepalive, long': { mode: 'keepalive', idle: behind + MARGIN },
          'keepalives, long': { mode: 'send', idle: behind + MARGIN, busy: { by: 'keepalive', every: 2 } },
          'data, long': { mode: 'send', idle: 2 * behind, busy: { by: 'data', every: 2 } },
        });
        expect(marks).toEqual(
          alike({
            'idle, short': '+',
            'idle, long': '-',
            'far end speaks, long': '-',
            'a keepalive, long': '+',
            'keepalives, long': '-',
            'data, long': '+',
          }),
        );
      }));

    const patience = seconds(6, 9);
    test(`proxy that closes: a connection without data is closed after ${patience} s`, () =>
      inLab(STEADY, async (lab) => {
        await proxy(lab, { port: PORT, closesAfter: patience });
        const { marks, outcomes } = await cells(lab, {
          'idle, short': { mode: 'send', idle: patience - MARGIN },
          'idle, long': { mode: 'send', idle: patience + MARGIN },
          'keepalives, long': { mode: 'send', idle: patience + MARGIN, busy: { by: 'keepalive', every: 2 } },
          'data, long': { mode: 'send', idle: 2 * patience, busy: { by: 'data', every: 2 } },
        });
        expect(marks).toEqual(
          alike({ 'idle, short': '+', 'idle, long': 'F', 'keepalives, long': 'F', 'data, long': '+' }),
        );
        for (const { client } of outcomes.filter((one) => one.client.mark === 'F'))
          expect(client.at).toBeCloseTo(patience, 0);
      }));

    const whole = seconds(8, 10);
    test(`adaptive timeout: ${whole} s with few connections, a part of it with many`, () =>
      inLab({ box: 'strict', idleTimeout: whole }, async (lab) => {
        const few = 4 * REPEAT;
        await adaptive(lab, { idleTimeout: whole, start: 2 * few, end: 12 * few });
        // The table is full at first; those that come after it have half of the time, or less.
        const crowd = Array.from({ length: 5 * few }, () => ({ mode: 'send' as const, idle: 1 }));
        const late = { mode: 'send' as const, start: 2 };
        const full = await sweepPlans(lab, SERVER.v4, [
          ...crowd,
          ...Array.from({ length: REPEAT }, () => ({ ...late, idle: whole - MARGIN })),
          ...Array.from({ length: REPEAT }, () => ({ ...late, idle: 1 })),
        ]);
        expect(full.map(({ client }) => client.mark).join('')).toBe(
          '+'.repeat(crowd.length) + '-'.repeat(REPEAT) + '+'.repeat(REPEAT),
        );
        await lab.reboot();
        const { marks } = await cells(lab, {
          short: { mode: 'send', idle: whole - MARGIN },
          long: { mode: 'send', idle: whole + MARGIN },
        });
        expect(marks).toEqual(alike({ short: '+', long: '-' }));
      }));

    test('black-holed IPv6: silence for connections old and new, while IPv4 works', () =>
      inLab(STEADY, async (lab) => {
        const swept = cells(lab, {
          idle: { mode: 'send', idle: 6 },
          new: { mode: 'send', idle: 1, start: 1 },
        });
        while ((await lab.mappings()).length < 4 * REPEAT)
          await new Promise((resolve) => setTimeout(resolve, 50));
        await new Promise((resolve) => setTimeout(resolve, 3500));
        await blackHoledIpv6(lab);
        expect(await whoAnswers(lab, SERVER.v6, 1)).toEqual(['TimeoutError']);
        const { marks } = await swept;
        expect(marks).toEqual({
          'idle, v4': '+++',
          'idle, v6': '---',
          'new, v4': '+++',
          'new, v6': '+++',
        });
      }));

    test.each(['no_expiry', 'firewall'] as const)('two far ends behind one address, box %s', (box) =>
      inLab({ box, idleTimeout: NEVER }, async (lab) => {
        await severalFarEnds(lab);
        await greet(lab);
        for (const family of FAMILIES)
          expect(await whoAnswers(lab, SERVER[family], 6), family).toEqual(
            inTurn(SECOND_SERVER[family], SERVER[family], 6),
          );
      }),
    );

    test('alternating DNS: another address at each look-up', () =>
      inLab(STEADY, async (lab) => {
        const directory = mkdtempSync(join(tmpdir(), 'natlab-'));
        try {
          const resolver = join(directory, 'resolv.conf');
          writeFileSync(resolver, await alternatingNames(lab));
          await greet(lab);
          expect(await whoAnswers(lab, 'far.example', 6, { resolver })).toEqual(
            inTurn(SERVER.v4, SECOND_SERVER.v4, 6),
          );
        } finally {
          rmSync(directory, { recursive: true, force: true });
        }
      }));
  });
});
