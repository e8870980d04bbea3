/** A folder for as long as a test runs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Removed after everything else that the test ends later than it asked for this. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nat-idle-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
