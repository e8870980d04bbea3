/** What a path is called on which every connection ends at one age, and what never is called so. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_SEARCH } from '../../src/config/schema.js';
import { exitCode } from '../../src/measure/result.js';
import { isComplete } from '../../src/report/build.js';
import { startEngine } from '../support/running-engine.js';

describe('a path on which every connection ends at one age', () => {
  it.each([
    [300, {}],
    [1800, {}],
    [14, { min_idle: 1, max_idle: 60, resolution: 1, deadline: 3, guard: 0.5 }],
  ] as const)('is told so (%d s), the search ends, and nobody is accused', async (lifetime, search) => {
    const target = { search: { ...DEFAULT_SEARCH, ...search } };
    const { clock, path, only, reasons, losses } = await startEngine({ target });
    path.lifetime = lifetime;
    await clock.advance(8 * lifetime);
    const snapshot = only();
    expect(snapshot.verdict.conditions).toEqual(['fixed_lifetime']);
    expect(snapshot.verdict.sentence).toContain('after its start, however busy it is');
    expect(snapshot.verdict.result).toBe('unknown');
    expect([exitCode(snapshot), isComplete(snapshot)]).toEqual([3, true]);
    for (const { finding } of snapshot.modes) {
      expect(finding.upper).toBeUndefined();
      expect(finding.lower).toBeGreaterThan(0.75 * lifetime);
      expect(finding.lower).toBeLessThan(lifetime);
    }
    expect(reasons).not.toContain('control_failed');
    expect(reasons).not.toContain('silence');
    // Only the first end of both canaries at once may be a loss of all mappings, for all that is known then.
    expect(losses()).toBeLessThanOrEqual(1);
    const before = reasons.length;
    await clock.advance(20 * lifetime);
    expect(losses()).toBeLessThanOrEqual(1);
    expect(new Set(reasons.slice(before))).toEqual(new Set(['answered']));
    expect(only().verdict.conditions).toEqual(['fixed_lifetime']);
  });

  it('is not any more once a connection lives longer, and the search goes on', async () => {
    const { clock, path, only } = await startEngine();
    path.lifetime = 300;
    await clock.advance(2400);
    expect(only().verdict.conditions).toEqual(['fixed_lifetime']);
    path.lifetime = undefined;
    await clock.advance(400);
    expect(only().verdict.conditions).toEqual([]);
    await clock.advance(9000);
    expect(only().verdict.result).toBe('compliant');
  });
});

describe('no fixed lifetime', () => {
  it('is a box that reboots every 600 s, although all canaries then end at the same age', async () => {
    const { clock, path, only, losses } = await startEngine();
    for (let times = 0; times < 20; times++) {
      await clock.advance(600);
      path.reboot();
    }
    await clock.advance(100);
    expect(only().verdict.conditions).toEqual([]);
    expect(losses()).toBeGreaterThan(17);
  });

  it.each([1.5, 2.1, 3, 5, 9, 20, 40, 59, 61, 600])('is an idle timeout of %d s', async (idleTimeout) => {
    const { clock, path, only } = await startEngine();
    // Heartbeats are a minute apart by then: the canaries are forgotten, too.
    await clock.advance(600);
    path.idleTimeout = idleTimeout;
    path.forgetsBusy = true;
    for (let times = 0; times < 40; times++) {
      await clock.advance(30);
      expect(only().verdict.conditions).toEqual([]);
    }
  });
});
