/** Late-chosen tests while the bracket is open. */
import { describe, expect, test } from 'vitest';
import { resolutionOf, upperOf } from '../../../src/core/search/bracket.js';
import { findingOf } from '../../../src/core/search/finding-of.js';
import { connectionsOf } from '../../../src/core/search/step.js';
import { randomFrom } from '../../support/prng.js';
import { SimulatedPath } from '../../support/simulated-nat.js';
import { drive } from '../../support/virtual-driver.js';
import { SHIPPED } from './drafts.js';

describe('a bisection', () => {
  test('gives up what is too old to be asked, so that younger connections take its place', () => {
    let looked = 0;
    for (let seed = 1; seed <= 4; seed++) {
      const regimes = [
        { from: 0, nodes: [{ timeout: 7440, share: 1 }] },
        { from: 35_000 + 1500 * seed, nodes: [{ timeout: 3600, share: 1 }] },
      ];
      drive({
        search: SHIPPED,
        path: new SimulatedPath({ regimes, applies: 'refreshed' }, randomFrom(seed)),
        rounds: 300,
        until: 80_000,
        observe: (state, now) => {
          if (findingOf(state).phase !== 'refine' || state.compliant === null) return false;
          looked += 1;
          const oldest = upperOf(state) + 2 * resolutionOf(state);
          for (const { state: doing, since = now } of connectionsOf(state))
            if (doing === 'idle') expect(now - since).toBeLessThanOrEqual(oldest);
          return false;
        },
      });
    }
    expect(looked).toBeGreaterThan(50);
  });
});
