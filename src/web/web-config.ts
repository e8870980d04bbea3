/**
 * Reads and checks the file of `--web.config.file`: TLS, HTTP headers, users, rate limit.
 * @see https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
 */
import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { load, YAMLException } from 'js-yaml';
import { z } from 'zod';
import { ConfigError, type Problem } from '../config/problem.js';
import { defined } from '../defined.js';
import { FILE_LIMITS, readRegularFile, whyUnreadable } from '../files.js';
import { type Complain, flag, readTls, TLS_SCHEMA, type TlsConfig } from './tls-config.js';

/** The file as it is used. */
export interface WebConfig {
  readonly tls?: TlsConfig;
  /** Headers that every response carries. */
  readonly headers: ReadonlyMap<string, string>;
  /** Users with their bcrypt hashes; empty when no password is asked for. */
  readonly users: ReadonlyMap<string, string>;
  /** Tokens a second and the most that can be saved up. */
  readonly rateLimit?: { readonly perSecond: number; readonly burst: number };
  /** Whether the file asks for HTTP/2, which this server does not speak. */
  readonly http2Asked: boolean;
}

/** Whether nobody gets an answer without a password or a certificate that was verified. */
export function asksWhoReads({ users, tls }: WebConfig): boolean {
  return users.size > 0 || tls?.clientAuth === 'RequireAndVerifyClientCert';
}

/** What was read, with the state of every file that it came from. */
export interface LoadedWebConfig {
  readonly config: WebConfig;
  readonly files: readonly string[];
}

const HEADER_VALUES: Readonly<Record<string, readonly string[] | undefined>> = {
  'Content-Security-Policy': undefined,
  'X-Frame-Options': ['deny', 'sameorigin'],
  'X-Content-Type-Options': ['nosniff'],
  'X-XSS-Protection': undefined,
  'Strict-Transport-Security': undefined,
};

/** `$2y$10$…`: a version that bcrypt knows, a cost from 4 to 31, 22 digits of salt and 31 of hash. */
const BCRYPT_HASH = /^\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./A-Za-z0-9]{53}$/;

const text = z.string();
/** `X-XSS-Protection: 0` is a number to YAML. */
const scalar = z.union([text, z.number().transform(String), z.boolean().transform(String)], {
  error: 'must be a string',
});

const SCHEMA = z.strictObject({
  tls_server_config: TLS_SCHEMA.nullish(),
  http_server_config: z
    .strictObject({ http2: flag.nullish(), headers: z.record(text, scalar).nullish() })
    .nullish(),
  basic_auth_users: z.record(text, text).nullish(),
  rate_limit: z
    .strictObject({ interval: z.union([text, z.number()]).nullish(), burst: z.int().min(0).nullish() })
    .nullish(),
});

/**
 * Reads the web configuration; paths in it are relative to the file.
 * @throws ConfigError with every problem found; no secret stands in its message
 */
