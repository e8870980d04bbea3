/**
 * The kinds of value that the configuration file knows: what each accepts, what it says when it does not, and what
 * the program makes of it and writes back.
 */
import { resolve } from 'node:path';
import { validateDetailed } from 'node-cron';
import { z } from 'zod';
import { defined } from '../defined.js';
import { readRegularFile } from '../files.js';
import { DurationError, formatDuration, parseDuration, type Seconds } from '../units.js';
import { hidesSomething, NOTHING_HIDDEN } from '../visible.js';
import { isAnnouncedAddress, isAnnouncedPath, MAX_ANNOUNCED_PATH } from '../wire/announcement.js';
import { announcedHost } from './announced-host.js';
import { didYouMean } from './did-you-mean.js';
import { labelNameProblem } from './labels.js';
import { familyOf, isHost } from './listen-address.js';
import { fileError } from './yaml.js';

/** What a part of the configuration is once it is checked: nobody changes it. */
export type Frozen<Value> = Value extends string | number | boolean
  ? Value
  : { readonly [Key in keyof Value]: Frozen<Value[Key]> };

/** Parameters of an issue whose message does without the value that was found. */
const BARE = { bare: true };

/** A mapping with these keys and no others; an unknown key is told with the one that was probably meant. */
export function mapping<Shape extends z.core.$ZodLooseShape>(shape: Shape, description: string) {
  const unknownKey = (key: string): string => {
    const meant = didYouMean(key, Object.keys(shape));
    return meant === undefined ? 'unknown key' : `unknown key, did you mean ${meant}?`;
  };
  return z
    .strictObject(shape, {
      error: (issue) => {
        if (issue.code === 'invalid_type') return 'must be a mapping of keys to values';
        // One line for each of the keys.
        return issue.code === 'unrecognized_keys' ? issue.keys.map(unknownKey).join('\n') : undefined;
      },
    })
    .meta({ description });
}

/** One out of a few words or numbers. */
export function choice<const Value extends string | number | boolean>(
  values: readonly Value[],
  description: string,
  byDefault: Value,
) {
  return z
    .literal(values, { error: `must be one of ${values.join(', ')}` })
    .meta({ description })
    .prefault(byDefault as z.core.util.NoUndefined<Value>);
}

/** Bounds of a duration field, seconds. */
interface DurationBounds {
  /** The duration must be longer than this one. */
  readonly above?: Seconds;
  readonly atLeast?: Seconds;
  readonly atMost?: Seconds;
}

/**
 * Reads a duration as the file has it: a text, or a plain 0.
 * @throws DurationError whose `rule` says what is wrong with it
 */
function readDuration(value: unknown, { above, atLeast, atMost }: DurationBounds): Seconds {
  const found = String(value);
  if (typeof value === 'number' && value !== 0) {
    const example = value > 0 ? String(Math.ceil(value)) : '90';
    throw new DurationError(`duration without unit (write for example ${example}s)`, found);
  }
  if (typeof value !== 'string' && value !== 0)
    throw new DurationError('must be a duration such as 90s or 2h10m', found);
  const duration = value === 0 ? 0 : parseDuration(value);
  if (above !== undefined && duration <= above)
    throw new DurationError(`must be longer than ${formatDuration(above)}`, found);
  if (atLeast !== undefined && duration < atLeast)
    throw new DurationError(`must be at least ${formatDuration(atLeast)}`, found);
  if (atMost !== undefined && duration > atMost)
    throw new DurationError(`must be at most ${formatDuration(atMost)}`, found);
  return duration;
}

/** A duration: in Prometheus' notation in the file, in seconds in the program. */
export function duration(description: string, byDefault: string, bounds: DurationBounds = {}) {
  return durationWithoutDefault(description, bounds).prefault(byDefault);
}

/** A duration that must be given where it is wanted. */
export function durationWithoutDefault(description: string, bounds: DurationBounds = {}) {
  const inFile = z.unknown().meta({
    type: 'string',
    pattern: '^(0|(\\d+y)?(\\d+w)?(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?(\\d+ms)?)$',
    minLength: 1,
    description,
  });
  return z.codec(inFile, z.custom<Seconds>(), {
    decode: (value, { issues }) => {
      try {
        return readDuration(value, bounds);
      } catch (error) {
        if (!(error instanceof DurationError)) throw error;
        issues.push({ code: 'custom', input: value, message: error.rule });
        return z.NEVER;
      }
    },
    // Zod writes optional fields that are absent, too.
    encode: (value: Seconds | undefined) => (value === undefined ? value : formatDuration(value)),
  });
}

