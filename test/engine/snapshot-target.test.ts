import { describe, expect, it } from 'vitest';
import type { TargetConfig } from '../../src/config/config.js';
import type { Finding } from '../../src/core/finding.js';
import { MODES, type Mode } from '../../src/core/modes.js';
import { FINDING_EXPIRES_AFTER } from '../../src/engine/restored-search.js';
import type { PathFacts } from '../../src/engine/path-facts.js';
import type { TestRecord } from '../../src/engine/snapshot.js';
import { type ModeReadings, TargetSnapshots, unreadableTarget } from '../../src/engine/snapshot-target.js';
import { ALIVE, makeConfig, makeTest, SILENT } from '../support/fake-view.js';

const NOW = 1_700_000_000;
const CONFIG = makeConfig('home');

function found(more: Partial<Finding>): Finding {
  return { phase: 'track', suspect: false, deaths: 3, ...more };
}

const ONE_HOUR = found({ lower: 3595, upper: 3605, timeout: 3600, compliant: false });
/** Keepalives that die at the shortest idle time. */
const SHORTEST = found({ upper: 15, timeout: 7.5, compliant: false });

interface Readings extends ModeReadings {
  finding: Finding;
  confirmedTimestamp: number | undefined;
}

function readings(findings: Readonly<Record<Mode, Finding>>): Record<Mode, Readings> {
  const of = (mode: Mode): Readings => ({
    mode,
    finding: findings[mode],
    confirmedTimestamp: NOW,
    conclusiveAt: NOW,
    connections: 7,
    waiting: [],
    tests: [],
    belowLower: { earlyDeaths: 0, testsBelowLower: 0 },
  });
  return { send: of('send'), recv: of('recv'), keepalive: of('keepalive') };
}

const SAME = { send: ONE_HOUR, recv: ONE_HOUR, keepalive: ONE_HOUR };