export function readWebConfig(file: string): LoadedWebConfig {
  const problems: Problem[] = [];
  const complain: Complain = (path, rule, value) =>
    problems.push(defined({ file, path: path === '' ? undefined : path, rule, value }));
  const raw = parse(file, complain);
  if (raw === undefined) throw new ConfigError(problems);
  const files = [file];
  const { tls_server_config: rawTls, http_server_config: http } = raw;
  const config: WebConfig = defined({
    tls: rawTls ? readTls(rawTls, dirname(file), files, complain) : undefined,
    headers: readHeaders(http?.headers ?? {}, complain),
    users: readUsers(raw.basic_auth_users ?? {}, complain),
    rateLimit: readRateLimit(raw.rate_limit ?? {}, complain),
    http2Asked: http?.http2 === true,
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return { config, files };
}

/** A word that changes whenever one of the files does, a missing file included. */
export function fileStamp(files: readonly string[]): string {
  const stampOf = (file: string): string => {
    try {
      const stat = statSync(file, { bigint: true });
      return [stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join('.');
    } catch (error) {
      return whyUnreadable(error);
    }
  };
  return files.map(stampOf).join(' ');
}

function parse(file: string, complain: Complain): z.infer<typeof SCHEMA> | undefined {
  let document: unknown;
  try {
    const content = readRegularFile(file, FILE_LIMITS.config).toString('utf8');
    // An empty file is a valid configuration that asks for nothing.
    document = /^(\s*(#.*)?(\n|$))*$/.test(content) ? {} : (load(content) ?? {});
  } catch (error) {
    if (error instanceof YAMLException) {
      const { mark, reason } = error;
      const place = mark === undefined ? '' : `line ${mark.line + 1}, column ${mark.column + 1}`;
      complain(place, `must be YAML: ${reason}`);
    } else complain('', `cannot be read: ${whyUnreadable(error)}`);
    return undefined;
  }
  const result = SCHEMA.safeParse(document);
  for (const issue of result.error?.issues ?? []) complainOf(issue, document, complain);
  return result.data;
}

function complainOf(issue: z.core.$ZodIssue, document: unknown, complain: Complain): void {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys) complain([...path, key].join('.'), 'is not a known key');
    return;
  }
  // Hashes and keys stay out of messages whatever is wrong with them.
  const secret = path[0] === 'basic_auth_users' || path[1] === 'key';
  const found = issue.path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | null)?.[key],
    document,
  );
  // Nor is a whole section shown: it may hold one.
  const showable = path.length > 0 && ['string', 'number', 'boolean'].includes(typeof found);
  complain(path.join('.'), ruleOf(issue), secret || !showable ? undefined : found);
}

function ruleOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String).filter((word) => word !== '' && word !== 'RequireClientCert');
    return `must be one of ${values.join(', ')}`;
  }
  if (issue.code === 'invalid_type') return `must be ${TYPE_NAMES[issue.expected] ?? issue.expected}`;
  return issue.message;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a string',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  int: 'a whole number',
};

function readHeaders(raw: Record<string, string>, complain: Complain): Map<string, string> {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(raw)) {
    const path = `http_server_config.headers.${name}`;
    const allowed = HEADER_VALUES[name];
    if (!Object.hasOwn(HEADER_VALUES, name)) {
      complain(path, `is not a header that can be set (only ${Object.keys(HEADER_VALUES).join(', ')})`);
    } else if (allowed !== undefined && !allowed.includes(value)) {
      complain(path, `must be ${allowed.join(' or ')}`, value);
    } else if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
      complain(path, 'must be one line of printable characters', value);
    } else if (value !== '') {
      headers.set(name, value);
    }
  }
  return headers;
}

function readUsers(raw: Record<string, string>, complain: Complain): Map<string, string> {
  for (const [user, hash] of Object.entries(raw)) {
    if (!BCRYPT_HASH.test(hash)) {
      complain(`basic_auth_users.${user}`, 'must be a bcrypt hash ($2y$10$…)');
    }
  }
  return new Map(Object.entries(raw));
}

const UNIT_SECONDS: Readonly<Record<string, number>> = {
  ns: 1e-9,
  us: 1e-6,
  µs: 1e-6,
  ms: 1e-3,
  s: 1,
  m: 60,
  h: 3600,
};

function readRateLimit(
  { interval, burst }: NonNullable<z.infer<typeof SCHEMA>['rate_limit']>,
  complain: Complain,
): WebConfig['rateLimit'] {
  const written = String(interval ?? '0');
  if (!/^(0|((\d+(\.\d+)?)(ns|us|µs|ms|s|m|h))+)$/.test(written)) {
    complain('rate_limit.interval', 'must be a duration such as 100ms', interval);
    return undefined;
  }
  let seconds = 0;
  for (const [, number, unit] of written.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)) {
    seconds += Number(number) * (UNIT_SECONDS[unit ?? 's'] ?? 1);
  }
  return seconds > 0 ? { perSecond: 1 / seconds, burst: burst ?? 0 } : undefined;
}