/** Yes or no. */
export function yesOrNo(description: string, byDefault: boolean) {
  return z.boolean({ error: 'must be true or false' }).meta({ description }).prefault(byDefault);
}

/** The word `off`, or a mapping. */
export function offOr<Shape extends z.core.$ZodLooseShape>(inner: z.ZodObject<Shape>, description: string) {
  type Value = 'off' | z.output<typeof inner>;
  const { $schema: _, ...shape } = z.toJSONSchema(inner, { io: 'input', unrepresentable: 'any' });
  const inFile = z.unknown().meta({ anyOf: [{ const: 'off' }, shape], description });
  return z.codec(inFile, z.custom<Value>(), {
    decode: (value, { issues }) => {
      if (value === 'off') return value;
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        issues.push({ code: 'custom', input: value, message: 'must be off or a mapping of keys to values' });
        return z.NEVER;
      }
      const read = inner.safeParse(value);
      if (read.success) return read.data;
      for (const { path, message, ...issue } of read.error.issues) {
        const keys = issue.code === 'unrecognized_keys' ? issue.keys : undefined;
        const rules = message.split('\n');
        for (const [index, key] of (keys ?? [undefined]).entries())
          issues.push({
            code: 'custom',
            input: value,
            path: key === undefined ? path : [...path, key],
            message: key === undefined ? message : (rules[index] ?? message),
            params: key === undefined ? {} : BARE,
          });
      }
      return z.NEVER;
    },
    encode: (value: Value | undefined) =>
      value === undefined || value === 'off' ? value : inner.encode(value as never),
  });
}

/** A whole number within a range. */
export function wholeNumber(description: string, least: number, most: number, byDefault: number) {
  return wholeNumberWithoutDefault(description, least, most).prefault(byDefault);
}

/** A share of a whole, above 0 and at most 1. */
export function share(description: string) {
  const error = 'must be a number above 0 and at most 1';
  return z.number({ error }).gt(0, { error }).max(1, { error }).meta({ description });
}

/** A whole number within a range that must be given where it is wanted. */
export function wholeNumberWithoutDefault(description: string, least: number, most: number) {
  const error = `must be a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error }).meta({ description });
}

/** A TCP port that a client can connect to. */
export function port(description: string, byDefault: number) {
  return wholeNumber(description, 1, 65_535, byDefault);
}

/** A text that is not empty and has no control characters. */
export function text(description: string, longest = 4096) {
  return limited(description, longest, /^[^\p{Cc}]*$/u, 'must not contain control characters');
}

/** A path, absolute in the program; a relative one starts at the folder of the file that names it. */
export function path(
  inFile: z.ZodString,
  folder: string,
  problemOf: (path: string) => string | undefined = () => undefined,
) {
  return z.codec(inFile, z.string(), {
    decode: (value, { issues }) => {
      const absolute = resolve(folder, value);
      const message = problemOf(absolute);
      if (message !== undefined) issues.push({ code: 'custom', input: value, message });
      return absolute;
    },
    encode: (absolute) => absolute,
  });
}

/** A path that starts at the root or, with `~/`, at the user's home. */
export function homePath(description: string) {
  return text(`${description} Absolute, or from ~/ on.`).regex(/^~?\//, {
    error: 'must be an absolute path, or begin with ~/',
  });
}

/** Fewest characters of a token. */
export const MIN_TOKEN_LENGTH = 16;

/** What a file must hold. */
interface FileBounds {
  /** Most bytes. */
  readonly limit: number;
  /** Fewest characters without the line break at its end; 1 unless given. */
  readonly least?: number;
}

/** The path of a file that is there and holds something. */
export function file(description: string, folder: string, bounds: FileBounds) {
  const inFile = text(`${description}; a relative path starts at this file's folder.`);
  return path(inFile, folder, (name) => fileProblem(name, bounds));
}

function fileProblem(name: string, { limit, least = 1 }: FileBounds): string | undefined {
  try {
    const content = readRegularFile(name, limit).toString('utf8');
    if (content.trim() === '') return 'must not name an empty file';
    if (content.replace(/\r?\n$/, '').length >= least) return undefined;
    return `must name a file with a token of at least ${least} characters`;
  } catch (error) {
    return fileError(error);
  }
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
  const beforePort = /^(.+):\d+$/.exec(host)?.[1] ?? '';
  if (/^[^:]+$/.test(beforePort) || familyOf(beforePort) === 6)
    return 'must not contain a port (write it as port)';
  if (host.includes('://')) return 'must be a host name, not a URL';
  return 'must be a host name, an IPv4 address or an IPv6 address';
}

