/** What verdicts teach, one rule at a time. */
import { describe, expect, test } from 'vitest';
import { upperOf } from '../../../src/core/search/bracket.js';
import { learnDeath, learnSurvival } from '../../../src/core/search/evidence.js';
import { findingOf, publish } from '../../../src/core/search/finding-of.js';
import { reviveSearch } from '../../../src/core/search/revive.js';
import { finish, type Draft, type Role } from '../../../src/core/search/state.js';
import type { DeathEvidence } from '../../../src/core/verdict.js';
import { randomFrom } from '../../support/prng.js';
import { SimulatedPath } from '../../support/simulated-nat.js';
import { drive } from '../../support/virtual-driver.js';
import { SHIPPED, deathsAt, draftWith, testedAfter } from './drafts.js';

describe('the verdict on what is required', () => {
  /** Survivals in a row that turn it, on a path without drops. */
  const NEEDED = 4;
  const refuted = (): Draft => draftWith({ lower: 7440, compliant: false });
  const survive = (draft: Draft, times: number): void => {
    for (let each = 0; each < times; each++) learnSurvival(draft, testedAfter(draft, 7440), 7440);
  };

  test('turns back after enough survivals in a row', () => {
    const draft = refuted();
    survive(draft, NEEDED - 1);
    expect(draft.compliant).toBe(false);
    survive(draft, 1);
    expect(draft.compliant).toBe(true);
  });

  test('does not turn back by survivals of shorter times', () => {
    const draft = refuted();
    survive(draft, NEEDED - 1);
    for (let each = 0; each < NEEDED; each++) learnSurvival(draft, testedAfter(draft, 3600), 3600);
    expect(draft.compliant).toBe(false);
  });

  test('begins its row of survivals anew after any death before 7440 s', () => {
    const draft = refuted();
    survive(draft, NEEDED - 1);
    learnDeath(draft, testedAfter(draft, 3600), 3600);
    survive(draft, NEEDED - 1);
    expect(draft.compliant).toBe(false);
    survive(draft, 1);
    expect(draft.compliant).toBe(true);
  });

  test('keeps its row of survivals after a death at 7440 s', () => {
    const draft = refuted();
    survive(draft, NEEDED - 1);
    learnDeath(draft, testedAfter(draft, 7440), 7440);
    survive(draft, 1);
    expect(draft.compliant).toBe(true);
  });
});

describe('connections that somebody closes', () => {
  const die = (draft: Draft, idle: number, evidence: DeathEvidence): void =>
    learnDeath(draft, testedAfter(draft, idle), idle, evidence);

  test('end the bracket and refute nothing', () => {
    const draft = draftWith({ lower: 295 });
    for (const idle of [300, 301, 302]) die(draft, idle, 'closed');
    publish(draft);
    expect(findingOf(draft)).toMatchObject({ timeout: 297.5, upper: 300, deaths: 3, closed: true });
    expect(findingOf(draft).compliant).toBeUndefined();
  });

  test('take back what was proven before, its timeout in the same moment', () => {
    const draft = draftWith({
      lower: 250,
      compliant: true,
      published: { lower: 7437, timeout: 7440, deaths: 0 },
    });
    for (const idle of [300, 301, 302]) die(draft, idle, 'closed');
    publish(draft);
    expect(findingOf(draft)).toMatchObject({ lower: 250, upper: 300, closed: true });
    expect(findingOf(draft)).not.toHaveProperty('compliant');
    expect(findingOf(draft)).not.toHaveProperty('timeout');
  });

  test('are no part of the three deaths of a claim', () => {
    const draft = draftWith({ lower: 295 });
    for (const evidence of ['closed', 'closed', 'silence', 'reset', 'closed'] as const)
      die(draft, 300, evidence);
    expect(draft.compliant).toBeNull();
    die(draft, 300, 'reset_idle');
    expect(draft.compliant).toBe(false);
    expect(findingOf(draft)).not.toHaveProperty('closed');
  });

  test('do not take a claim back that rests on others', () => {
    const draft = draftWith({ lower: 295 });
    for (const evidence of ['silence', 'silence', 'silence', 'closed', 'closed', 'closed'] as const)
      die(draft, 300, evidence);
    expect(draft.compliant).toBe(false);
  });

  test('are still told apart after a restart', () => {
    const draft = draftWith({ lower: 295 });
    for (const idle of [300, 301, 302]) die(draft, idle, 'closed');
    const { state } = finish(draft);
    const json = JSON.parse(JSON.stringify(state)) as { deaths: object[] };
    const revived = reviveSearch(json, SHIPPED);
    if (revived === undefined) throw new Error('not revived');
    expect(findingOf(revived).closed).toBe(true);
    expect(
      reviveSearch({ ...json, deaths: [{ ...json.deaths[0], closed: 'yes' }] }, SHIPPED),
    ).toBeUndefined();
  });
});

describe('a death just above the lower bound', () => {
  /** A finding of 3590 to 3600 s, where survivors lost up to `slack` seconds. */
  const settled = (slack: number): Draft => {
    const draft = draftWith({ lower: 3590, slack, published: { lower: 3590, upper: 3600, deaths: 3 } });
    draft.deaths = deathsAt(draft, 3600, 3601, 3602);
    return draft;
  };
  const die = (draft: Draft, idle: number, role: Role): void =>
    learnDeath(draft, testedAfter(draft, idle, { role }), idle);

  test.each(['lower', 'half', 'between'] as const)(
    'contradicts it where a connection of role %s asked about it again: verdicts are inexact',
    (role) => {
      const draft = settled(2);
      die(draft, 3592, role);
      expect(upperOf(draft)).toBe(3600);
      expect(draft.suspicions).toHaveLength(1);
    },
  );

  test.each(['upper', 'ladder'] as const)('is the new upper bound where role %s asked above it', (role) => {
    const draft = settled(2);
    die(draft, 3592, role);
    expect(upperOf(draft)).toBe(3592);
    expect(draft.suspicions).toEqual([]);
  });

  test('is the new upper bound beyond the inexactness that verdicts have shown', () => {
    const draft = settled(0);
    die(draft, 3592, 'lower');
    expect(upperOf(draft)).toBe(3592);
  });
});

describe('a drop', () => {
  test('to just below 7440 s is told within a day though verdicts are inexact', () => {
    for (let seed = 1; seed <= 6; seed++) {
      const changes = [
        { from: 0, nodes: [{ timeout: 7440, share: 1 }] },
        { from: 35_000 + 1500 * seed, nodes: [{ timeout: 7200, share: 1 }] },
      ];
      const run = drive({
        search: SHIPPED,
        path: new SimulatedPath({ regimes: changes }, randomFrom(seed)),
        rounds: 300,
        until: 130_000,
        inexactness: { alive: 0.25, dead: 0.05 },
      });
      expect(run.announced.map(({ change }) => change)).toEqual(['drop']);
    }
  });
});

describe('an early end', () => {
  const counted = (evidence: DeathEvidence) => {
    const draft = draftWith({ lower: 7440 });
    learnDeath(draft, testedAfter(draft, 3600), 3600, evidence);
    return draft.census.tally.length;
  };

  test('counts for a minority that forgets early, unless somebody closed the connection, who has not forgotten it', () => {
    expect([counted('silence'), counted('reset'), counted('closed')]).toEqual([1, 1, 0]);
  });
});
