/** What the log says of tests: every result, and of those that tell nothing one line for each reason, not for each test. */
import { reasonOf, type Verdict } from '../core/verdict.js';
import type { Logger } from '../log.js';
import type { Seconds } from '../units.js';

export class TestLog {
  readonly #log: Logger;
  /** Why tests since the last result told nothing, as far as it was said. */
  readonly #said = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** @param lower longest idle time that survived before, seconds: one more survival below it is no news */
  tested(verdict: Verdict, idle: Seconds, lower: Seconds): void {
    const reason = reasonOf(verdict);
    let news: boolean;
    if (verdict.kind === 'inconclusive') {
      news = !this.#said.has(reason);
      this.#said.add(reason);
    } else {
      news = verdict.kind === 'dead' || idle > lower * 1.01;
      this.#said.clear();
    }
    this.#write(news ? 'info' : 'debug', verdict, idle);
  }

  /** A test that we gave up ourselves: whoever made us do so has said why. */
  givenUp(verdict: Verdict, idle: Seconds): void {
    this.#write('debug', verdict, idle);
  }

  #write(level: 'info' | 'debug', verdict: Verdict, idle: Seconds): void {
    const rounded = Math.round(idle * 100) / 100;
    this.#log[level](
      { verdict: verdict.kind, reason: reasonOf(verdict), idle: rounded },
      `${verdict.kind} after ${rounded} s idle`,
    );
  }
}
