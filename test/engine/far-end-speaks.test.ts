/** Far ends that break a silence by themselves, and those that cannot be asked everything. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_SEARCH } from '../../src/config/schema.js';
import { exitCode } from '../../src/measure/result.js';
import { isComplete } from '../../src/report/build.js';
import { startEngine } from '../support/running-engine.js';

describe('a far end that breaks a silence by itself', () => {
  it('ends the search below that time, and says so', async () => {
    const { clock, only } = await startEngine({ prepare: (path) => (path.speaksAfter = 600) });
    await clock.advance(3600);
    const snapshot = only();
    for (const { finding } of snapshot.modes) {
      expect(finding.upper).toBe(undefined);
      expect(finding.lower).toBeGreaterThan(580);
      expect(finding.lower).toBeLessThan(595.01);
    }
    expect(isComplete(snapshot)).toBe(true);
    expect(exitCode(snapshot)).toBe(3);
    expect(snapshot.verdict.sentence).toContain('breaks a silence by itself after 10 min (600 s)');
    expect(snapshot.events.map(({ text }) => text)).toContain(
      'the far end breaks a silence by itself after 10 min (600 s): nothing longer is measured',
    );
  });

  it('ends it also when that is noticed in the middle', async () => {
    const { clock, only, speak } = await startEngine();
    await clock.advance(300);
    speak(900);
    await clock.advance(5000);
    for (const { finding } of only().modes) expect(finding.lower).toBeLessThan(895.01);
    expect(isComplete(only())).toBe(true);
  });

  it('changes nothing where that is later than what is measured', async () => {
    const { clock, only } = await startEngine({
      target: { search: { ...DEFAULT_SEARCH, max_idle: 900 } },
      prepare: (path) => (path.speaksAfter = 7200),
    });
    await clock.advance(3600);
    for (const { finding } of only().modes) expect(finding.lower).toBeGreaterThan(895);
    expect(only().events.filter(({ text }) => text.includes('by itself'))).toEqual([]);
  });
});

describe('a far end that cannot be asked a mode', () => {
  it('is not asked it, and answers for the others', async () => {
    const { clock, path, only } = await startEngine({
      target: { search: { ...DEFAULT_SEARCH, max_idle: 600 } },
      prepare: (path) => {
        path.idleTimeout = 300;
        path.cannotBeAsked = ['recv'];
      },
    });
    await clock.advance(7200);
    const snapshot = only();
    expect([...path.asked]).toEqual(['send']);
    expect(snapshot.verdict).toMatchObject({ result: 'not_compliant', leftOut: ['recv'] });
    expect(isComplete(snapshot)).toBe(true);
    expect(snapshot.keepaliveRecommended).toBeGreaterThan(100);
  });
});
