/**
 * What a target tries beside its search, one at a time: each holds connections that the others must not count. Where
 * somebody waits for it, what does not depend on their number may run side by side.
 */

/**
 * `quota_check`: is the timeout the same with fewer connections?
 * `advice_proof`: does the advised keepalive keep a connection alive?
 * `localization`: which box forgets?
 */
type Experiment = 'quota_check' | 'advice_proof' | 'localization';

/** These need nobody to be away. */
const SOCIABLE: readonly Experiment[] = ['advice_proof', 'localization'];

export class Experiments {
  readonly #sideBySide: boolean;
  readonly #running = new Set<Experiment>();

  /** @param sideBySide whether what may run side by side does */
  constructor(sideBySide = false) {
    this.#sideBySide = sideBySide;
  }

  /**
   * Runs an experiment unless another one runs, which it must not meet.
   * @returns false where another one runs: nothing was tried
   */
  async tryRun(experiment: Experiment, run: () => Promise<void>): Promise<boolean> {
    if (!this.#mayRun(experiment)) return false;
    this.#running.add(experiment);
    try {
      await run();
    } finally {
      this.#running.delete(experiment);
    }
    return true;
  }

  #mayRun(experiment: Experiment): boolean {
    const isSociable =
      this.#sideBySide && [experiment, ...this.#running].every((each) => SOCIABLE.includes(each));
    return this.#running.size === 0 || (isSociable && !this.#running.has(experiment));
  }
}
