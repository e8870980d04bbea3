/** Tries one mutant after the other in a copy of the repository: whether a related test notices. */
import { execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Mutant, mutate } from './mutants.js';

/**
 * - `killed`: a test failed that passes without the mutant.
 * - `timed out`: the tests came to no end; counts as noticed.
 * - `survived`: all related tests passed.
 */
export type Fate = 'killed' | 'timed out' | 'survived';

export interface Tried {
  readonly fate: Fate;
  /** The test file that noticed. */
  readonly by?: string;
}

/** In the place of a test file: an error that no test caught. */
const OUTSIDE = 'an error outside of any test';
/** Tests of one mutant may take so long, milliseconds. */
const LONGEST = 600_000;

/** Of vitest.config.ts: those that see mutants. */
type Project = 'unit' | 'simulation' | 'process';

interface Report {
  readonly testResults: readonly { readonly name: string; readonly status: string }[];
}

/** What a run of Vitest says: the files that failed, or undefined when it came to no end. */
type Failed = readonly string[] | undefined;

function projectOf(file: string): Project {
  const [, kind = ''] = /\.(\w+)\.test\.ts$/.exec(file) ?? [];
  return kind === 'simulation' || kind === 'process' ? kind : 'unit';
}

/** A copy of all that git knows or would add, with the packages of the original. */
export class Trial {
  readonly #root: string;
  /** Whether a test file passes without any mutant. */
  readonly #sound = new Map<string, boolean>();

  constructor(original: string) {
    this.#root = mkdtempSync(join(tmpdir(), 'mutate-'));
    const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: original,
      encoding: 'utf8',
    });
    for (const file of files.split('\0')) {
      if (file === '' || !existsSync(join(original, file))) continue;
      mkdirSync(dirname(join(this.#root, file)), { recursive: true });
      cpSync(join(original, file), join(this.#root, file));
    }
    symlinkSync(join(original, 'node_modules'), join(this.#root, 'node_modules'));
    // Some tests run the compiled program: with it they pass, though they see no mutant.
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: this.#root });
  }

  /** The text of a source file. */
  read(file: string): string {
    return readFileSync(join(this.#root, file), 'utf8');
  }

  /**
   * Runs the file's own test, then those of its folder, then all that import it: most are noticed by the first. What
   * none of them notices is left to the simulations of its folder, and to the tests there that start programs.
   */
  async try(mutant: Mutant): Promise<Tried> {
    const text = this.read(mutant.file);
    writeFileSync(join(this.#root, mutant.file), mutate(text, mutant));
    const own = mutant.file.replace(/^src/, 'test').replace(/\.ts$/, '.test.ts');
    const folder = ['run', `${dirname(own)}/`, '--passWithNoTests'];
    const stages = [
      ...(existsSync(join(this.#root, own)) ? [['run', own]] : []),
      folder,
      ['related', mutant.file, '--run', '--passWithNoTests'],
    ];
    let failed: Failed = [];
    try {
      for (const stage of stages) if (failed?.length === 0) failed = await this.#vitest(stage);
      if (failed?.length === 0) failed = await this.#vitest(folder, 'simulation');
      if (failed?.length === 0) failed = await this.#failTwice(folder);
    } finally {
      writeFileSync(join(this.#root, mutant.file), text);
    }
    if (failed === undefined) return { fate: 'timed out' };
    for (const by of failed) if (by === OUTSIDE || (await this.#passes(by))) return { fate: 'killed', by };
    return { fate: 'survived' };
  }

  /** Tests that start programs, one file after the other; what fails by chance beside others does not fail twice. */
  async #failTwice(stage: readonly string[]): Promise<Failed> {
    const failed = await this.#vitest([...stage, '--maxWorkers', '1'], 'process');
    const [file] = failed ?? [];
    return file === undefined || file === OUTSIDE ? failed : this.#vitest(['run', file], 'process');
  }

  /** A test that fails without the mutant as well has noticed nothing. */
  async #passes(file: string): Promise<boolean> {
    const known = this.#sound.get(file);
    if (known !== undefined) return known;
    const passes = (await this.#vitest(['run', file], projectOf(file)))?.length === 0;
    this.#sound.set(file, passes);
    return passes;
  }

  /** Ends at the first failure. */
  async #vitest(args: readonly string[], project: Project = 'unit'): Promise<Failed> {
    const report = join(this.#root, 'mutate-report.json');
    rmSync(report, { force: true });
    const more = ['--project', project, '--bail', '1', '--reporter', 'json', '--outputFile', report];
    const child = spawn(process.execPath, ['node_modules/vitest/vitest.mjs', ...args, ...more], {
      cwd: this.#root,
      stdio: 'ignore',
      detached: true,
    });
    let ended = true;
    const timer = setTimeout(() => {
      ended = false;
      // The group: a worker that loops for ever does not hear of its parent's end.
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, LONGEST);
    const status = await new Promise<number | null>((resolve) => child.on('exit', resolve));
    clearTimeout(timer);
    if (!ended) return undefined;
    if (!existsSync(report)) {
      if (status === 0) return [];
      throw new Error(`vitest ${args.join(' ')} ended with ${String(status)} and no report`);
    }
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
    const failed = testResults
      .filter(({ status: how }) => how === 'failed')
      .map(({ name }) => name.replace(`${this.#root}/`, ''));
    return status !== 0 && failed.length === 0 ? [OUTSIDE] : failed;
  }

  close(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}
