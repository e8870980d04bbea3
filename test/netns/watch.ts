/** Watches what is published while things go wrong: it may be vague, it must never be false. */
import { published, type Mode, type Product } from './product.js';
import { total } from './metrics.js';

/** Bounds are compared with this tolerance: connection tracking counts in ticks of 4 ms, seconds. */
const TICK = 0.02;

/** Polls the page each second until it is told to stop; `violations` are the false things that it said. */
export class Watcher {
  readonly violations: string[] = [];
  readonly #product: Product;
  readonly #modes: readonly Mode[];
  readonly #truth: number;
  readonly #tolerance: number;
  #polls = 0;
  #pollsWithout = 0;
  #published = new Set<Mode>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param truth the idle timeout that is in force in every mode, seconds
   * @param tolerance by how much a bound may be wrong, seconds
   */
  constructor(product: Product, modes: readonly Mode[], truth: number, tolerance = TICK) {
    this.#tolerance = tolerance;
    this.#product = product;
    this.#modes = modes;
    this.#truth = truth;
  }

  start(): this {
    this.#timer = setInterval(() => {
      void this.#poll();
    }, 1000);
    return this;
  }

  /** How many polls were answered, so that a test can tell that the watcher saw something. */
  get polls(): number {
    return this.#polls;
  }

  /** How many polls found nothing to read (the exporter was stopped on purpose). */
  get unanswered(): number {
    return this.#pollsWithout;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #poll(): Promise<void> {
    let page: string;
    try {
      page = await this.#product.page();
    } catch {
      this.#pollsWithout += 1;
      return;
    }
    if (this.#timer === undefined) return;
    this.#polls += 1;
    for (const mode of this.#modes) this.#judge(page, mode);
    const changes = total(page, 'nat_idle_timeout_changes_total');
    if (changes > 0) this.#violate(`${changes} changes were announced`);
  }

  #judge(page: string, mode: Mode): void {
    const { timeout, lower = 0, upper = Infinity, compliant } = published(page, mode);
    if (lower > this.#truth + this.#tolerance) this.#violate(`${mode}: lower bound ${lower}`);
    if (upper < this.#truth - this.#tolerance) this.#violate(`${mode}: upper bound ${upper}`);
    if (compliant === 1) this.#violate(`${mode}: compliant`);
    if (timeout !== undefined) this.#published.add(mode);
    else if (this.#published.has(mode)) this.#violate(`${mode}: the published timeout vanished`);
  }

  #violate(what: string): void {
    if (!this.violations.includes(what)) this.violations.push(what);
  }
}
