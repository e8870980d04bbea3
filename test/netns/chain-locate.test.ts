/**
 * Localisations on chains of the kernel's own boxes: what is said of each, and eight that are drawn by chance, each
 * judged by its own truth.
 */
import { expect, test } from 'vitest';
import type { Localization } from '../../src/core/locate/localization.js';
import { propertySeed } from '../support/seed.js';
import { CHAIN_CASES } from './chain-cases.js';
import { missingForBridges } from './chains.js';
import { falsehoodOf, locateChain, randomChains } from './locate-chain.js';
import { describeLab } from './requirements.js';

const CHAINS = 8;
const SEED = propertySeed();

const said = (result: Localization): object | string =>
  result.kind === 'located' ? result.box : result.reason;

describeLab(
  'on the kernel a localisation tells',
  () => {
    test.concurrent.each(CHAIN_CASES)(
      '$what',
      { timeout: 300_000 },
      async ({ boxes, mode, how, said: truth }) => {
        expect(said(await locateChain(boxes, mode, how))).toEqual(truth);
      },
    );
  },
  missingForBridges(),
);

describeLab(
  'on chains drawn by chance',
  () => {
    const results: Localization[] = [];

    test.concurrent.each(randomChains(SEED, CHAINS))(
      'the localisation of seed $seed claims nothing false',
      { timeout: 240_000 },
      async (chain) => {
        const result = await locateChain(chain.boxes, chain.mode, { family: chain.family });
        results.push(result);
        expect(falsehoodOf(chain, result)).toBeUndefined();
      },
    );

    test('at most one is not located', () => {
      const reasons = results.flatMap((result) => (result.kind === 'not_located' ? [result.reason] : []));
      console.log(
        `not located: ${reasons.length} of ${results.length}${reasons.map((one) => ` ${one}`).join('')}`,
      );
      expect(results).toHaveLength(CHAINS);
      expect(reasons.length).toBeLessThanOrEqual(1);
    });
  },
  missingForBridges(),
);
