/** The kinds of value that the configuration file knows: what each accepts and what it says when it does not. */
import { validateDetailed } from 'node-cron';
import { z } from 'zod';
import { DurationError, formatDuration, parseDuration, type Seconds } from '../units.js';
import { isAnnouncedAddress, isAnnouncedPath, MAX_ANNOUNCED_PATH } from '../wire/announcement.js';
import { hidesSomething, NOTHING_HIDDEN } from '../visible.js';
import { announcedHost } from './announced-host.js';
import { labelNameProblem } from './labels.js';
import { familyOf, isHost } from './listen-address.js';

/** Bounds of a duration field, seconds. */
export interface DurationBounds {
  /** The duration must be longer than this one. */
  readonly above?: Seconds;
  readonly atLeast?: Seconds;
  readonly atMost?: Seconds;
}

/** Reads a duration as the file has it (a text, or a plain 0), or undefined when it is not one. */
export function durationIn(value: unknown): Seconds | undefined {
  if (value === 0) return 0;
  if (typeof value !== 'string') return undefined;
  try {
    return parseDuration(value);
  } catch (error) {
    if (error instanceof DurationError) return undefined;
    throw error;
  }
}

/** The rule that a value breaks as a duration within bounds, or undefined when it breaks none. */
function durationProblem(value: unknown, { above, atLeast, atMost }: DurationBounds): string | undefined {
  if (typeof value === 'number' && value !== 0) {
    return `duration without unit (write for example ${value > 0 ? String(Math.ceil(value)) : '90'}s)`;
  }
  if (typeof value !== 'string' && value !== 0) return 'must be a duration such as 90s or 2h10m';
  let duration: Seconds;
  try {
    duration = value === 0 ? 0 : parseDuration(value);
  } catch (error) {
    if (error instanceof DurationError) return error.rule;
    throw error;
  }
  if (above !== undefined && duration <= above) return `must be longer than ${formatDuration(above)}`;
  if (atLeast !== undefined && duration < atLeast) return `must be at least ${formatDuration(atLeast)}`;
  if (atMost !== undefined && duration > atMost) return `must be at most ${formatDuration(atMost)}`;
  return undefined;
}

/** A duration in Prometheus' notation. */
export function duration(description: string, byDefault: Seconds, bounds: DurationBounds = {}) {
  return z
    .unknown()
    .superRefine((value, context) => {
      const rule = durationProblem(value, bounds);
      if (rule !== undefined) context.addIssue({ code: 'custom', message: rule });
    })
    .meta({
      type: 'string',
      pattern: '^(0|(\\d+y)?(\\d+w)?(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?)$',
      minLength: 1,
      description,
      default: formatDuration(byDefault),
    })
    .optional();
}

/** A whole number within a range. */
export function wholeNumber(description: string, least: number, most: number, byDefault: number) {
  const error = `must be a whole number from ${least} to ${most}`;
  return z
    .int({ error })
    .min(least, { error })
    .max(most, { error })
    .meta({ description, default: byDefault })
    .optional();
}

/** A TCP port that a client can connect to. */
export function port(description: string, byDefault: number) {
  return wholeNumber(description, 1, 65_535, byDefault);
}

/** A text that is not empty and has no control characters. */
export function text(description: string, longest = 4096) {
  return limited(description, longest, /^[^\p{Cc}]*$/u, 'must not contain control characters');
}

/** A text with a length and a pattern; `rule` is what to say about one that does not fit the pattern. */
function limited(description: string, longest: number, pattern: RegExp, rule: string) {
  return z
    .string({ error: 'must be a text (put it in quotes)' })
    .min(1, { error: 'must not be empty' })
    .max(longest, { error: `must have at most ${longest} characters` })
    .regex(pattern, { error: rule })
    .meta({ description });
}

/** What to say about a name or a label in which something cannot be seen or reorders its neighbours. */
const HIDES_SOMETHING = 'must not contain control, format or private use characters';

/** A name for people: a text that is not empty and in which nothing is hidden. */
export function name(description: string, longest: number) {
  return limited(description, longest, NOTHING_HIDDEN, HIDES_SOMETHING);
}

/** What to say about a host that is none. */
function hostRule(host: string): string {
  if (/^\[.*\]$/.test(host)) return 'must be an IPv6 address without brackets';
  if (/^[^:]+:\d+$/.test(host)) return 'must not contain a port (write it as port)';
  if (host.includes('://')) return 'must be a host name, not a URL';
  return 'must be a host name, an IPv4 address or an IPv6 address';
}

