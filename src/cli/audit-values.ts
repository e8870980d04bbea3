/** What the flags of `audit` may say: moments, labels, matchers, headers. */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { pathLabelProblem } from '../config/labels.js';
import { DurationError, parseDuration, type Seconds } from '../units.js';
import { UsageError } from './flags.js';
import { httpUrl } from './shared-flags.js';

const TIME = 'a time such as 2026-11-28T12:00:00Z, or Unix seconds';

/** Unix time of a text, seconds; undefined where it is none. */
function timeOf(found: string): Seconds | undefined {
  if (/^\d{1,11}(\.\d{1,3})?$/.test(found)) return Number(found);
  const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;
  const milliseconds = rfc3339.test(found) ? Date.parse(found) : Number.NaN;
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000;
}

/** A moment as Prometheus takes it, too: `2026-11-28T12:00:00Z` or Unix seconds. */
export function moment(found: string): Seconds {
  const time = timeOf(found);
  if (time === undefined) throw new UsageError(`must be ${TIME}`, found);
  return time;
}

/** The beginning of a period: a moment, or so long before its end. */
export type Since = { readonly moment: Seconds } | { readonly ago: Seconds };

/** `30d`, or a moment. */
export function since(found: string): Since {
  const time = timeOf(found);
  if (time !== undefined) return { moment: time };
  try {
    return { ago: parseDuration(found) };
  } catch (error) {
    if (!(error instanceof DurationError)) throw error;
    throw new UsageError(`must be a duration such as 30d, ${TIME}`, found);
  }
}

/** Whole seconds, since PromQL gets them as a window. */
export function lookback(found: string): Seconds {
  const duration = parseDuration(found);
  if (duration >= 1 && Number.isInteger(duration)) return duration;
  throw new UsageError('must be whole seconds and at least 1s', found);
}

/** The address of a Prometheus. What is wrong with it may be a password in it: it is not repeated. */
export function prometheusUrl(found: string): string {
  if (found === '') throw new UsageError('is missing (for example --prometheus=http://localhost:9090)');
  const url = httpUrl(found, ' (use --username and --password-file)');
  if (url.includes('?')) throw new UsageError('must not have a query (?)');
  return url;
}

function pathLabel(name: string): string {
  const wrong = pathLabelProblem(name);
  if (wrong !== undefined) throw new UsageError(wrong, name);
  return name;
}

/** Labels of one `--by`. */
export function labels(found: string): string[] {
  return found.split(',').map((name) => pathLabel(name.trim()));
}

/** The text that quotes mean; undefined where they are not closed. */
function unquoted(value: string): string | undefined {
  const [quote = ''] = value;
  if (!['"', "'", '`'].includes(quote)) return value;
  if (quote !== '"') {
    const inside = value.slice(1, -1);
    return value.length > 1 && value.endsWith(quote) && !inside.includes(quote) ? inside : undefined;
  }
  try {
    return String(JSON.parse(value));
  } catch {
    return undefined;
  }
}

/**
 * A matcher of one label, as PromQL has it: `isp="north"`, with or without the quotes, which shells like to eat.
 * Whether a regular expression is one, only the Prometheus knows.
 * @returns PromQL
 */
export function matcher(found: string): string {
  const [, label, operator, rest] = /^\s*([^\s=!~{}",]+)\s*(=~|!~|!=|=)\s*(.*?)\s*$/s.exec(found) ?? [];
  if (label === undefined || operator === undefined || rest === undefined)
    throw new UsageError(
      'must be one of LABEL=VALUE, LABEL!=VALUE, LABEL=~REGEX, LABEL!~REGEX, without braces',
      found,
    );
  const value = unquoted(rest);
  if (value === undefined) throw new UsageError('has a value whose quotes are not closed', found);
  return `${pathLabel(label)}${operator}${JSON.stringify(value)}`;
}

/** Headers that say how a request is sent, which is not the user's to say. */
const OWN_HEADERS = [
  ...['accept-encoding', 'connection', 'content-length', 'content-type', 'expect', 'host', 'keep-alive'],
  ...['te', 'trailer', 'transfer-encoding', 'upgrade', 'user-agent'],
];

/** One header, `X-Scope-OrgID: north`. It may hold a key: its value is never repeated. */
export function header(found: string): readonly [name: string, value: string] {
  const [, name, value] = /^([^:]*):\s*(.*?)\s*$/s.exec(found) ?? [];
  if (name === undefined || value === undefined || !isValid(() => validateHeaderName(name)))
    throw new UsageError(
      'must be NAME: VALUE, such as X-Scope-OrgID: north, with a name of letters, digits and -',
    );
  const lower = name.toLowerCase();
  if (lower === 'authorization')
    throw new UsageError(`must not be ${name}: use --username with --password-file, or --bearer-token-file`);
  if (OWN_HEADERS.includes(lower)) throw new UsageError(`must not be ${name}, which the program sets itself`);
  if (value === '') throw new UsageError(`must have a value after ${name}:`);
  if (!isValid(() => validateHeaderValue(name, value)))
    throw new UsageError(
      `must not have line breaks, control characters or letters beyond Latin-1 in ${name}`,
    );
  return [name, value];
}

function isValid(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}

/** Several headers by their names. */
export function headersOf(
  headers: readonly (readonly [name: string, value: string])[],
): Record<string, string> | undefined {
  const names = headers.map(([name]) => name.toLowerCase());
  const twice = headers.find((_, index) => names.indexOf(names[index] ?? '') !== index);
  if (twice !== undefined) throw new UsageError(`--header: must not be said twice, found ${twice[0]}`);
  return headers.length === 0 ? undefined : Object.fromEntries(headers);
}
