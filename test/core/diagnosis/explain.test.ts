import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { explain } from '../../../src/core/diagnosis/explain.js';
import { type ModeEvidence } from '../../../src/core/diagnosis/outcome.js';
import { climbing, diesAtOnce, forgets, input, LIMITS, survives } from './findings.js';

const T = 10;
const alive = (): ModeEvidence => survives();
const dead = (): ModeEvidence => forgets(T);
const reset = (): ModeEvidence => forgets(T, 'reset');
const closes = (): ModeEvidence => forgets(T, 'closed');
const resetIdle = (): ModeEvidence => forgets(T, 'reset_idle');

/** Explanations that speak of the pattern, each with its certainty; hints at products are tested apart. */
function pattern(...args: Parameters<typeof input>): readonly string[] {
  return explain(input(...args))
    .filter(({ id }) => id !== 'known_value')
    .map(({ id, certainty }) => `${id}: ${certainty}`);
}

describe('explain() names what each kind of box looks like', () => {
  const boxes: {
    box: string;
    send: ModeEvidence;
    recv: ModeEvidence;
    keepalive: ModeEvidence;
    rest?: Parameters<typeof input>[1];
    says: readonly string[];
  }[] = [
    {
      box: 'no expiry',
      send: alive(),
      recv: alive(),
      keepalive: alive(),
      says: ['no_expiry_seen: measured'],
    },
    {
      box: 'strict: unknown flows dropped; double NAT; the recv answers die',
      send: dead(),
      recv: dead(),
      keepalive: dead(),
      says: ['mapping_forgotten: measured'],
    },
    {
      box: 'IPv6 stateful firewall',
      send: dead(),
      recv: dead(),
      keepalive: dead(),
      rest: { natDetected: false },
      says: ['mapping_forgotten: measured', 'no_translation: measured'],
    },
    {
      box: "loose, or the client host's own firewall (which tracks nothing that we can see)",
      send: alive(),
      recv: dead(),
      keepalive: alive(),
      says: ['revived_from_inside: likely', 'own_firewall_first: hint'],
    },
    {
      box: "the client host's own firewall forgets first, and says so",
      send: alive(),
      recv: dead(),
      keepalive: alive(),
      rest: { conntrack: { local: T } },
      says: ['own_firewall_first: likely', 'revived_from_inside: hint', 'local_conntrack_near: likely'],
    },
    {
      box: 'loose, while the own host keeps connections for five days',
      send: alive(),
      recv: dead(),
      keepalive: alive(),
      rest: { conntrack: { local: 432_000, responder: 432_000 } },
      says: ['revived_from_inside: likely', 'own_firewall_first: hint'],
    },
    {
      box: 'loose with a new public port; strict with RST on unknown flows',
      send: reset(),
      recv: dead(),
      keepalive: reset(),
      says: ['mapping_forgotten: measured', 'answered_with_reset: measured'],
    },
    {
      box: 'RST to both ends at expiry',
      send: resetIdle(),
      recv: resetIdle(),
      keepalive: resetIdle(),
      says: ['reset_at_expiry: measured'],
    },
    {
      box: 'eats keepalives, forgets data after T',
      send: dead(),
      recv: dead(),
      keepalive: diesAtOnce(),
      says: ['keepalives_eaten: measured', 'mapping_forgotten: measured'],
    },
    {
      box: 'eats keepalives, forgets nothing',
      send: alive(),
      recv: alive(),
      keepalive: diesAtOnce(),
      says: ['keepalives_eaten: measured', 'no_expiry_seen: measured'],
    },
    {
      box: 'eats keepalives, loose',
      send: alive(),
      recv: dead(),
      keepalive: diesAtOnce(),
      says: ['keepalives_eaten: measured', 'revived_from_inside: likely', 'own_firewall_first: hint'],
    },
    {
      box: "inbound re-creates state, or the far end's own firewall forgets first",
      send: dead(),
      recv: alive(),
      keepalive: dead(),
      says: ['inbound_revives: likely', 'responder_firewall_first: likely'],
    },
    {
      box: "the far end's own firewall forgets first, and says so",
      send: dead(),
      recv: alive(),
      keepalive: dead(),
      rest: { conntrack: { responder: T } },
      says: ['responder_firewall_first: likely', 'inbound_revives: hint', 'responder_conntrack_near: likely'],
    },
    {
      box: 'inbound re-creates state, while the far end keeps connections for five days',
      send: dead(),
      recv: alive(),
      keepalive: dead(),
      rest: { conntrack: { responder: 432_000 } },
      says: ['inbound_revives: likely', 'responder_firewall_first: hint'],
    },
    {
      box: 'everything dies below min_idle',
      send: diesAtOnce(),
      recv: diesAtOnce(),
      keepalive: diesAtOnce(),
      says: ['forgotten_at_once: measured'],
    },
    {
      box: 'a loose box at 10 s before a strict one at 60 s',
      send: forgets(60),
      recv: forgets(10),
      keepalive: forgets(60),
      says: ['several_timeouts: measured'],
    },
    {
      box: 'data from inside revives, keepalives do not',
      send: alive(),
      recv: dead(),
      keepalive: dead(),
      says: ['modes_disagree: hint'],
    },
  ];
  boxes.push(
    {
      box: 'a proxy that closes idle connections',
      send: closes(),
      recv: closes(),
      keepalive: closes(),
      rest: { natDetected: false, conntrack: { local: T }, addresses: { local: 'private' } },
      says: ['closed_by_somebody: likely', 'local_conntrack_short: hint'],
    },
    {
      box: 'a proxy that closes idle connections, which keepalives keep',
      send: closes(),
      recv: closes(),
      keepalive: alive(),
      says: ['closed_by_somebody: likely'],
    },
    {
      box: 'one mode is reset while idle, another one forgotten in silence',
      send: dead(),
      recv: resetIdle(),
      keepalive: dead(),
      says: ['mapping_forgotten: measured', 'reset_at_expiry: measured'],
    },
  );
  for (const { box, send, recv, keepalive, rest, says } of boxes) {
    it(box, () => {
      expect(pattern({ send, recv, keepalive }, rest)).toEqual(says);
    });
  }
});

