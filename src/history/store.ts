/** The findings of the last 30 days, one JSON-lines file per target: bounded, and never a reason to crash. */
import { createHash } from 'node:crypto';
import { appendFile, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isSet } from '../clock.js';
import { messageOf } from '../message.js';
import type { Finding } from '../core/finding.js';
import type { Mode } from '../core/modes.js';
import { FILE_LIMITS, FileError, readRegularFileLater, replaceFile } from '../files.js';
import type { Seconds } from '../units.js';
import { differs, entryOf, type HistoryEntry, parseEntry } from './entry.js';

/** How long findings are kept, seconds: 30 days. */
export const HISTORY_AGE: Seconds = 30 * 86_400;

/** Most lines of one file; beyond it the oldest half is dropped. About 1 MB. */
const MOST_LINES = 8_192;

/** An unchanged finding is written again after this time, seconds. */
const UNCHANGED_INTERVAL: Seconds = 3_600;

/** Entries older than `HISTORY_AGE` by this much make a file be rewritten, seconds. */
const COMPACTION_SLACK: Seconds = 86_400;

/** Entries of this age make the clock believable, seconds. */
const BELIEVED_AFTER: Seconds = 86_400;

/** How far in the future an entry may lie before it is taken for a wrong clock's, seconds. */
const FUTURE_SLACK: Seconds = 3_600;

/** First line of every file: tells our files from foreign ones. */
const HEADER_VERSION = 1;

export interface HistoryOptions {
  /** Told once per target and trouble: a corrupt file set aside, a disk that cannot be written. */
  readonly warn?: (text: string) => void;
}

/** The store of findings. */
export interface History {
  /**
   * Notes a finding. It is written when it differs from the last one by more than 1 % and 1 s, or in compliance,
   * or when the last one is an hour old. Never throws; trouble with the disk is a warning.
   *
   * @param at Unix time, seconds
   */
  record(target: string, mode: Mode, finding: Finding, at: Seconds): void;
  /** The entries of the last 30 days, oldest first; empty for an unknown target. */
  read(target: string): Promise<readonly HistoryEntry[]>;
  /** Waits until everything noted is on disk. */
  close(): Promise<void>;
}

/**
 * Opens the store in a directory, which is made when it is missing. Nothing is read before the first use of a
 * target.
 *
 * @param clock tells the wall time, Unix seconds
 */
export function openHistory(dir: string, clock: { wall(): Seconds }, options: HistoryOptions = {}): History {
  const files = new Map<string, TargetFile>();
  const fileOf = (target: string): TargetFile => {
    const known = files.get(target);
    if (known !== undefined) return known;
    const made = new TargetFile(dir, target, clock, options.warn ?? (() => undefined));
    files.set(target, made);
    return made;
  };
  return {
    record: (target, mode, finding, at) => fileOf(target).record(entryOf(mode, finding, at)),
    read: (target) => fileOf(target).read(),
    close: async () => {
      await Promise.all([...files.values()].map((file) => file.settled()));
    },
  };
}

