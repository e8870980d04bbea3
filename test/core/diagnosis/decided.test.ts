import { describe, expect, it } from 'vitest';
import { idleToSurvive, isDecided } from '../../../src/core/diagnosis/decided.js';
import { climbing, diesAtOnce, forgets, LIMITS, survives } from './findings.js';

describe('idleToSurvive()', () => {
  it('asks for the verdict when max_idle is just above 7440 s, else for max_idle', () => {
    expect(idleToSurvive({ maxIdle: 7800, guard: 5, required: 7440 })).toBe(7435);
    expect(idleToSurvive({ maxIdle: 7440, guard: 5, required: 7440 })).toBe(7435);
    expect(idleToSurvive({ maxIdle: 60, guard: 1, required: 7440 })).toBe(60);
    expect(idleToSurvive({ maxIdle: 86_400, guard: 5, required: 7440 })).toBe(86_400);
  });
});

describe('isDecided()', () => {
  const decided = (
    evidence: { finding: Parameters<typeof isDecided>[0] },
    limits = LIMITS,
    required = 7440,
  ) => isDecided(evidence.finding, { ...limits, required });

  it('is false while climbing, true when enough survived', () => {
    const day = { ...LIMITS, maxIdle: 86_400 };
    expect(decided(climbing())).toBe(false);
    expect(decided(climbing(7000))).toBe(false);
    expect(decided(climbing(7439))).toBe(true);
    expect(decided(climbing(7439), day)).toBe(false);
    expect(decided(climbing(50), { ...LIMITS, maxIdle: 60 })).toBe(false);
    expect(decided(survives(60), { ...LIMITS, maxIdle: 60 })).toBe(true);
  });

  it('asks each mode for what is required of it', () => {
    const short = { ...LIMITS, maxIdle: 130 };
    expect(decided(climbing(119), short)).toBe(false);
    expect(decided(climbing(119), short, 120)).toBe(true);
    expect(decided(climbing(118), short, 120)).toBe(false);
  });

  it('wants the third death before a closed bracket is an answer', () => {
    expect(decided(forgets(3600, 'silence', 1))).toBe(false);
    expect(decided(forgets(3600))).toBe(true);
  });

  it('ends when everything dies at min_idle', () => {
    expect(decided(diesAtOnce('silence', 2))).toBe(false);
    expect(decided(diesAtOnce())).toBe(true);
  });

  it('goes on while nothing survived and what died ran late: the shortest idle time may survive', () => {
    const { timeout: _, ...late } = { ...diesAtOnce().finding, upper: 2 * LIMITS.minIdle };
    expect(decided({ finding: late })).toBe(false);
  });

  it('waits while deaths below the bound await confirmation', () => {
    const { finding } = forgets(3600);
    expect(decided({ finding: { ...finding, suspect: true } })).toBe(false);
  });
});