describe('explain() is never more certain than the data', () => {
  it('says nothing while every mode climbs', () => {
    expect(explain(input({ send: climbing(), recv: climbing(60), keepalive: climbing(60) }))).toEqual([]);
  });

  it('says nothing while one mode climbs, whatever the others and the addresses say', () => {
    expect(
      explain(
        input(
          { send: dead(), recv: climbing(3600), keepalive: diesAtOnce() },
          { addresses: { local: 'cgn' }, conntrack: { local: T } },
        ),
      ),
    ).toEqual([]);
  });

  it('says nothing without modes', () => {
    expect(explain(input({}))).toEqual([]);
  });

  it('calls a bracket with a single death likely, not measured', () => {
    expect(pattern({ send: forgets(T, 'silence', 1), recv: forgets(T), keepalive: forgets(T) })).toEqual([
      'mapping_forgotten: likely',
    ]);
  });

  it('waits for three deaths before keepalives are called eaten', () => {
    const once = diesAtOnce('silence', 1);
    const { timeout: _timeout, ...finding } = once.finding;
    expect(explain(input({ send: alive(), keepalive: { ...once, finding } }))).toEqual([]);
  });

  it('does not take a max_idle that was survived for an expiry', () => {
    const limits = { ...LIMITS, maxIdle: 60 };
    expect(pattern({ send: survives(60), recv: survives(60) }, { limits })).toEqual([
      'no_expiry_seen: measured',
    ]);
  });

  it('warns that send and keepalive alone cannot see a loose box', () => {
    expect(pattern({ send: alive(), keepalive: alive() })).toEqual([
      'no_expiry_seen: measured',
      'blind_without_recv: hint',
    ]);
  });

  it('warns that recv alone cannot tell a loose box from a strict one', () => {
    expect(pattern({ recv: dead() })).toEqual(['mapping_forgotten: measured', 'blind_without_send: hint']);
    const unheard = ['revived_from_inside: hint', 'own_firewall_first: hint', 'blind_without_send: hint'];
    expect(pattern({ recv: dead(), keepalive: alive() })).toEqual(unheard);
    expect(pattern({ recv: dead(), keepalive: alive() }, { conntrack: { local: T } })).toEqual([
      'own_firewall_first: hint',
      'revived_from_inside: hint',
      'blind_without_send: hint',
      'local_conntrack_near: likely',
    ]);
    expect(pattern({ recv: dead(), send: alive() })).not.toContain('blind_without_send: hint');
  });

  it('every explanation rests on at least one sentence of evidence', () => {
    for (const explanation of explain(
      input(
        { send: reset(), recv: dead(), keepalive: diesAtOnce() },
        { addresses: { local: 'cgn' }, conntrack: { local: 350, responder: T }, severalSeenAddresses: true },
      ),
    )) {
      expect(explanation.evidence, explanation.id).not.toEqual([]);
    }
  });
});

