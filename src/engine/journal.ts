/** The story of one target: what a reader of the page or the log wants to know, in the order in which it happened. */
import type { Clock, ClockStep } from '../clock.js';
import type { Logger } from '../log.js';
import { movedMoments } from './saved-target.js';
import type { TargetEvent } from './snapshot.js';

/** Newest events that are kept for the page. */
const EVENTS_KEPT = 100;

export class Journal {
  readonly #log: Logger;
  readonly #clock: Clock;
  #events: TargetEvent[] = [];

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** Newest last, bounded. */
  get events(): readonly TargetEvent[] {
    return this.#events;
  }

  /** Tells something, in the log with `fields` beside it. */
  tell(text: string, level: 'debug' | 'info' | 'warn', fields: object = {}): void {
    this.#log[level](fields, text);
    // First: asking the time may notice a step, and that moves the events to another list.
    const at = this.#clock.wall();
    this.#events.push({ at, text });
    if (this.#events.length > EVENTS_KEPT) this.#events.shift();
  }

  /** The wall clock was set: what was noted before keeps its age. */
  stepped(step: ClockStep): void {
    this.#events = movedMoments(this.#events, step);
  }
}
