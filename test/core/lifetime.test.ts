import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  learnDeath,
  learnLife,
  type LifetimeEvidence,
  longestIdleWithin,
  NO_LIFETIME,
  shouldPart,
  silenceAllowed,
  spokenAge,
} from '../../src/core/lifetime.js';
import { propertySeed } from '../support/seed.js';

const RESOLUTION = 10;

/** The ends of connections that are asked every `beat` seconds and end at an age; each second one outlives the first. */
function ends(ages: readonly number[], beat: number, witnessed = true): LifetimeEvidence {
  let evidence = NO_LIFETIME;
  let from = 0;
  for (const age of ages) {
    const heard = from + Math.floor((age - 1e-9) / beat) * beat;
    evidence = learnDeath(evidence, { from, heard, gone: heard + beat, survivedSilence: beat }, RESOLUTION);
    const other = from + age / 2;
    if (witnessed) evidence = learnLife(evidence, { from: other, to: heard + beat + 1 }, RESOLUTION);
    from += 1.5 * age;
  }
  return evidence;
}

describe('a fixed lifetime', () => {
  it('is proven by three ends at one age beside connections that live on, and holds that age', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 60, max: 90_000 }),
        fc.double({ min: 0.3, max: 9, noNaN: true }),
        (age, beat) => {
          expect(ends([age, age], beat).proven).toBeUndefined();
          const { proven } = ends([age, age, age], beat);
          expect(proven?.lower).toBeLessThanOrEqual(age);
          expect(proven?.upper).toBeGreaterThanOrEqual(age - 1e-6);
          expect(longestIdleWithin(proven ?? { lower: 0, upper: 0 }, 5)).toBeLessThan(age);
        },
      ),
      { seed: propertySeed() },
    );
  });

  it('is not proven while nobody lives on at those moments: every mapping may vanish again and again', () => {
    expect(ends([300, 300, 300, 300, 300], 1, false).proven).toBeUndefined();
  });

  it('is not proven by ends at different ages', () => {
    expect(ends([300, 320, 340, 300, 320, 340, 280, 300], 1).proven).toBeUndefined();
  });

  it('is not proven where the age is only known to a minute', () => {
    expect(ends([300, 300, 300, 300], 60).proven).toBeUndefined();
  });

  it('is not proven by connections that had been silent for longer than they were known to survive', () => {
    let evidence = NO_LIFETIME;
    for (let from = 0; from < 10_000; from += 1000)
      evidence = learnDeath(
        evidence,
        { from, heard: from + 600, gone: from + 605, survivedSilence: 3 },
        RESOLUTION,
      );
    expect(evidence.deaths).toEqual([]);
  });

  it('is refuted by whoever lives longer, and by nobody else', () => {
    const evidence = ends([300, 300, 300], 1);
    const [from, to] = [5000, 5301];
    expect(learnLife(evidence, { from, to }, RESOLUTION).proven).toBe(evidence.proven);
    const refuted = learnLife(evidence, { from, to: to + 15 }, RESOLUTION);
    expect([refuted.proven, refuted.deaths]).toEqual([undefined, []]);
  });

  it('outlasts a reboot in between, and follows a new value', () => {
    const evidence = ends([300, 300, 300], 1);
    const rebooted = learnDeath(
      evidence,
      { from: 2000, heard: 2070, gone: 2071, survivedSilence: 1 },
      RESOLUTION,
    );
    expect(rebooted.proven).toBe(evidence.proven);
    expect(learnLife(rebooted, { from: 2080, to: 2300 }, RESOLUTION).proven).toBe(evidence.proven);
    expect(spokenAge(ends([300, 300, 300, 120, 120, 120], 1).proven ?? { lower: 0, upper: 0 })).toBe(120);
  });

  it('is told as the roundest age that fits', () => {
    expect(spokenAge({ lower: 297, upper: 304 })).toBe(300);
    expect(spokenAge({ lower: 13.2, upper: 13.6 })).toBeCloseTo(13.4);
  });
});

describe('a suspected age', () => {
  it('has the connections asked often when they reach it, so that it becomes exact', () => {
    const evidence = ends([300], 60);
    expect(silenceAllowed(evidence, 100, RESOLUTION)).toBe(130);
    expect(silenceAllowed(evidence, 250, RESOLUTION)).toBe(2.5);
    expect(silenceAllowed(evidence, 311, RESOLUTION)).toBeUndefined();
    expect(silenceAllowed(NO_LIFETIME, 250, RESOLUTION)).toBeUndefined();
  });

  it('parts two connections of the same age once, in the middle of it', () => {
    const evidence = ends([300], 60);
    expect(shouldPart(evidence, [100, 100])).toBe(false);
    expect(shouldPart(evidence, [130, 129])).toBe(true);
    expect(shouldPart(evidence, [130, 2])).toBe(false);
    expect(shouldPart(NO_LIFETIME, [130, 129])).toBe(false);
  });
});