/** A host name or an address. */
export function host(description: string) {
  return z
    .string({ error: 'must be a host name, an IPv4 address or an IPv6 address' })
    .superRefine((value, context) => {
      if (!isHost(value)) context.addIssue({ code: 'custom', message: hostRule(value) });
    })
    .meta({ description });
}

/** What is wrong with an address that others shall connect to, or undefined. */
function announcedAddressProblem(value: string): string | undefined {
  if (!isAnnouncedAddress(value))
    return 'must be HOST:PORT, [IPV6]:PORT or :PORT (the host as the responder sees it)';
  const named = value.slice(0, value.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
  if (named === '') return undefined;
  if (!isHost(named)) return 'must have a host name or an IP address before the port';
  if (typeof announcedHost(named) !== 'string') return undefined;
  return 'must be an address at which others reach this exporter';
}

/** An address that this exporter announces. */
export function announcedAddress(description: string) {
  return z
    .string({ error: 'must be a text such as exporter.example:15382' })
    .superRefine((value, context) => {
      const rule = announcedAddressProblem(value);
      if (rule !== undefined) context.addIssue({ code: 'custom', message: rule });
    })
    .meta({ description });
}

/** A path of an HTTP server, as `--web.telemetry-path` has it. */
export function telemetryPath(description: string, byDefault: string) {
  const error = `must begin with / and consist of at most ${MAX_ANNOUNCED_PATH} letters, digits and / . _ ~ -`;
  return z
    .string({ error })
    .refine(isAnnouncedPath, { error })
    .meta({ description, default: byDefault })
    .optional();
}

/** What is wrong with the address of an HTTP service, or undefined. A password in it is never repeated. */
export function httpUrlProblem(value: string): string | undefined {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    return 'must be a URL that begins with http:// or https://';
  if (url.username !== '' || url.password !== '') return 'must not hold a user or a password';
  if (url.hash !== '') return 'must not have a fragment (#)';
  return undefined;
}

/** The address of an HTTP service. It may hold a secret by mistake, so that a complaint does not show it. */
export function httpUrl(description: string) {
  return z
    .string({ error: 'must be a URL that begins with http:// or https://' })
    .superRefine((value, context) => {
      const rule = httpUrlProblem(value);
      if (rule !== undefined) context.addIssue({ code: 'custom', message: rule, params: { bare: true } });
    })
    .meta({ description });
}

/** An address of this machine. */
export function ipAddress(description: string) {
  const error = 'must be an IPv4 or IPv6 address';
  return z
    .string({ error })
    .refine((value) => familyOf(value) !== undefined, { error })
    .meta({ description });
}

/** A cron expression as node-cron understands it. */
export function cron(description: string, byDefault: string) {
  return z
    .string({ error: 'must be a cron expression in quotes' })
    .superRefine((value, context) => {
      for (const { field, value: part, message } of validateDetailed(value).errors) {
        const where =
          field === 'expression' ? '' : ` in the ${field.replace(/[A-Z]/g, ' $&').toLowerCase()} field`;
        const what = message.replace(/^(.*) is a invalid expression for .*$/, 'cannot use $1');
        const said = part === undefined || part === value || what.includes(part) ? what : `${what} (${part})`;
        context.addIssue({ code: 'custom', message: `bad cron expression: ${said}${where}` });
      }
    })
    .meta({ description, default: byDefault })
    .optional();
}

/** Labels: allowed names with texts that are not empty. */
export function labels(description: string, allowed: readonly string[] = []) {
  return z
    .unknown()
    .superRefine((value, context) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        context.addIssue({ code: 'custom', message: 'must be a mapping of label names to texts' });
        return;
      }
      for (const [name, content] of Object.entries(value)) {
        const bad = labelNameProblem(name, allowed);
        // The name itself is what was found: `params` keeps the value out of the message.
        if (bad !== undefined)
          context.addIssue({ code: 'custom', message: bad, path: [name], params: { bare: true } });
        if (typeof content !== 'string') {
          context.addIssue({ code: 'custom', message: 'must be a text (put it in quotes)', path: [name] });
        } else if (content === '') {
          context.addIssue({ code: 'custom', message: 'must not be empty', path: [name] });
        } else if (hidesSomething(content)) {
          context.addIssue({ code: 'custom', message: HIDES_SOMETHING, path: [name] });
        }
      }
    })
    .meta({
      type: 'object',
      propertyNames: { pattern: '^[a-zA-Z_][a-zA-Z0-9_]*$' },
      additionalProperties: { type: 'string', minLength: 1, pattern: NOTHING_HIDDEN.source },
      description,
    })
    .optional();
}
