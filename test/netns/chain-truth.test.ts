/** docs/LOCALIZATION.md says what the lab asserts. `npx vitest run -u --project real test/netns/chain-truth.test.ts` writes it. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { withSection } from '../../bench/document.js';
import { CHAIN_CASES } from './chain-cases.js';
import { chainTruth } from './chain-truth.js';

test('docs/LOCALIZATION.md has the table of the tests', async () => {
  const page = fileURLToPath(new URL('../../docs/LOCALIZATION.md', import.meta.url));
  expect(new Set(CHAIN_CASES.map(({ what }) => what)).size).toBe(CHAIN_CASES.length);
  const text = withSection(readFileSync(page, 'utf8'), 'truth', chainTruth(), page);
  await expect(text).toMatchFileSnapshot(page);
});