describe('TargetSnapshots', () => {
  const taken = (modes: Record<Mode, Readings>, at = NOW, snapshots = new TargetSnapshots(CONFIG)) =>
    snapshots.take({ seenAddresses: [] }, Object.values(modes), [], at);
  /** With these facts about the path. */
  const withFacts = (facts: Partial<PathFacts>) =>
    new TargetSnapshots(CONFIG).take({ seenAddresses: [], ...facts }, Object.values(readings(SAME)), [], NOW);

  it('shows what was found, and what follows from it', () => {
    const { modes, keepaliveRecommended, settings, explanations } = taken(readings(SAME));
    expect(modes.map(({ mode }) => mode)).toEqual(MODES);
    for (const each of modes) {
      expect(each.finding).toBe(ONE_HOUR);
      expect(each.connections).toBe(7);
      expect(each.confirmedTimestamp).toBe(NOW);
    }
    expect(keepaliveRecommended).toBe(1797);
    expect(settings?.interval).toBe(1797);
    expect(explanations.map(({ id }) => id)).toContain('mapping_forgotten');
  });

  it('shows what is known of the path', () => {
    const introduction = { localAddress: '10.0.0.2', seenAddress: '203.0.113.7', conntrack: 432_000 };
    const snapshot = withFacts({
      up: true,
      address: '198.51.100.1',
      introduction,
      localConntrack: 300,
      routerAddress: '100.64.0.9',
      announced: true,
    });
    const { up, address, localAddress, seenAddress, routerAddress, natDetected, announced } = snapshot;
    expect({ up, address, localAddress, seenAddress, routerAddress, natDetected, announced }).toEqual({
      up: true,
      address: '198.51.100.1',
      localAddress: '10.0.0.2',
      seenAddress: '203.0.113.7',
      routerAddress: '100.64.0.9',
      natDetected: true,
      announced: true,
    });
    expect(snapshot.conntrack).toEqual({ local: 300, responder: 432_000 });
    expect(snapshot.explanations.map(({ id }) => id)).toContain('carrier_grade_nat');
    expect(withFacts({ introduction: { ...introduction, seenAddress: '10.0.0.2' } }).natDetected).toBe(false);
    expect(withFacts({ introduction: { localAddress: '10.0.0.2' } }).natDetected).toBeUndefined();
    // The same address in other words; a zone belongs to its own host.
    for (const [localAddress, seenAddress, nat] of [
      ['fe80::1%eth0', 'fe80::1', false],
      ['fe80::1%eth0', 'fe80::2', true],
      ['2001:db8::1', '2001:db8:0:0:0:0:0:1', false],
      ['::ffff:10.0.0.2', '10.0.0.2', false],
      ['10.0.0.2', '10.0.0.3', true],
    ] as const)
      expect(withFacts({ introduction: { localAddress, seenAddress } }).natDetected).toBe(nat);
  });

  it('does not say that a far end which is down lists this exporter', () => {
    const { up, downReason, announced } = withFacts({ up: false, downReason: 'timeout', announced: true });
    expect({ up, downReason, announced }).toEqual({ up: false, downReason: 'timeout' });
  });

  it('leaves out what is unknown', () => {
    const snapshot = taken(readings({ send: found({}), recv: ONE_HOUR, keepalive: ONE_HOUR }));
    expect(snapshot.keepaliveRecommended).toBeUndefined();
    expect(snapshot.settings).toBeUndefined();
    expect(snapshot.natDetected).toBeUndefined();
    expect(snapshot.announced).toBeUndefined();
    expect(snapshot.conntrack).toEqual({});
    expect(snapshot.explanations).toEqual([]);
  });

  it('withholds the timeout of keepalives that are eaten, and follows a finding that changes', () => {
    const modes = readings({ ...SAME, keepalive: SHORTEST });
    const snapshots = new TargetSnapshots(CONFIG);
    const keepaliveAt = (at: number) => taken(modes, at, snapshots).modes[2]?.finding;
    const withheld = keepaliveAt(NOW);
    expect(withheld).toEqual(found({ upper: 15 }));
    // Nothing has changed: nothing is made anew.
    expect(keepaliveAt(NOW + 60)).toBe(withheld);
    modes.keepalive.finding = ONE_HOUR;
    expect(keepaliveAt(NOW + 61)).toBe(ONE_HOUR);
    expect(taken(modes, NOW + 62, snapshots).keepaliveRecommended).toBe(1797);
  });

  it('offers no TCP keepalives where somebody in between closes connections: they end at him', () => {
    const { compliant: _compliant, ...hour } = ONE_HOUR;
    const closed = found({ ...hour, closed: true });
    const offered = (finding: Finding): readonly string[] =>
      taken(readings({ send: finding, recv: finding, keepalive: finding }))
        .settings?.snippets.map(({ text }) => text)
        .filter((text) => text.includes('tcp_keepalive_time')) ?? [];
    expect(offered(ONE_HOUR)).toHaveLength(1);
    expect(offered(closed)).toEqual([]);
    expect(taken(readings({ send: closed, recv: closed, keepalive: closed })).settings?.interval).toBe(1797);
  });

  it('suspects a pool of addresses where the far end saw more than one', () => {
    const ids = (seenAddresses: readonly string[]) =>
      withFacts({ seenAddresses }).explanations.map(({ id }) => id);
    expect(ids(['198.51.100.1'])).not.toContain('several_addresses');
    expect(ids(['198.51.100.1', '198.51.100.2'])).toContain('several_addresses');
  });

  it('compares the router’s address with the seen one where both are public and known', () => {
    const ids = (routerAddress: string, seenAddress?: string) =>
      withFacts({
        routerAddress,
        introduction: { localAddress: '10.0.0.2', ...(seenAddress && { seenAddress }) },
      }).explanations.map(({ id }) => id);
    expect(ids('100.64.0.9', '9.9.9.7')).toContain('carrier_grade_nat');
    expect(ids('9.9.9.8', '9.9.9.7')).toContain('second_nat');
    expect(ids('9.9.9.7', '9.9.9.7')).not.toContain('second_nat');
    expect(ids('9.9.9.8')).not.toContain('second_nat');
  });

  it('tells no moment by a clock that was never set, nor one that is still to come', () => {
    const at = (confirmedTimestamp: number | undefined, now: number) =>
      taken({ ...readings(SAME), send: { ...readings(SAME).send, confirmedTimestamp } }, now).modes[0]
        ?.confirmedTimestamp;
    expect(at(NOW - 60, NOW)).toBe(NOW - 60);
    expect(at(NOW + 5, NOW)).toBe(NOW);
    expect(at(NOW + 6, NOW)).toBeUndefined();
    expect(at(undefined, NOW)).toBeUndefined();
    expect(at(60, 120)).toBeUndefined();
  });

  it('counts the deaths of the last day as evidence, and no other verdicts', () => {
    const death = (ago: number): TestRecord => makeTest(1, 3600, SILENT, NOW - ago);
    const evidence = (...tests: TestRecord[]) => {
      const modes = readings(SAME);
      return taken({ ...modes, send: { ...modes.send, tests } })
        .explanations.flatMap((each) => each.evidence)
        .join('\n');
    };
    expect(evidence(death(86_401))).toBe(evidence());
    expect(evidence(makeTest(1, 3600, ALIVE, NOW))).toBe(evidence());
    expect(evidence(death(86_400))).not.toBe(evidence());
  });

  it('knows which far ends could refresh connections: those that were asked, and no other protocol', () => {
    const of = (config: TargetConfig, fresh?: boolean) =>
      new TargetSnapshots(config).take(
        {
          seenAddresses: [],
          introduction: { localAddress: '10.0.0.2', ...(fresh !== undefined && { fresh }) },
        },
        [],
        [],
        NOW,
      ).localization?.responder;
    expect([of(CONFIG, true), of(CONFIG, false), of(CONFIG)]).toEqual([true, false, undefined]);
    const other = makeConfig('old', {
      far_end: { kind: 'nat-tcp-test', host: 'far.example', port: 5382 } as never,
    });
    expect([of(other, true), of(other)]).toEqual([false, false]);
  });

  it('leaves of a target that cannot be read what is known of its path', () => {
    const events = [{ at: NOW, text: 'it answers' }];
    const facts = { up: false, downReason: 'timeout', remedy: 'token_file', address: '203.0.113.9' } as const;
    const left = unreadableTarget(CONFIG, { ...facts, seenAddresses: [] }, events);
    expect(left).toMatchObject({
      config: CONFIG,
      ...facts,
      events,
      modes: [],
      explanations: [],
      conntrack: {},
    });
    expect(left.verdict.result).toBe('unknown');
  });

  it('keeps what it was when it was taken', () => {
    const modes = readings(SAME);
    const snapshots = new TargetSnapshots(CONFIG);
    const before = taken(modes, NOW, snapshots);
    modes.send.finding = found({ upper: 20 });
    expect(taken(modes, NOW + 1, snapshots).modes[0]?.finding).toEqual(found({ upper: 20 }));
    expect(before.modes[0]?.finding).toBe(ONE_HOUR);
    expect(before.keepaliveRecommended).toBe(1797);
  });

  it('shows a finding no longer than its newest evidence is good for', () => {
    const modes = readings(SAME);
    const snapshots = new TargetSnapshots(CONFIG);
    const at = (later: number) => taken(modes, NOW + later, snapshots);
    expect(at(FINDING_EXPIRES_AFTER).modes[0]?.finding).toBe(ONE_HOUR);
    const old = at(FINDING_EXPIRES_AFTER + 1);
    for (const { finding } of old.modes)
      expect(finding).toEqual({ phase: 'track', suspect: false, deaths: 0 });
    expect(old.keepaliveRecommended).toBeUndefined();
    for (const each of Object.values(modes)) each.confirmedTimestamp = NOW + FINDING_EXPIRES_AFTER;
    expect(at(FINDING_EXPIRES_AFTER + 1).keepaliveRecommended).toBe(1797);
  });
});
