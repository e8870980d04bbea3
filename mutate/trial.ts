/** Tries one mutant after the other: whether a test that reaches it notices. */
import { dirname } from 'node:path';
import type { Copy } from './copy.js';
import { type Mutant, mutate } from './mutants.js';
import type { Reaching } from './reach.js';
import { Tests } from './tests.js';
import type { Project, TestFile } from './vitest-process-messages.js';

/**
 * - `killed`: a test failed that passes without the mutant.
 * - `timed out`: the tests came to no end; counts as noticed.
 * - `survived`: all tests that reach it passed.
 */
export type Fate = 'killed' | 'timed out' | 'survived';

export interface Tried {
  readonly fate: Fate;
  /** The test file that noticed. */
  readonly by?: string;
}

/** In the place of a test file: an error that no test caught. */
const OUTSIDE = 'an error outside of any test';
/** Other tests than those of the folder are asked up to so many seconds in all, the quickest first. */
const OTHERS = 120;
/** Failed files, or undefined when the run came to no end. */
type Failed = readonly string[] | undefined;

export class Trial {
  readonly #copy: Copy;
  readonly #tests: Tests;
  readonly #thorough: boolean;
  /** Whether a test file passes without any mutant. */
  readonly #sound = new Map<string, boolean>();
  /** Files that are not as they were in the last run. */
  #changed = new Set<string>();

  constructor(copy: Copy, thorough: boolean) {
    this.#copy = copy;
    this.#thorough = thorough;
    this.#tests = new Tests(copy.root, 1);
  }

  /**
   * Asks the unit tests of the file's folder that reach the mutant, then the others that do, the quickest first; if it is
   * to be `thorough` then the simulations of its folder, and the tests there that start programs, which have to fail twice.
   */
  async try(mutant: Mutant, reaching: readonly Reaching[]): Promise<Tried> {
    const text = this.#copy.read(mutant.file);
    this.#copy.write({ file: mutant.file, text: mutate(text, mutant) });
    this.#changed.add(mutant.file);
    let failed: Failed = [];
    try {
      for (const stage of stagesOf(mutant.file, reaching))
        if (failed?.length === 0) failed = await this.#run(stage);
      if (failed?.length === 0 && this.#thorough)
        failed = await this.#run(await this.#beside(mutant.file, 'simulation'));
      if (failed?.length === 0 && this.#thorough) failed = await this.#failingTwice(mutant.file);
    } finally {
      this.#copy.write({ file: mutant.file, text });
      this.#changed.add(mutant.file);
    }
    if (failed === undefined) return { fate: 'timed out' };
    for (const by of failed) if (by === OUTSIDE || (await this.#passes(by))) return { fate: 'killed', by };
    return { fate: 'survived' };
  }

  /** The tests of this kind in the file's folder. */
  async #beside(file: string, project: Project): Promise<readonly TestFile[]> {
    return (await this.#tests.files()).filter((test) => test.project === project && isBeside(test, file));
  }

  /** Tests that start programs, one file after the other; what fails by chance does not fail twice. */
  async #failingTwice(file: string): Promise<Failed> {
    this.#copy.build();
    for (const test of await this.#beside(file, 'process')) {
      const failed = await this.#run([test]);
      if (failed?.length !== 0 && (await this.#run([test]))?.length !== 0) return failed;
    }
    return [];
  }

  /** A test that fails without the mutant as well has noticed nothing. */
  async #passes(file: string): Promise<boolean> {
    const known = this.#sound.get(file);
    if (known !== undefined) return known;
    const test = (await this.#tests.files()).find((each) => each.file === file);
    const passes = test !== undefined && (await this.#run([test]))?.length === 0;
    this.#sound.set(file, passes);
    return passes;
  }

  async #run(tests: readonly TestFile[]): Promise<Failed> {
    if (tests.length === 0) return [];
    const answer = await this.#tests.run({ tests, changed: [...this.#changed] });
    this.#changed.clear();
    if (answer === undefined) return undefined;
    return answer.failed.length === 0 && answer.outside ? [OUTSIDE] : answer.failed;
  }

  async close(): Promise<void> {
    await this.#tests.close();
  }
}

function stagesOf(file: string, reaching: readonly Reaching[]): readonly (readonly Reaching[])[] {
  const own = file.replace(/^src/, 'test').replace(/\.ts$/, '.test.ts');
  const rank = (test: Reaching) => (test.file === own ? -1 : test.seconds);
  const sorted = [...reaching].sort((a, b) => rank(a) - rank(b));
  const others = sorted.filter((test) => !isBeside(test, file));
  return [
    sorted.filter((test) => isBeside(test, file)),
    others.filter((_, index) => sum(others.slice(0, index + 1)) <= OTHERS),
  ];
}

/** Whether it is a test of the folder, or of one below it. */
function isBeside(test: TestFile, file: string): boolean {
  return test.file.startsWith(`${dirname(file).replace(/^src/, 'test')}/`);
}

function sum(tests: readonly Reaching[]): number {
  return tests.reduce((total, { seconds }) => total + seconds, 0);
}
