/**
 * Reads and checks the file of `--web.config.file`: TLS, HTTP headers, users, rate limit.
 * @see https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md
 */
import { statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { load, YAMLException } from 'js-yaml';
import { z } from 'zod';
import { ConfigError, type Problem } from '../config/problem.js';
import { FILE_LIMITS, readRegularFile, whyUnreadable } from '../files.js';
import {
  CIPHER_SUITES,
  CLIENT_AUTH_TYPES,
  type ClientAuthType,
  CURVES,
  opensslCiphers,
  TLS_VERSIONS,
} from './tls-names.js';

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

export interface TlsConfig {
  readonly context: SecureContextOptions;
  readonly clientAuth: ClientAuthType;
  /** A client's certificate must name one of these; absent when any will do. */
  readonly allowedSans?: readonly string[];
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

const oneOf = (names: readonly string[]) => z.enum(names as [string, ...string[]]);
const text = z.string();
const flag = z.boolean();

const TLS_SCHEMA = z.strictObject({
  cert: text.nullish(),
  key: text.nullish(),
  client_ca: text.nullish(),
  cert_file: text.nullish(),
  key_file: text.nullish(),
  client_ca_file: text.nullish(),
  client_auth_type: oneOf(['', ...CLIENT_AUTH_TYPES, 'RequireClientCert']).nullish(),
  client_allowed_sans: z.array(text).nullish(),
  min_version: oneOf(Object.keys(TLS_VERSIONS)).nullish(),
  max_version: oneOf(Object.keys(TLS_VERSIONS)).nullish(),
  cipher_suites: z.array(oneOf(Object.keys(CIPHER_SUITES))).nullish(),
  prefer_server_cipher_suites: flag.nullish(),
  curve_preferences: z.array(oneOf(Object.keys(CURVES))).nullish(),
});

const SCHEMA = z.strictObject({
  tls_server_config: TLS_SCHEMA.nullish(),
  http_server_config: z
    .strictObject({ http2: flag.nullish(), headers: z.record(text, text).nullish() })
    .nullish(),
  basic_auth_users: z.record(text, text).nullish(),
  rate_limit: z
    .strictObject({ interval: z.union([text, z.number()]).nullish(), burst: z.int().min(0).nullish() })
    .nullish(),
});

type RawTls = z.infer<typeof TLS_SCHEMA>;

/**
 * Reads the web configuration; paths in it are relative to the file.
 * @throws ConfigError with every problem found; no secret stands in its message
 */
export function readWebConfig(file: string): LoadedWebConfig {
  const problems: Problem[] = [];
  const raw = parse(file, problems);
  if (raw === undefined) throw new ConfigError(problems);
  const files = [file];
  const tls = readTls(file, raw.tls_server_config ?? undefined, files, problems);
  const headers = readHeaders(file, raw.http_server_config?.headers ?? {}, problems);
  const users = readUsers(file, raw.basic_auth_users ?? {}, problems);
  const rateLimit = readRateLimit(file, raw.rate_limit ?? undefined, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  const config: WebConfig = {
    ...(tls === undefined ? {} : { tls }),
    headers,
    users,
    ...(rateLimit === undefined ? {} : { rateLimit }),
    http2Asked: raw.http_server_config?.http2 === true,
  };
  return { config, files };
}

/** A word that changes whenever one of the files does, a missing file included. */
export function fileStamp(files: readonly string[]): string {
  const stampOf = (file: string): string => {
    try {
      const stat = statSync(file, { bigint: true });
      return [stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join('.');
    } catch (error) {
      return reasonOf(error);
    }
  };
  return files.map(stampOf).join(' ');
}

function parse(file: string, problems: Problem[]): z.infer<typeof SCHEMA> | undefined {
  let document: unknown;
  try {
    const content = readRegularFile(file, FILE_LIMITS.config).toString('utf8');
    // An empty file is a valid configuration that asks for nothing.
    document = /^(\s*(#.*)?(\n|$))*$/.test(content) ? {} : (load(content) ?? {});
  } catch (error) {
    problems.push(readingProblem(file, error));
    return undefined;
  }
  const result = SCHEMA.safeParse(document);
  if (result.success) return result.data;
  for (const issue of result.error.issues)
    for (const problem of issueProblems(file, document, issue)) problems.push(problem);
  return undefined;
}

function readingProblem(file: string, error: unknown): Problem {
  if (error instanceof YAMLException) {
    const mark = error.mark;
    const path = mark === undefined ? {} : { path: `line ${mark.line + 1}, column ${mark.column + 1}` };
    return { file, ...path, rule: `must be YAML: ${error.reason}` };
  }
  return { file, rule: `cannot be read: ${whyUnreadable(error)}` };
}

function issueProblems(file: string, document: unknown, issue: z.core.$ZodIssue): Problem[] {
  const path = issue.path.map(String);
  const place = path.length === 0 ? {} : { path: path.join('.') };
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ file, path: [...path, key].join('.'), rule: 'is not a known key' }));
  }
  // Hashes and keys stay out of messages whatever is wrong with them.
  const secret = path[0] === 'basic_auth_users' || path[1] === 'key';
  const found = issue.path.reduce<unknown>(
    (at, key) => (at as Record<PropertyKey, unknown> | null)?.[key],
    document,
  );
  // Nor is a whole section shown: it may hold one.
  const showable = path.length > 0 && ['string', 'number', 'boolean'].includes(typeof found);
  const value = secret || !showable ? {} : { value: found };
  if (issue.code === 'invalid_value') {
    const values = issue.values.map(String).filter((word) => word !== '' && word !== 'RequireClientCert');
    return [{ file, ...place, rule: `must be one of ${values.join(', ')}`, ...value }];
  }
  if (issue.code === 'invalid_type') {
    return [{ file, ...place, rule: `must be ${TYPE_NAMES[issue.expected] ?? issue.expected}`, ...value }];
  }
  return [{ file, ...place, rule: issue.message, ...value }];
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a string',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  int: 'a whole number',
};

function readTls(
  file: string,
  raw: RawTls | undefined,
  files: string[],
  problems: Problem[],
): TlsConfig | undefined {
  if (raw === undefined) return undefined;
  const path = (key: string): string => `tls_server_config.${key}`;
  const before = problems.length;
  const readPem = (key: 'cert' | 'key' | 'client_ca'): string | undefined => {
    const named = raw[`${key}_file`];
    if (named === undefined || named === null || named === '') return raw[key] || undefined;
    const full = resolve(dirname(file), named);
    files.push(full);
    if (raw[key]) problems.push({ file, path: path(key), rule: `must not stand beside ${key}_file` });
    try {
      return readRegularFile(full, FILE_LIMITS.certificate).toString('utf8');
    } catch (error) {
      problems.push({
        file,
        path: path(`${key}_file`),
        rule: `cannot be read: ${whyUnreadable(error)}`,
        value: full,
      });
      return undefined;
    }
  };
  const enabled = (['cert', 'key', 'client_ca'] as const).some((key) => raw[key] || raw[`${key}_file`]);
  if (!enabled && !raw.client_auth_type) return undefined;
  const cert = readPem('cert');
  const key = readPem('key');
  const ca = readPem('client_ca');
  for (const [name, inline, named] of [
    ['cert', raw.cert, raw.cert_file],
    ['key', raw.key, raw.key_file],
  ] as const) {
    if (!inline && !named)
      problems.push({ file, path: path(`${name}_file`), rule: `is missing (or ${name})` });
  }
  // An empty CA would not mean "nobody": the TLS library would fall back to the public authorities.
  if (ca !== undefined && !/-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/.test(ca)) {
    const key = raw.client_ca_file ? 'client_ca_file' : 'client_ca';
    problems.push({ file, path: path(key), rule: 'must hold a certificate (PEM)' });
  }
  const clientAuth = clientAuthOf(raw.client_auth_type);
  if (ca !== undefined && clientAuth === 'NoClientCert') {
    problems.push({
      file,
      path: path('client_auth_type'),
      rule: 'must ask for certificates where a client CA is given',
    });
  }
  const verifies = clientAuth === 'VerifyClientCertIfGiven' || clientAuth === 'RequireAndVerifyClientCert';
  if (verifies && !raw.client_ca && !raw.client_ca_file) {
    problems.push({
      file,
      path: path('client_ca_file'),
      rule: `is missing (client_auth_type is ${clientAuth})`,
    });
  }
  const allowedSans = raw.client_allowed_sans ?? undefined;
  const requires = clientAuth === 'RequireAnyClientCert' || clientAuth === 'RequireAndVerifyClientCert';
  if (allowedSans !== undefined && !requires) {
    const rule = 'needs client_auth_type RequireAnyClientCert or RequireAndVerifyClientCert';
    problems.push({ file, path: path('client_allowed_sans'), rule });
  }
  const minVersion = TLS_VERSIONS[raw.min_version ?? 'TLS12'] ?? 'TLSv1.2';
  const maxVersion = TLS_VERSIONS[raw.max_version ?? 'TLS13'] ?? 'TLSv1.3';
  if (minVersion > maxVersion) {
    problems.push({
      file,
      path: path('min_version'),
      rule: 'must not be newer than max_version',
      value: raw.min_version,
    });
  }
  if (problems.length > before || cert === undefined || key === undefined) return undefined;
  const context: SecureContextOptions = {
    cert,
    key,
    ...(ca === undefined ? {} : { ca }),
    minVersion,
    maxVersion,
    honorCipherOrder: raw.prefer_server_cipher_suites !== false,
    ...(raw.cipher_suites?.length ? { ciphers: opensslCiphers(raw.cipher_suites) } : {}),
    ...(raw.curve_preferences?.length
      ? { ecdhCurve: raw.curve_preferences.map((name) => CURVES[name] ?? name).join(':') }
      : {}),
  };
  try {
    createSecureContext(context);
  } catch (error) {
    const rule = `certificate, key and CA cannot be used together: ${reasonOf(error)}`;
    problems.push({ file, path: 'tls_server_config', rule });
    return undefined;
  }
  return { context, clientAuth, ...(allowedSans === undefined ? {} : { allowedSans }) };
}

function clientAuthOf(word: string | null | undefined): ClientAuthType {
  if (word === 'RequireClientCert') return 'RequireAnyClientCert';
  return CLIENT_AUTH_TYPES.find((name) => name === word) ?? 'NoClientCert';
}

function readHeaders(file: string, raw: Record<string, string>, problems: Problem[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const [name, value] of Object.entries(raw)) {
    const path = `http_server_config.headers.${name}`;
    if (!Object.hasOwn(HEADER_VALUES, name)) {
      const rule = `is not a header that can be set (only ${Object.keys(HEADER_VALUES).join(', ')})`;
      problems.push({ file, path, rule });
      continue;
    }
    const allowed = HEADER_VALUES[name];
    if (allowed !== undefined && !allowed.includes(value)) {
      problems.push({ file, path, rule: `must be ${allowed.join(' or ')}`, value });
    } else if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
      problems.push({ file, path, rule: 'must be one line of printable characters', value });
    } else if (value !== '') {
      headers.set(name, value);
    }
  }
  return headers;
}

function readUsers(file: string, raw: Record<string, string>, problems: Problem[]): Map<string, string> {
  for (const [user, hash] of Object.entries(raw)) {
    const path = `basic_auth_users.${user}`;
    if (!BCRYPT_HASH.test(hash)) problems.push({ file, path, rule: 'must be a bcrypt hash ($2y$10$…)' });
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
  file: string,
  raw: { interval?: string | number | null | undefined; burst?: number | null | undefined } | undefined,
  problems: Problem[],
): WebConfig['rateLimit'] {
  const interval = String(raw?.interval ?? '0');
  if (!/^(0|((\d+(\.\d+)?)(ns|us|µs|ms|s|m|h))+)$/.test(interval)) {
    problems.push({
      file,
      path: 'rate_limit.interval',
      rule: 'must be a duration such as 100ms',
      value: raw?.interval,
    });
    return undefined;
  }
  let seconds = 0;
  for (const [, number, unit] of interval.matchAll(/([\d.]+)(ns|us|µs|ms|s|m|h)/g)) {
    seconds += Number(number) * (UNIT_SECONDS[unit ?? 's'] ?? 1);
  }
  return seconds > 0 ? { perSecond: 1 / seconds, burst: raw?.burst ?? 0 } : undefined;
}

/** What went wrong, without the stack and without Node's prefix. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a directory';
  return error.message;
}
