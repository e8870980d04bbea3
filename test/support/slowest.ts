/** A vitest reporter that ends every run with its ten slowest tests, so that a wait that creeps in is seen. */
import type { Reporter, TestModule } from 'vitest/node';

/** How many are told. */
const TOLD = 10;
/** Nobody needs to hear of less, milliseconds. */
const WORTH_TELLING = 1000;

/** The slowest tests, the slowest first: `12.3 s  test/x.test.ts > its name`. */
export function slowestOf(modules: readonly TestModule[]): string[] {
  return modules
    .flatMap((module) =>
      [...module.children.allTests()].map((test) => ({
        duration: test.diagnostic()?.duration ?? 0,
        name: `${module.relativeModuleId} > ${test.fullName}`,
      })),
    )
    .filter(({ duration }) => duration >= WORTH_TELLING)
    .sort((a, b) => b.duration - a.duration)
    .slice(0, TOLD)
    .map(({ duration, name }) => `${(duration / 1000).toFixed(1).padStart(6)} s  ${name}`);
}

/** Prints them when all tests have ended. */
export class SlowestReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = slowestOf(modules);
    if (lines.length > 0) process.stdout.write(`\nslowest tests\n${lines.join('\n')}\n`);
  }
}
