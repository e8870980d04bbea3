/** How much of a saved localisation is believed: what is damaged, of the future, or too old is not. */
import { describe, expect, it } from 'vitest';
import {
  dueModes,
  holding,
  type LocateEntry,
  type LocateGround,
  type LocateMemory,
  NOTHING_LOCATED,
} from '../../src/core/locate/locate-memory.js';
import { parseSavedLocalization } from '../../src/engine/saved-localization.js';
import { BRIDGE_MODEM, CGN, MIXED, PROFILE } from '../support/located.js';

const NOW = 1_800_000_000;
const DAY = 86_400;
const ENTRY: LocateEntry = {
  mode: 'send',
  at: NOW - DAY,
  result: CGN,
  profile: { ...PROFILE, at: NOW - DAY / 2 },
  address: '192.0.2.7',
  seen: '198.51.100.1',
};
const SAVED: LocateMemory = {
  ...NOTHING_LOCATED,
  entries: [ENTRY],
  failed: [{ mode: 'recv', times: 2, at: NOW - 60 }],
  changed: ['recv'],
  extraAt: NOW - 3600,
  hops: { client: 3, responder: 3 },
  addresses: [{ hop: 1, address: '192.168.1.1' }],
};

/** As it comes back from the disk. */
const read = (value: unknown): LocateMemory | undefined =>
  parseSavedLocalization(JSON.parse(JSON.stringify(value)), NOW);

describe('parseSavedLocalization()', () => {
  it.each([
    ['a router with its profile', SAVED],
    ['a bridge', { ...SAVED, entries: [{ ...ENTRY, result: BRIDGE_MODEM }] }],
    ['why no box is named', { ...SAVED, entries: [{ ...ENTRY, result: MIXED }] }],
    ['nothing', NOTHING_LOCATED],
  ])('restores %s', (_, memory) => {
    expect(read(memory)).toEqual(memory);
  });

  it.each([
    ['no object', 5],
    ['an unknown mode', { ...SAVED, entries: [{ ...ENTRY, mode: 'sing' }] }],
    [
      'an unknown kind of box',
      { ...SAVED, entries: [{ ...ENTRY, result: { ...CGN, box: { kind: 'cloud' } } }] },
    ],
    [
      'a router without a hop',
      { ...SAVED, entries: [{ ...ENTRY, result: { ...CGN, box: { kind: 'router', kc: 2, ks: 2 } } }] },
    ],
    ['a hop that no path has', { ...SAVED, addresses: [{ hop: 65, address: '192.0.2.1' }] }],
    ['an unknown reason', { ...SAVED, entries: [{ ...ENTRY, result: { ...MIXED, reason: 'bored' } }] }],
    ['counts below zero', { ...SAVED, failed: [{ mode: 'recv', times: -1, at: 0 }] }],
    ['a moment that is none', { ...SAVED, entries: [{ ...ENTRY, at: 'today' }] }],
    [
      'a bound that is none',
      { ...SAVED, entries: [{ ...ENTRY, profile: { ...PROFILE, behind: { lower: -1 } } }] },
    ],
    ['more entries than modes', { ...SAVED, entries: Array.from({ length: 9 }, () => ENTRY) }],
  ])('takes nothing with %s', (_, value) => {
    expect(read(value)).toBeUndefined();
  });

  it('leaves out what has not happened yet', () => {
    const future = NOW + 1;
    expect(read({ ...SAVED, entries: [{ ...ENTRY, at: future }] })?.entries).toEqual([]);
    expect(read({ ...SAVED, failed: [{ mode: 'recv', times: 1, at: future }] })?.failed).toEqual([]);
    expect(read({ ...SAVED, extraAt: future })).not.toHaveProperty('extraAt');
    const { profile: _, ...bare } = ENTRY;
    const early = { ...SAVED, entries: [{ ...ENTRY, profile: { ...PROFILE, at: future } }] };
    expect(read(early)?.entries).toEqual([bare]);
  });
});

