/** What the client and the server of a sweep say to each other and to the test. */

export type SweepMode = 'send' | 'recv' | 'keepalive';

/** `+` alive, `-` silence, `R` reset, `F` closed by the other side in an orderly way. */
export type Mark = '+' | '-' | 'R' | 'F';

/** What a connection does instead of idling: `by` every so many whole seconds. */
export interface Busy {
  readonly by: 'data' | 'keepalive';
  readonly every: number;
}

export interface SweepTest {
  readonly id: number;
  readonly mode: SweepMode;
  /** Idle time at which the silence is broken, seconds. */
  readonly idle: number;
  /** What keeps the connection busy until then; nothing where left out. */
  readonly busy?: Busy;
  /** How long after the sweep's start it is opened, seconds; at once where left out. */
  readonly start?: number;
  /** The server's address, where it is not the sweep's. */
  readonly host?: string;
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