describe('explain() looks at the surroundings', () => {
  it('tells a short conntrack timeout of the responder even when it was not reached', () => {
    expect(
      pattern({ send: dead(), recv: dead(), keepalive: dead() }, { conntrack: { responder: 350 } }),
    ).toEqual(['mapping_forgotten: measured', 'responder_conntrack_short: hint']);
  });

  it('says nothing about conntrack timeouts that are long enough', () => {
    expect(
      pattern({ send: dead(), recv: dead() }, { conntrack: { local: 432_000, responder: 86_400 } }),
    ).toEqual(['mapping_forgotten: measured']);
  });

  it('hints at several NATs after two early deaths', () => {
    expect(pattern({ send: { ...alive(), earlyDeaths: 1 }, recv: alive() })).toEqual([
      'no_expiry_seen: measured',
    ]);
    expect(pattern({ send: { ...alive(), earlyDeaths: 2 }, recv: alive() })).toEqual([
      'no_expiry_seen: measured',
      'two_answers: hint',
    ]);
  });

  it('calls several NATs likely from three early deaths and 5 % of the tests on', () => {
    const early = (testsBelowLower: number) => ({
      send: { ...alive(), earlyDeaths: 3, testsBelowLower },
      recv: alive(),
    });
    expect(pattern(early(61))).toContain('two_answers: hint');
    expect(pattern(early(60))).toContain('two_answers: likely');
  });

  it('does not take several public addresses for several timeouts, nor for more than a hint', () => {
    expect(pattern({ send: alive(), recv: alive() }, { severalSeenAddresses: true })).toEqual([
      'no_expiry_seen: measured',
      'several_addresses: hint',
    ]);
  });

  it('recognises a carrier-grade NAT by the local or the router address', () => {
    const cgn = ['no_expiry_seen: measured', 'carrier_grade_nat: likely'];
    expect(pattern({ send: alive(), recv: alive() }, { addresses: { local: 'cgn' } })).toEqual(cgn);
    expect(pattern({ send: alive(), recv: alive() }, { addresses: { router: 'cgn' } })).toEqual(cgn);
  });

  it('recognises a second NAT by a private or a different router address', () => {
    const second = ['no_expiry_seen: measured', 'second_nat: likely'];
    const both = { send: alive(), recv: alive() };
    expect(pattern(both, { addresses: { router: 'private', seen: 'public' } })).toEqual(second);
    expect(
      pattern(both, { addresses: { router: 'public', seen: 'public', routerDiffersFromSeen: true } }),
    ).toEqual(second);
    expect(pattern(both, { addresses: { router: 'public', seen: 'public' } })).toEqual([
      'no_expiry_seen: measured',
    ]);
  });
});

describe('explain() hints at known values', () => {
  const hint = (...args: Parameters<typeof input>): string | undefined =>
    explain(input(...args)).find(({ id }) => id === 'known_value')?.text;

  it('names the AWS NAT gateway for 350 s with resets, and no box that is known to drop', () => {
    const both = { send: forgets(350, 'reset'), recv: forgets(350), keepalive: forgets(350, 'reset') };
    expect(hint(both)).toMatch(/^Looks like: AWS NAT gateway; /);
    expect(hint(both)).not.toMatch(/AWS Network Firewall/);
    expect(hint(both)).toMatch(/a hint, not a proof/);
  });

  it('does not name a box that resets when the deaths were silent', () => {
    expect(hint({ send: forgets(350), recv: forgets(350) })).not.toMatch(/AWS NAT gateway/);
  });

  it('names OpenWrt only when a packet from inside revives the mapping', () => {
    expect(hint({ send: alive(), recv: forgets(7440), keepalive: alive() })).toMatch(/OpenWrt/);
    expect(hint({ send: forgets(7440), recv: forgets(7440) })).not.toMatch(/OpenWrt/);
  });

  it("never names an observation on somebody's line", () => {
    expect(hint({ send: forgets(3600), recv: forgets(3600) })).not.toMatch(/modem in bridge mode/);
    expect(hint({ send: forgets(255), recv: forgets(255) })).toBeUndefined();
  });

  it('names no product and no missing translation on loopback', () => {
    const both = { send: forgets(350), recv: forgets(350) };
    const ids = (local: 'loopback' | 'private') =>
      explain(input(both, { natDetected: false, addresses: { local } })).map(({ id }) => id);
    expect(ids('loopback')).toEqual(['mapping_forgotten']);
    expect(ids('private')).toEqual(['mapping_forgotten', 'no_translation', 'known_value']);
  });

  it('tells a wide bracket as a bracket, a narrow one as a value', () => {
    const text = (lower: number, upper: number) => {
      const wide = forgets((lower + upper) / 2);
      const one = { ...wide, finding: { ...wide.finding, lower, upper } };
      return explain(input({ send: one, recv: one }))[0]?.text;
    };
    expect(text(3595, 3605)).toMatch(/forgotten after 1 h 0 min \(3600 s\);/);
    expect(text(54.4, 60)).toMatch(/forgotten between 54.4 s and 1 min \(60 s\);/);
  });

  it('names nothing for a wide bracket or an uncommon value', () => {
    expect(hint({ send: forgets(1000), recv: forgets(1000) })).toBeUndefined();
    const wide = forgets(350);
    const loose = { ...wide, finding: { ...wide.finding, lower: 240, upper: 400 } };
    expect(hint({ send: loose, recv: loose })).toBeUndefined();
  });
});

