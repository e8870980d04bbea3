/** One line of the history: what was published about one mode at one moment. */
import { LATEST_MOMENT } from '../clock.js';
import { type Finding, LONGEST_IDLE } from '../core/finding.js';
import { MODES, type Mode } from '../core/modes.js';
import { defined } from '../defined.js';
import type { Seconds } from '../units.js';

/** A finding as the history keeps it. Unknown is absent, never 0. */
export interface HistoryEntry {
  /** Unix time, seconds. */
  readonly at: Seconds;
  readonly mode: Mode;
  readonly lower?: Seconds;
  readonly upper?: Seconds;
  readonly timeout?: Seconds;
  readonly compliant?: boolean;
}

/** Relative movement of a bound that is worth a line of its own; smaller ones wait for the hourly line. */
const NOTEWORTHY_SHARE = 0.01;

/** Smallest movement of a bound that is worth a line of its own, seconds. */
const NOTEWORTHY_SECONDS: Seconds = 1;

const NUMBERS = ['lower', 'upper', 'timeout'] as const;

/** The entry for a finding; numbers are rounded to the millisecond. */
export function entryOf(mode: Mode, finding: Finding, at: Seconds): HistoryEntry {
  const [lower, upper, timeout] = NUMBERS.map((name) => {
    const value = finding[name];
    return value === undefined ? undefined : Math.round(value * 1000) / 1000;
  });
  return defined({ at: Math.round(at), mode, lower, upper, timeout, compliant: finding.compliant });
}

/** Whether two entries of one mode differ enough for a line of its own. */
export function differs(before: HistoryEntry, now: HistoryEntry): boolean {
  if (before.compliant !== now.compliant) return true;
  return NUMBERS.some((name) => {
    const a = before[name];
    const b = now[name];
    if (a === undefined || b === undefined) return a !== b;
    return Math.abs(a - b) > Math.max(NOTEWORTHY_SECONDS, NOTEWORTHY_SHARE * Math.max(a, b));
  });
}

/** Reads one line; undefined when it is not an entry. */
export function parseEntry(line: string): HistoryEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const record = value as Readonly<Record<string, unknown>>;
  const mode = MODES.find((known) => known === record['mode']);
  if (mode === undefined || !isWithin(record['at'], LATEST_MOMENT)) return undefined;
  for (const name of NUMBERS) {
    if (record[name] !== undefined && !isWithin(record[name], LONGEST_IDLE)) return undefined;
  }
  if (record['compliant'] !== undefined && typeof record['compliant'] !== 'boolean') return undefined;
  return value as HistoryEntry;
}

function isWithin(value: unknown, most: number): boolean {
  return typeof value === 'number' && value >= 0 && value <= most;
}