/** The file name for a target: readable where the name allows it, unique always. */
export function historyFileName(target: string): string {
  const safe = encodeURIComponent(target).replace(
    /[.!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16)}`,
  );
  if (safe.length <= 150) return `history-${safe}.jsonl`;
  const digest = createHash('sha256').update(target).digest('hex').slice(0, 32);
  return `history-${safe.slice(0, 100)}-${digest}.jsonl`;
}

/** One target's file. Everything that touches the disk runs one after the other. */
class TargetFile {
  readonly #path: string;
  readonly #dir: string;
  readonly #target: string;
  readonly #clock: { wall(): Seconds };
  readonly #warn: (text: string) => void;
  readonly #last = new Map<Mode, HistoryEntry>();
  #queue: Promise<unknown> = Promise.resolve();
  #loaded = false;
  #hasHeader = false;
  #lines = 0;
  #oldest = Number.POSITIVE_INFINITY;
  #troubled = false;

  constructor(dir: string, target: string, clock: { wall(): Seconds }, warn: (text: string) => void) {
    this.#dir = dir;
    this.#path = join(dir, historyFileName(target));
    this.#target = target;
    this.#clock = clock;
    this.#warn = warn;
  }

  record(entry: HistoryEntry): void {
    // A clock that was never set says nothing about when.
    if (!isSet(entry.at)) return;
    void this.#enqueue(async () => {
      if (!this.#loaded) await this.#load();
      const last = this.#last.get(entry.mode);
      const due = last === undefined || entry.at < last.at || entry.at - last.at >= UNCHANGED_INTERVAL;
      if (!due && !differs(last, entry)) return;
      await this.#append(entry);
    });
  }

  async read(): Promise<readonly HistoryEntry[]> {
    const entries = await this.#enqueue(() => this.#load());
    return this.#young(entries ?? []);
  }

  async settled(): Promise<void> {
    await this.#queue;
  }

  /** Runs `work` after all earlier work; a failure becomes a warning, once until something succeeds again. */
  #enqueue<T>(work: () => Promise<T>): Promise<T | undefined> {
    const result = this.#queue.then(async () => {
      try {
        const value = await work();
        this.#troubled = false;
        return value;
      } catch (error) {
        if (!this.#troubled) this.#warn(`history of ${this.#target}: ${messageOf(error)}`);
        this.#troubled = true;
        return undefined;
      }
    });
    this.#queue = result;
    return result;
  }

  #young(entries: readonly HistoryEntry[]): readonly HistoryEntry[] {
    const now = this.#clock.wall();
    return entries
      .filter(({ at }) => at >= now - HISTORY_AGE && at <= now + FUTURE_SLACK)
      .sort((a, b) => a.at - b.at);
  }

  /**
   * Whether entries may be thrown away because of their age: not by a clock that is years ahead for an hour, nor by
   * one that begins in 1970. A day of the last thirty must have passed by it.
   */
  #clockIsBelieved(entries: readonly HistoryEntry[]): boolean {
    const now = this.#clock.wall();
    return isSet(now) && entries.some(({ at }) => at <= now - BELIEVED_AFTER && at >= now - HISTORY_AGE);
  }

  #note(entry: HistoryEntry): void {
    this.#last.set(entry.mode, entry);
    this.#lines += 1;
    this.#oldest = Math.min(this.#oldest, entry.at);
  }

  #header(): string {
    return `${JSON.stringify({ history: HEADER_VERSION, target: this.#target })}\n`;
  }

  async #append(entry: HistoryEntry): Promise<void> {
    const line = `${JSON.stringify(entry)}\n`;
    await mkdir(this.#dir, { recursive: true });
    // Half a line may have been written before a failure: the file is read again before the next line.
    this.#loaded = false;
    await appendFile(this.#path, this.#hasHeader ? line : this.#header() + line, { mode: 0o600 });
    this.#loaded = true;
    this.#hasHeader = true;
    this.#note(entry);
    const aged = this.#oldest < this.#clock.wall() - HISTORY_AGE - COMPACTION_SLACK;
    if (!aged && this.#lines <= MOST_LINES) return;
    const entries = await this.#load();
    if (this.#lines > MOST_LINES || this.#clockIsBelieved(entries)) await this.#compact(entries);
  }

  /** Reads the file; a foreign or damaged one is set aside, a line cut short by a crash is dropped. */
  async #load(): Promise<readonly HistoryEntry[]> {
    let text: string;
    try {
      text = (await readRegularFileLater(this.#path, FILE_LIMITS.history)).toString('utf8');
    } catch (error) {
      if (error instanceof FileError) {
        await this.#setAside();
        return [];
      }
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      this.#reset([], false);
      return [];
    }
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    const [header, ...lines] = whole.split('\n').slice(0, -1);
    const entries = lines.map(parseEntry);
    const sound = entries.filter((entry) => entry !== undefined);
    if (!this.#isHeader(header) || sound.length !== entries.length) {
      await this.#setAside();
      return [];
    }
    this.#reset(sound, true);
    if (whole.length !== text.length) await this.#compact(sound);
    return sound.slice(-MOST_LINES);
  }

  #isHeader(line: string | undefined): boolean {
    try {
      const value: unknown = JSON.parse(line ?? '');
      const known = value as { readonly history?: unknown; readonly target?: unknown } | null;
      return known?.history === HEADER_VERSION && known.target === this.#target;
    } catch {
      return false;
    }
  }

  #reset(entries: readonly HistoryEntry[], hasHeader: boolean): void {
    this.#hasHeader = hasHeader;
    this.#last.clear();
    this.#lines = 0;
    this.#oldest = Number.POSITIVE_INFINITY;
    for (const entry of entries) this.#note(entry);
    this.#loaded = true;
  }

  async #setAside(): Promise<void> {
    const aside = `${this.#path}.corrupt`;
    await rename(this.#path, aside);
    this.#reset([], false);
    this.#warn(`history of ${this.#target}: ${this.#path} is damaged or not ours, set aside as ${aside}`);
  }

  /** Rewrites the file with the newest entries, at most half of `MOST_LINES`, in one atomic step. */
  async #compact(entries: readonly HistoryEntry[]): Promise<void> {
    const kept = (this.#clockIsBelieved(entries) ? this.#young(entries) : entries).slice(-MOST_LINES / 2);
    const lines = kept.map((entry) => `${JSON.stringify(entry)}\n`);
    await replaceFile(this.#path, this.#header() + lines.join(''));
    this.#reset(kept, true);
  }
}
