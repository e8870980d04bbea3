/** What the client and the server of a sweep say to each other and to the test. */

export type SweepMode = 'send' | 'recv' | 'keepalive';

/** `+` alive, `-` silence, `R` reset. */
export type Mark = '+' | '-' | 'R';

export interface SweepTest {
  readonly id: number;
  readonly mode: SweepMode;
  /** Idle time at which the silence is broken, seconds. */
  readonly idle: number;
}

/** One line of output of either end; `at` counts from the start of the silence, in seconds. */
export interface SweepResult {
  readonly id: number;
  readonly mark: Mark;
  readonly at: number;
}

/** How long either end waits for an answer, milliseconds. */
export const PATIENCE = 2500;

export function report(result: SweepResult): void {
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