describe('explain() of what holds for the path whatever the pattern', () => {
  const share = (of: number, timeout: number): ModeEvidence => {
    const { finding, deaths } = forgets(timeout);
    const mixture = { share: of, shareLower: of / 2, shareUpper: 2 * of, survived: 7436.4 };
    return { finding: { ...finding, mixture }, deaths, earlyDeaths: 5, testsBelowLower: 50 };
  };
  const WORDS =
    '5.0 % (2.5-10 %) of the connections are forgotten after 299-301 s, the others survived 7436 s.';

  it('tells a minority once, the earliest of several, and no pattern beside it', () => {
    for (const modes of [
      { send: share(0.05, 300), recv: alive() },
      { send: share(0.05, 300), recv: share(0.1, 600), keepalive: share(0.1, 600) },
      { send: alive(), recv: forgets(350), keepalive: share(0.05, 300) },
    ])
      expect(
        explain(input(modes))
          .filter(({ id }) => id !== 'known_value')
          .map(({ id, certainty, text }) => `${id}: ${certainty}: ${text}`),
      ).toEqual([
        `mixture: measured: Not all connections are treated alike, as behind a pool with bad nodes: ${WORDS}`,
      ]);
    expect(explain(input({ send: share(0.05, 300), recv: alive() }))[0]?.evidence).toEqual([
      `send: ${WORDS}`,
      'recv: survived 2 h 10 min (7800 s) idle, nothing died.',
    ]);
  });

  it('tells a minority whose bracket is still wide', () => {
    const { finding, ...rest } = share(0.05, 300);
    const { timeout: _timeout, ...wide } = finding;
    expect(pattern({ send: { finding: { ...wide, lower: 200 }, ...rest } })).toEqual(['mixture: measured']);
  });

  it('tells a fixed lifetime beside what survives below it', () => {
    const [first, ...others] = explain(
      input({ send: survives(240), recv: survives(240) }, { fixedLifetime: 300 }),
    );
    expect(first).toMatchObject({ id: 'fixed_lifetime', certainty: 'measured' });
    expect(first?.text).toBe(
      'Every connection ends 5 min (300 s) after its start, however busy it is: keepalives do not help, programs have to connect anew in time. What a longer silence would do cannot be told.',
    );
    expect(others.map(({ id }) => id)).toEqual(['no_expiry_seen']);
  });
});

describe('docs/REPORT.md', () => {
  it('lists every explanation', () => {
    const folder = new URL('../../../src/core/diagnosis/', import.meta.url);
    const source = readdirSync(folder)
      .map((file) => readFileSync(new URL(file, folder), 'utf8'))
      .join();
    const ids = [...source.matchAll(/(?:hint|likely|measured|sure|\))\(\s*'(\w+)',/g)].map(
      ([, id]) => id ?? '',
    );
    const documentation = readFileSync(new URL('../../../docs/REPORT.md', import.meta.url), 'utf8');
    expect(ids).toHaveLength(26);
    expect(ids.filter((id) => !documentation.includes(`\`${id}\``))).toEqual([]);
  });
});

describe('explain() and a quota', () => {
  const died = { send: forgets(600), recv: forgets(600), keepalive: forgets(600) };

  it('says nothing of a pattern while it is checked whether it depends on how many connections are open', () => {
    expect(explain({ ...input(died), quota: { kind: 'unchecked' } })).toEqual([]);
    expect(explain(input(died))).not.toEqual([]);
  });

  it('says that it does, and nothing else', () => {
    const quota = { kind: 'quota', connections: 72, held: 18, upper: 600 } as const;
    expect(explain({ ...input(died), quota }).map(({ id }) => id)).toEqual(['connection_quota']);
    expect(explain({ ...input({ send: climbing() }), quota })[0]?.evidence).toEqual([
      'About 72 connections open: some died after 10 min (600 s) idle.',
      '18 connections open: they survived longer than that.',
    ]);
  });
});