/** A text; `ruleOf` says which rule it breaks, `error` what to say about anything else. */
function ruled(
  description: string,
  error: string,
  ruleOf: (value: string) => string | undefined,
  params?: Readonly<Record<string, unknown>>,
) {
  return z
    .string({ error })
    .superRefine((value, context) => {
      const message = ruleOf(value);
      if (message !== undefined) context.addIssue({ code: 'custom', message, ...defined({ params }) });
    })
    .meta({ description });
}

/** A host name or an address. */
export function host(description: string) {
  const error = 'must be a host name, an IPv4 address or an IPv6 address';
  return ruled(description, error, (value) => (isHost(value) ? undefined : hostRule(value)));
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
  return ruled(description, 'must be a text such as exporter.example:15382', announcedAddressProblem);
}

/** A path of an HTTP server, as `--web.telemetry-path` has it. */
export function telemetryPath(description: string, byDefault: string) {
  const error = `must begin with / and consist of at most ${MAX_ANNOUNCED_PATH} letters, digits and / . _ ~ -`;
  const ruleOf = (value: string) => (isAnnouncedPath(value) ? undefined : error);
  return ruled(description, error, ruleOf).prefault(byDefault);
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

/**
 * The address of an HTTP service. It may hold a secret by mistake, so that a complaint does not show it; written back
 * without its query, which may hold a key.
 */
export function httpUrl(description: string) {
  const error = 'must be a URL that begins with http:// or https://';
  return z.codec(ruled(description, error, httpUrlProblem, BARE), z.string(), {
    decode: (value) => value,
    encode: (value) => {
      const url = new URL(value);
      url.search = '';
      return url.href;
    },
  });
}

/** What is wrong with the address of a site, or undefined. */
export function siteUrlProblem(value: string): string | undefined {
  return httpUrlProblem(value) ?? (new URL(value).search === '' ? undefined : 'must not have a query (?)');
}

/** The address of a site's first page in its one spelling, without a slash at its end. */
export function siteUrlOf(value: string): string {
  return new URL(value).href.replace(/\/+$/, '');
}

/** The address of a site's first page. */
export function siteUrl(description: string) {
  const error = 'must be a URL that begins with http:// or https://';
  return z.codec(ruled(description, error, siteUrlProblem, BARE), z.string(), {
    decode: siteUrlOf,
    encode: (value) => value,
  });
}

/** What is wrong with the address of an HTTP proxy, or undefined. */
export function proxyUrlProblem(value: string): string | undefined {
  const { protocol, pathname, search } = URL.canParse(value) ? new URL(value) : {};
  if (protocol !== 'http:' || pathname !== '/' || search !== '')
    return 'must be the address of an HTTP proxy such as http://proxy.example:3128';
  return httpUrlProblem(value);
}

/** The address of an HTTP proxy. */
export function proxyUrl(description: string) {
  const error = 'must be the address of an HTTP proxy such as http://proxy.example:3128';
  return ruled(description, error, proxyUrlProblem, BARE);
}

/** An address of this machine. */
export function ipAddress(description: string) {
  const error = 'must be an IPv4 or IPv6 address';
  return ruled(description, error, (value) => (familyOf(value) === undefined ? error : undefined));
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
    .meta({ description })
    .prefault(byDefault);
}

/** Labels: allowed names with texts that are not empty; none unless given. */
export function labels(description: string, allowed: readonly string[] = []) {
  const inFile = z
    .unknown()
    .superRefine((value, context) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        context.addIssue({ code: 'custom', message: 'must be a mapping of label names to texts' });
        return;
      }
      for (const [name, content] of Object.entries(value)) {
        const bad = labelNameProblem(name, allowed);
        // The name itself is what was found.
        if (bad !== undefined) context.addIssue({ code: 'custom', message: bad, path: [name], params: BARE });
        const message = labelValueProblem(content);
        if (message !== undefined) context.addIssue({ code: 'custom', message, path: [name] });
      }
    })
    .meta({
      type: 'object',
      propertyNames: { pattern: '^[a-zA-Z_][a-zA-Z0-9_]*$' },
      additionalProperties: { type: 'string', minLength: 1, pattern: NOTHING_HIDDEN.source },
      description,
    })
    .optional();
  return z.codec(inFile, z.custom<Readonly<Record<string, string>>>(), {
    decode: (value) => ({ ...(value as Readonly<Record<string, string>> | undefined) }),
    encode: (value) => ({ ...value }),
  });
}

function labelValueProblem(content: unknown): string | undefined {
  if (typeof content !== 'string') return 'must be a text (put it in quotes)';
  if (content === '') return 'must not be empty';
  return hidesSomething(content) ? HIDES_SOMETHING : undefined;
}
