/** Imported by each test file of the run over the instrumented sources: writes down which mutants it reached. */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';

interface Counted {
  readonly mutantCoverage?: { readonly static: Readonly<Record<string, number>> };
}

afterAll(() => {
  const { testPath = '' } = expect.getState();
  const { __stryker__: counted } = globalThis as { __stryker__?: Counted };
  const name = createHash('sha256').update(testPath).digest('hex');
  writeFileSync(
    join(process.env['MUTATE_REACH'] ?? '', name),
    JSON.stringify({ testPath, reached: Object.keys(counted?.mutantCoverage?.static ?? {}) }),
  );
});
