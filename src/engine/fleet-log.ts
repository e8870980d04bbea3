/**
 * The log of many targets: whatever happens to a fleet, so few lines are written that somebody can read them. What is left
 * out is counted in a summary, and written at level debug.
 */
import type { Clock, Timer } from '../clock.js';
import type { LogLevel, LogMethod, Logger } from '../log.js';
import type { Seconds } from '../units.js';

/**
 * So many lines of a level may come at once, and then one each so many seconds: fewer than 100 in any hour, summaries
 * included. Warnings have room of their own, so that news never crowds them out.
 */
const ROOM: Readonly<Record<'info' | 'warn', { readonly atOnce: number; readonly every: Seconds }>> = {
  info: { atOnce: 30, every: 180 },
  warn: { atOnce: 20, every: 360 },
};

/** From the first line that is left out to the summary, seconds. */
const SUMMARY_AFTER: Seconds = 600;

/** So many targets are named in a summary. */
const NAMED = 5;

/** Lines of one level that may still be written. */
class Room {
  readonly #clock: Clock;
  readonly #atOnce: number;
  readonly #every: Seconds;
  #left: number;
  #at: Seconds;

  constructor(clock: Clock, { atOnce, every }: (typeof ROOM)['info']) {
    this.#clock = clock;
    this.#atOnce = atOnce;
    this.#every = every;
    this.#left = atOnce;
    this.#at = clock.monotonic();
  }

  take(): boolean {
    const now = this.#clock.monotonic();
    this.#left = Math.min(this.#atOnce, this.#left + (now - this.#at) / this.#every);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}

export class FleetLog {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #room: Readonly<Record<'info' | 'warn', Room>>;
  readonly #targets = new Set<string>();
  #leftOut = { info: 0, warn: 0 };
  #summary: Timer | undefined;

  constructor(log: Logger, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
    this.#room = { info: new Room(clock, ROOM.info), warn: new Room(clock, ROOM.warn) };
  }

  /** The log of one target; errors are always written. */
  of(target: string): Logger {
    return this.#within(this.#log.child({ target }), target);
  }

  /** Writes what is left of a summary. */
  close(): void {
    this.#summary?.cancel();
    this.#summarize();
  }

  #within(inner: Logger, target: string): Logger {
    const method =
      (level: 'info' | 'warn'): LogMethod =>
      (...line: [string] | [object, string]) => {
        const write = inner[this.#levelOf(level, target)] as (...line: unknown[]) => void;
        write(...line);
      };
    return {
      debug: inner.debug,
      info: method('info'),
      warn: method('warn'),
      error: inner.error,
      isLevelEnabled: (level) => inner.isLevelEnabled(level),
      child: (fields) => this.#within(inner.child(fields), target),
    };
  }

  /** At which level a line is written: its own while there is room. */
  #levelOf(level: 'info' | 'warn', target: string): LogLevel {
    if (!this.#log.isLevelEnabled(level) || this.#room[level].take()) return level;
    this.#leftOut[level] += 1;
    this.#targets.add(target);
    this.#summary ??= this.#clock.after(SUMMARY_AFTER, () => this.#summarize());
    return 'debug';
  }

  #summarize(): void {
    this.#summary = undefined;
    const { info: news, warn: warnings } = this.#leftOut;
    if (news + warnings === 0) return;
    const names = [...this.#targets];
    const more = names.length > NAMED ? ',…' : '';
    this.#log[warnings > 0 ? 'warn' : 'info'](
      { targets: names.length, names: names.slice(0, NAMED).join() + more, news, warnings },
      'more happened than is told line by line: see the status page, or --log.level=debug',
    );
    this.#leftOut = { info: 0, warn: 0 };
    this.#targets.clear();
  }
}
