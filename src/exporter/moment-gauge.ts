/** A gauge that shows a moment: it moves along when the wall clock is set, and is absent while that is not set. */
import { Gauge, type Registry } from 'prom-client';
import { afterStep, type ClockStep, isSet, systemClock } from '../clock.js';
import type { Seconds } from '../units.js';

export class MomentGauge {
  #at: Seconds | undefined;

  constructor({ name, help }: { readonly name: string; readonly help: string }, registry: Registry) {
    const at = (): Seconds | undefined => this.#at;
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        const moment = at();
        // An unlabelled gauge starts at 0, which would be a claim.
        if (moment !== undefined && isSet(systemClock.wall())) this.set({}, moment);
        else this.remove({});
      },
    });
  }

  /** @param at Unix time, seconds */
  note(at: Seconds): void {
    this.#at = at;
  }

  stepped(step: ClockStep): void {
    if (this.#at !== undefined) this.#at = afterStep(this.#at, step);
  }
}
