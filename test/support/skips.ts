/** A vitest reporter that ends every run with the list of what was skipped, and fails a run in CI for it. */
import type { Reporter, TestModule, Vitest } from 'vitest/node';

/** One line for each suite or test that was skipped, its file first. */
export function skipsOf(modules: readonly TestModule[]): string[] {
  const lines = modules.flatMap((module) =>
    [...module.children.allTests('skipped')].map((test) => {
      // A skipped suite is told once, by its own name, which says what is missing.
      const { parent } = test;
      const isWholeSuite =
        parent.type === 'suite' &&
        [...parent.children.allTests()].every((one) => one.result().state === 'skipped');
      return `${module.relativeModuleId}: ${isWholeSuite ? parent.fullName : test.fullName}`;
    }),
  );
  return [...new Set(lines)];
}

/** Prints the skipped tests after everything else. */
export class SkipReporter implements Reporter {
  #isWholeRun = true;

  onInit(vitest: Vitest): void {
    // With -t most tests are left out on purpose.
    this.#isWholeRun = vitest.config.testNamePattern === undefined;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = skipsOf(modules);
    if (lines.length === 0 || !this.#isWholeRun) return;
    const isCi = process.env['CI'] === 'true';
    process.stdout.write(`\n${lines.map((line) => `skipped: ${line}`).join('\n')}\n`);
    if (isCi) {
      process.stdout.write('error: in CI no test may be skipped (install what is missing, see .ci/run)\n');
      process.exitCode = 1;
    }
  }
}