describe('what was restored', () => {
  const ground = (change: Partial<LocateGround> = {}): LocateGround => ({
    findings: {
      send: { phase: 'track', lower: 3598, upper: 3602, timeout: 3600, suspect: false, deaths: 3 },
    },
    ends: { address: '192.0.2.7', seen: ['198.51.100.1'] },
    guard: 5,
    every: 7 * DAY,
    profile: true,
    isAsking: false,
    now: NOW,
    ...change,
  });
  const left = (change: Partial<LocateGround>): readonly LocateEntry[] =>
    holding(SAVED, ground(change)).entries;

  it('stands while it is young enough and nothing refutes it', () => {
    expect(holding(SAVED, ground())).toBe(SAVED);
    // The profile was measured half a day later.
    expect(left({ now: ENTRY.at + 14 * DAY })).toEqual([ENTRY]);
  });

  it('is gone after twice `every`, its profile after twice `every` of its own', () => {
    expect(left({ now: ENTRY.at + 14 * DAY + 1 })).toEqual([]);
    const young = { ...ENTRY, at: NOW };
    const { profile: _, ...bare } = young;
    const old = { ...SAVED, entries: [{ ...young, profile: { ...PROFILE, at: NOW - 14 * DAY - 1 } }] };
    expect(holding(old, ground()).entries).toEqual([bare]);
  });

  it('is not gone for its age while it waits to be asked again, unless it is refuted or not to be asked', () => {
    const late = { now: ENTRY.at + 60 * DAY, isAsking: true };
    expect(left(late)).toEqual([ENTRY]);
    expect(left({ ...late, ends: { address: '192.0.2.8', seen: ['198.51.100.1'] } })).toEqual([]);
    expect(
      left({
        ...late,
        findings: { send: { phase: 'track', lower: 895, upper: 905, suspect: false, deaths: 3 } },
      }),
    ).toEqual([]);
    expect(left({ ...late, findings: {} })).toEqual([]);
  });

  it.each([
    ['another address of the far end', { ends: { address: '192.0.2.8', seen: ['198.51.100.1'] } }],
    ['another address of ours', { ends: { address: '192.0.2.7', seen: ['198.51.100.2'] } }],
    [
      'another timeout',
      { findings: { send: { phase: 'track', lower: 895, upper: 905, suspect: false, deaths: 3 } } },
    ],
  ] as const)('is gone with %s', (_, change) => {
    expect(left(change)).toEqual([]);
    expect(holding(SAVED, ground(change)).changed).toContain('send');
  });

  it('stands while the other timeout is in doubt', () => {
    const findings = { send: { phase: 'track', lower: 895, upper: 905, suspect: true, deaths: 3 } } as const;
    expect(left({ findings })).toEqual([ENTRY]);
  });

  it('asks for the profile where there is none, not all of it, or an older one than the box; else for the box', () => {
    const due = (entry: LocateEntry, profile = true) =>
      dueModes({ ...SAVED, entries: [entry] }, ground({ profile }))[0];
    const { profile: _, ...bare } = ENTRY;
    expect(due(ENTRY)).toMatchObject({ what: 'box', at: ENTRY.at + 7 * DAY });
    expect(due(bare)).toMatchObject({ what: 'profile', at: -Infinity });
    expect(due(bare, false)).toMatchObject({ what: 'box' });
    expect(due({ ...ENTRY, profile: { ...PROFILE, places: [], at: NOW } })).toMatchObject({
      what: 'profile',
    });
    expect(due({ ...ENTRY, profile: { ...PROFILE, at: ENTRY.at - 1 } })).toMatchObject({ what: 'profile' });
    expect(due({ ...bare, result: MIXED })).toMatchObject({ what: 'box' });
    const failed = [{ mode: 'send', times: 1, at: NOW }] as const;
    expect(dueModes({ ...SAVED, entries: [bare], failed }, ground())[0]).toMatchObject({
      what: 'profile',
      at: NOW + 600,
    });
  });
});
