/** What an attack is: what it does to the program, when it has succeeded, and the row that it leaves behind. */
import type { House } from './support/house.js';

export interface Attack {
  /** What is done, for the table. */
  readonly about: string;
  /** What must hold, or the attack has succeeded. */
  readonly criterion: string;
  /** Attacks the real program for a bounded time. */
  run(house: House): Promise<Outcome>;
}

/** What an attack showed. */
export interface Outcome {
  /** What was offered. */
  readonly load: string;
  /** Whether the criterion held. */
  readonly held: boolean;
  /** What became of it, in a few words. */
  readonly outcome: string;
  /** What was measured. */
  readonly figure: string;
}
