/** The process' own descriptors: how many it may have, has, and believes to have; what nothing accounts for is a leak. */
import { readFileSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import type { Clock, Timer } from './clock.js';
import type { Logger } from './log.js';
import type { Seconds } from './units.js';

const DESCRIPTORS = '/proc/self/fd';

/** How often what is open is compared with what should be, seconds. */
const LOOK_EVERY: Seconds = 15;

/** What is open for no longer than this is work under way (a file being written, a name being looked up), seconds. */
const WORK_ENDS_WITHIN: Seconds = 300;

/** What is open beyond that in these first looks is always there; an odd number, so that no passing work decides it. */
const FIRST_LOOKS = 5;

/** The process's soft limit of open descriptors; infinite where it is unlimited or cannot be read. */
export function openFileLimit(file = '/proc/self/limits'): number {
  try {
    const soft = /^Max open files\s+(\d+)/m.exec(readFileSync(file, 'latin1'))?.[1];
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

/**
 * The number of this process' open descriptors.
 * @throws the system's error where it does not tell: not Linux, or none is left to list them with
 * @see Documentation/filesystems/proc.rst of the Linux kernel: since 6.2 it is the size of the folder
 */
export async function countOpenDescriptors(): Promise<number> {
  const { size } = await stat(DESCRIPTORS);
  // Listing them opens one more.
  return size > 0 ? size : (await readdir(DESCRIPTORS)).length - 1;
}

export interface DescriptorWatchOptions {
  readonly clock: Pick<Clock, 'after'>;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** How many descriptors the parts of the program hold; asked at each look. */
  readonly held: () => number;
  /**
   * Told after each look how many open descriptors nothing accounted for: the smallest number within the last
   * minutes. Never told where the system does not tell (not Linux).
   */
  readonly show: (unaccounted: number) => void;
  /** Counts what is open; the real descriptors without. */
  readonly count?: () => Promise<number>;
}

/**
 * Compares what is open with what the parts of the program say that they hold. What is open beside that when the watch
 * starts (the standard streams, the runtime's own, what a resolver keeps for itself) is no leak. A difference that
 * lasts is said in one line of the log, and its end in another.
 */
export class DescriptorWatch {
  readonly #options: DescriptorWatchOptions;
  readonly #count: () => Promise<number>;
  /** The first differences: their median is what is always there. */
  readonly #first: number[] = [];
  /** The newest differences, the oldest first. */
  readonly #newest: number[] = [];
  #leaking = false;
  #timer: Timer | undefined;
  #stopped = false;

  /** Starts to watch; to be made when everything else has started. */
  constructor(options: DescriptorWatchOptions) {
    this.#options = options;
    this.#count = options.count ?? countOpenDescriptors;
    void this.#look();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    const { clock, held } = this.#options;
    const before = held();
    // None may be left to list them with: whatever happened has been seen in the looks before.
    const open = await this.#count().catch(() => undefined);
    if (this.#stopped) return;
    // Counting takes a moment, in which connections come and go: they shall not look like a leak.
    if (open !== undefined) this.#compare(open, Math.max(before, held()));
    this.#timer = clock.after(LOOK_EVERY, () => void this.#look());
  }

  #compare(open: number, held: number): void {
    if (this.#first.length < FIRST_LOOKS) this.#first.push(open - held);
    const always = [...this.#first].sort((a, b) => a - b)[Math.floor(this.#first.length / 2)] ?? 0;
    this.#newest.push(open - held);
    if (this.#newest.length > WORK_ENDS_WITHIN / LOOK_EVERY) this.#newest.shift();
    const unaccounted = Math.max(0, Math.min(...this.#newest) - always);
    const { log, show } = this.#options;
    show(unaccounted);
    if (!this.#leaking && unaccounted > 0) {
      this.#leaking = true;
      log.warn(
        { unaccounted, open, held },
        'descriptors leak: more are open than connections, listeners and files account for',
      );
    } else if (this.#leaking && Math.max(...this.#newest) <= always) {
      this.#leaking = false;
      log.info({ open, held }, 'all open descriptors are accounted for again');
    }
  }
}
