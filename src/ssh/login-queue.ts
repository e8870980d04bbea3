/** One after the other: who asks first goes first, and those who cannot wait go before the others. */
export class LoginQueue {
  #busy = false;
  readonly #waiting: (() => void)[] = [];

  /** Runs `work` when its turn comes, and lets the next one go when it has ended. */
  async run<Result>(work: () => Promise<Result>, { urgent = false } = {}): Promise<Result> {
    if (this.#busy)
      await new Promise<void>((go) => {
        if (urgent) this.#waiting.unshift(go);
        else this.#waiting.push(go);
      });
    this.#busy = true;
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#busy = false;
      else next();
    }
  }
}
