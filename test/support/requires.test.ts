import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { missing } from './requires.js';

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('missing()', () => {
  test('names the Debian package, not the command', () => {
    vi.stubEnv('PATH', '/nonexistent');
    expect(missing({ packages: ['prometheus', 'chromium'] })).toEqual([
      'missing package prometheus',
      'missing package chromium',
    ]);
  });

  test('asks for nothing that is not required', () => {
    vi.stubEnv('PATH', '/nonexistent');
    expect(missing({})).toEqual([]);
  });
});

/** Runs the planted suite, whose package cannot be found, in a vitest of its own. */
function plantedRun(ci: string): { status: number | null; output: string } {
  const vitest = path('../../node_modules/vitest/vitest.mjs');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [vitest, 'run', '--root', path('../fixtures/skips')],
    { encoding: 'utf8', env: { PATH: '/nonexistent', CI: ci } },
  );
  return { status, output: stdout + stderr };
}

describe('SkipReporter', () => {
  const line = 'skipped: planted.suite.ts: a suite (missing package prometheus-pushgateway)';

  test('lists a skipped suite once, with what is missing, and lets the run pass', () => {
    const { status, output } = plantedRun('');
    expect(output.split('\n').filter((text) => text.startsWith('skipped:'))).toEqual([line]);
    expect(status).toBe(0);
  }, 60_000);

  test('fails the run in CI', () => {
    const { status, output } = plantedRun('true');
    expect(output).toContain(line);
    expect(status).toBe(1);
  }, 60_000);
});
