/** What is said between the process that keeps a Vitest and whoever asks it. */

/** Of vitest.config.ts. */
export type Project = 'unit' | 'simulation' | 'process';

export interface TestFile {
  readonly project: Project;
  /** Relative to the repository. */
  readonly file: string;
  /** How long it takes where that is known, seconds. */
  readonly seconds?: number;
}

export interface Question {
  /** Asked in this order. */
  readonly tests: readonly TestFile[];
  /** The source files that are not as they were in the run before. */
  readonly changed: readonly string[];
}

export interface Answer {
  /** The test files that failed. */
  readonly failed: readonly string[];
  /** An error that no test caught. */
  readonly outside: boolean;
  /** Seconds of each test file that ran. */
  readonly seconds: Readonly<Record<string, number>>;
}

/** Said while a run goes on: a test file is done. */
export interface Done {
  readonly done: string;
}

/** How many files at once: some of their time is waiting. */
export const WORKERS = 2;
