/** Units of time as types: seconds inside the program, milliseconds only where a timer is set. */

/**
 * A duration or a moment in seconds. The tag makes the compiler refuse a `Milliseconds` where seconds
 * are wanted; a plain number literal is accepted.
 */
export type Seconds = number & { readonly __unit?: 'seconds' };

/** A duration in milliseconds, used only at the edge where a timer is set. */
export type Milliseconds = number & { readonly __unit?: 'milliseconds' };

/** Converts seconds to the milliseconds that a timer wants. */
export function toMilliseconds(duration: Seconds): Milliseconds {
  return (duration as number) * 1000;
}

/** One unit of the duration notation, its length in milliseconds. */
interface Unit {
  readonly symbol: string;
  readonly ms: number;
}

/** Units of the Prometheus notation, longest first; a year is 365 days, a day always 24 hours. */
const UNITS: readonly Unit[] = [
  { symbol: 'y', ms: 365 * 86_400_000 },
  { symbol: 'w', ms: 7 * 86_400_000 },
  { symbol: 'd', ms: 86_400_000 },
  { symbol: 'h', ms: 3_600_000 },
  { symbol: 'm', ms: 60_000 },
  { symbol: 's', ms: 1000 },
  { symbol: 'ms', ms: 1 },
];

/** Units that `formatDuration` writes; weeks and years would only make idle times harder to compare. */
const WRITTEN_UNITS = UNITS.filter(({ symbol }) => symbol !== 'y' && symbol !== 'w');

/** Longest duration that the notation accepts: Prometheus' own limit, 2^63 - 1 nanoseconds, in whole years. */
const LONGEST_YEARS = 292;

/** The text of a duration does not follow the notation; `rule` says which part of it, `found` repeats the text. */
export class DurationError extends Error {
  override readonly name = 'DurationError';
  readonly rule: string;
  readonly found: string;

  constructor(rule: string, found: string) {
    super(`${rule}, found ${JSON.stringify(found)}`);
    this.rule = rule;
    this.found = found;
  }
}

/**
 * Reads a duration in Prometheus' notation: whole numbers, each with a unit out of `y w d h m s ms`, larger units
 * first and each at most once (`90s`, `2h10m`, `500ms`); a plain `0` needs no unit.
 *
 * @returns seconds, ≥ 0, with a resolution of 1 ms
 * @throws DurationError naming the rule that the text breaks
 * @see https://prometheus.io/docs/prometheus/latest/configuration/configuration/ (`<duration>`)
 */
export function parseDuration(text: string): Seconds {
  if (text === '0') return 0;
  if (text === '') throw new DurationError('duration is empty (write for example 90s or 2h10m)', text);
  if (text.startsWith('-')) throw new DurationError('duration must not be negative', text);
  if (/\s/.test(text))
    throw new DurationError('duration must not contain spaces (write for example 2h10m)', text);

  let rest = text;
  let milliseconds = 0;
  let previous = -1;
  while (rest !== '') {
    const [part, digits, symbol] = /^(\d+)([^\d]*)/.exec(rest) ?? [];
    if (part === undefined || digits === undefined) {
      throw new DurationError('duration must begin with a number (write for example 90s or 2h10m)', text);
    }
    if (symbol === undefined || symbol === '') {
      throw new DurationError(`duration without unit (write for example ${digits}s)`, text);
    }
    if (symbol === '.' || symbol === ',') {
      throw new DurationError('duration must have whole numbers (write for example 1h30m or 500ms)', text);
    }
    const index = UNITS.findIndex((unit) => unit.symbol === symbol);
    const unit = UNITS[index];
    if (unit === undefined) {
      throw new DurationError(
        `duration with unknown unit ${JSON.stringify(symbol)} (known: y w d h m s ms)`,
        text,
      );
    }
    if (index === previous) throw new DurationError(`duration with unit ${symbol} twice`, text);
    if (index < previous) throw new DurationError('duration must have its larger units first', text);
    previous = index;
    milliseconds += Number(digits) * unit.ms;
    rest = rest.slice(part.length);
  }
  if (milliseconds > LONGEST_YEARS * 365 * 86_400_000) {
    throw new DurationError(`duration must be at most ${String(LONGEST_YEARS)}y`, text);
  }
  return milliseconds / 1000;
}

/**
 * Writes a duration so that `parseDuration` reads the same value back: `formatDuration(7440) === '2h4m'`.
 * The largest unit written is the day; fractions are rounded to milliseconds.
 *
 * @param duration seconds, finite and ≥ 0
 * @throws RangeError for any other number
 */
export function formatDuration(duration: Seconds): string {
  if (!Number.isFinite(duration) || duration < 0) {
    throw new RangeError(`duration must be finite and not negative, found ${String(duration)}`);
  }
  let rest = Math.round(duration * 1000);
  let text = '';
  for (const { symbol, ms } of WRITTEN_UNITS) {
    const count = Math.floor(rest / ms);
    rest -= count * ms;
    if (count > 0) text += `${String(count)}${symbol}`;
  }
  return text === '' ? '0s' : text;
}
