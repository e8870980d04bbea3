/** docs/TRUTH.md says what the lab asserts. `npx vitest run -u --project real test/netns/truth-page.test.ts` writes it. */
import { expect, test } from 'vitest';
import { TOLD } from './told.js';
import { truthPage } from './truth-page.js';

test('docs/TRUTH.md is the table of the tests', async () => {
  expect(new Set(TOLD.map(({ name }) => name)).size).toBe(TOLD.length);
  await expect(truthPage()).toMatchFileSnapshot('../../docs/TRUTH.md');
});
