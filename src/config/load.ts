/** Reads the configuration file: one call, either a complete `Config` or every problem at once. */
import { dirname, resolve } from 'node:path';
import { load, YAMLException } from 'js-yaml';
import type { z } from 'zod';
import { FILE_LIMITS, readRegularFile, readStandardInput, STANDARD_INPUT, whyUnreadable } from '../files.js';
import {
  DEFAULT_ANNOUNCE_PATH,
  DEFAULT_ANNOUNCE_SCHEME,
  DEFAULT_ECHO_PORT,
  DEFAULT_EMBEDDED_IDLE_TIMEOUT,
  DEFAULT_MAX_CONNECTIONS,
  DEFAULT_MODES,
  DEFAULT_PORT,
  DEFAULT_QUEUE_SAMPLES,
  DEFAULT_REMOTE_WRITE_INTERVAL,
  DEFAULT_SCHEDULE,
  DEFAULT_SEARCH,
  DEFAULT_SLEEP_PORT,
  MIN_TOKEN_LENGTH,
} from './defaults.js';
import { didYouMean } from './did-you-mean.js';
import { durationIn } from './fields.js';
import { ConfigError, type Problem } from './problem.js';
import { violationsIn, type Violation } from './rules.js';
import {
  configFileSchema,
  keysAt,
  type RemoteWriteFile,
  type SearchFile,
  type TargetFile,
} from './schema.js';
import type { Config, FarEnd, RemoteWriteConfig, SearchConfig, TargetConfig } from './types.js';

/** Says why a file cannot be read. */
export function fileError(error: unknown): string {
  return `cannot be read: ${whyUnreadable(error)}`;
}

/** The key that stands at a place of the text, for the message about a duplicate. */
function keyAt(source: string, line: number, column: number): string {
  const rest = (source.split(/\r?\n/)[line] ?? '').slice(column);
  return /^[^:#,{}[\]]+/.exec(rest)?.[0].trim() ?? '';
}

/** Turns what the YAML parser says into a problem with line and column. */
function syntaxProblem(error: YAMLException, source: string, file: string): Problem {
  const { mark } = error;
  if (mark === undefined) {
    const rule = error.reason.includes('input is empty') ? 'is empty' : `invalid YAML: ${error.reason}`;
    return { file, rule };
  }
  const path = `line ${mark.line + 1}, column ${mark.column + 1}`;
  if (error.reason === 'duplicated mapping key') {
    return { file, path, rule: `duplicate key ${keyAt(source, mark.line, mark.column)}` };
  }
  return { file, path, rule: `invalid YAML: ${error.reason}` };
}

/** Writes a place of the file as people do: `targets[1].search.min_idle`. */
function showPath(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => {
      if (typeof key === 'number') return `[${key}]`;
      const name = String(key);
      if (!/^\w+$/.test(name)) return `[${JSON.stringify(name)}]`;
      return index === 0 ? name : `.${name}`;
    })
    .join('');
}

/** The value at a place of the file. */
function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Readonly<Record<PropertyKey, unknown>>)[key];
  }
  return value;
}

/** Turns an issue of the schema into broken rules. */
function violationsOf(issue: z.core.$ZodIssue, raw: unknown): Violation[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const meant = didYouMean(key, keysAt(path));
      return {
        path: [...path, key],
        rule: meant === undefined ? 'unknown key' : `unknown key, did you mean ${meant}?`,
      };
    });
  }
  const value = valueAt(raw, path);
  if (value === undefined) return [{ path, rule: 'is missing' }];
  if (path.length === 0 || (issue.code === 'custom' && issue.params?.['bare'] === true)) {
    return [{ path, rule: issue.message }];
  }
  return [{ path, rule: issue.message, value }];
}

/** Sorts places as they come in the file; what is missing there comes last in its mapping. */
function inFileOrder(raw: unknown): (a: Violation, b: Violation) => number {
  return ({ path: a }, { path: b }) => {
    for (let depth = 0; depth < Math.min(a.length, b.length); depth++) {
      const [x, y] = [a[depth], b[depth]];
      if (x === y) continue;
      const node = valueAt(raw, a.slice(0, depth));
      const keys = typeof node === 'object' && node !== null ? Object.keys(node) : [];
      const rank = (key: PropertyKey | undefined): number => {
        const index = keys.indexOf(String(key));
        return index === -1 ? keys.length : index;
      };
      return rank(x) - rank(y);
    }
    return a.length - b.length;
  };
}

/** Files of secrets and certificates, by their place under `remote_write`. */
const REMOTE_WRITE_FILES = [
  ['basic_auth', 'password_file'],
  ['bearer_token_file'],
  ['tls_config', 'ca_file'],
];

/** Token, password and certificate files must be there and hold something. */
function fileViolations(raw: unknown, folder: string): Violation[] {
  const targets = valueAt(raw, ['targets']);
  const places: (readonly PropertyKey[])[] = [
    ...(Array.isArray(targets) ? targets : []).map((_, index) => ['targets', index, 'token_file']),
    ...REMOTE_WRITE_FILES.map((keys) => ['remote_write', ...keys]),
  ];
  return places.flatMap((path): Violation[] => {
    const value = valueAt(raw, path);
    if (typeof value !== 'string' || value === '') return [];
    try {
      const limit = path.at(-1) === 'ca_file' ? FILE_LIMITS.certificate : FILE_LIMITS.secret;
      const text = readRegularFile(resolve(folder, value), limit).toString('utf8');
      if (text.trim() === '') return [{ path, rule: 'must not name an empty file', value }];
      // Only our own token has a least length; a receiver's password is its owner's affair.
      if (path[0] !== 'targets' || text.replace(/\r?\n$/, '').length >= MIN_TOKEN_LENGTH) return [];
      const rule = `must name a file with a token of at least ${MIN_TOKEN_LENGTH} characters`;
      return [{ path, rule, value }];
    } catch (error) {
      return [{ path, rule: fileError(error), value }];
    }
  });
}

/** The settings of one search: the defaults, then each layer over the ones before. */
function searchConfig(layers: readonly (SearchFile | undefined)[]): SearchConfig {
  const settled: { -readonly [Key in keyof SearchConfig]: SearchConfig[Key] } = { ...DEFAULT_SEARCH };
  for (const layer of layers) {
    settled.min_idle = durationIn(layer?.min_idle) ?? settled.min_idle;
    settled.max_idle = durationIn(layer?.max_idle) ?? settled.max_idle;
    settled.resolution = durationIn(layer?.resolution) ?? settled.resolution;
    settled.connections = layer?.connections ?? settled.connections;
    settled.deadline = durationIn(layer?.deadline) ?? settled.deadline;
    settled.guard = durationIn(layer?.guard) ?? settled.guard;
  }
  return settled;
}

/** Where a target's far end is. */
function farEnd(target: TargetFile): FarEnd {
  if (target.embedded !== undefined) {
    const idle_timeout = durationIn(target.embedded.idle_timeout) ?? DEFAULT_EMBEDDED_IDLE_TIMEOUT;
    return { kind: 'embedded', idle_timeout };
  }
  const host = target.host ?? '';
  if (target.protocol === 'nat-tcp-test') {
    const { echo_port = DEFAULT_ECHO_PORT, sleep_port = DEFAULT_SLEEP_PORT } = target;
    return { kind: 'nat-tcp-test', host, echo_port, sleep_port };
  }
  return { kind: 'native', host, port: target.port ?? DEFAULT_PORT };
}

/** A target with every default filled in. */
function targetConfig(target: TargetFile, top: SearchFile | undefined, folder: string): TargetConfig {
  const { announce, local_address, token_file } = target;
  return {
    name: target.name,
    far_end: farEnd(target),
    modes: target.modes ?? DEFAULT_MODES,
    family: target.family ?? 'any',
    ...(local_address === undefined ? {} : { local_address }),
    ...(token_file === undefined ? {} : { token_file: resolve(folder, token_file) }),
    ...(announce === undefined
      ? {}
      : {
          announce: {
            address: announce.address,
            scheme: announce.scheme ?? DEFAULT_ANNOUNCE_SCHEME,
            metrics_path: announce.metrics_path ?? DEFAULT_ANNOUNCE_PATH,
            labels: { ...(announce.labels as Record<string, string> | undefined) },
          },
        }),
    labels: { ...(target.labels as Record<string, string> | undefined) },
    search: searchConfig([top, target.search]),
  };
}

/** The `remote_write` section with every default filled in. */
function remoteWriteConfig(remote: RemoteWriteFile, folder: string): RemoteWriteConfig {
  const { basic_auth, bearer_token_file, tls_config } = remote;
  const ca = tls_config?.ca_file;
  return {
    url: remote.url,
    ...(basic_auth === undefined
      ? {}
      : {
          basic_auth: {
            username: basic_auth.username,
            password_file: resolve(folder, basic_auth.password_file),
          },
        }),
    ...(bearer_token_file === undefined ? {} : { bearer_token_file: resolve(folder, bearer_token_file) }),
    ...(ca === undefined ? {} : { tls_config: { ca_file: resolve(folder, ca) } }),
    interval: durationIn(remote.interval) ?? DEFAULT_REMOTE_WRITE_INTERVAL,
    external_labels: { ...(remote.external_labels as Record<string, string> | undefined) },
    queue_samples: remote.queue_samples ?? DEFAULT_QUEUE_SAMPLES,
  };
}

/**
 * Makes a configuration of what a YAML parser (or a command line) made: plain mappings, lists and values.
 *
 * @param file the file's name for messages; relative paths of secrets start at its folder
 * @param place from a place in `raw` to the place that messages name, where the file looks otherwise
 * @throws ConfigError holding every problem
 */
export function checkConfig(
  raw: unknown,
  file: string,
  place: (path: readonly PropertyKey[]) => readonly PropertyKey[] = (path) => path,
): Config {
  const result = configFileSchema.safeParse(raw);
  const violations = [
    ...(result.success ? [] : result.error.issues.flatMap((issue) => violationsOf(issue, raw))),
    ...violationsIn(raw),
    ...fileViolations(raw, dirname(file)),
  ];
  const problems = new Map<string, Problem>();
  for (const { path, rule, value } of violations.sort(inFileOrder(raw))) {
    const problem: Problem = {
      file,
      rule,
      ...(path.length === 0 ? {} : { path: showPath(place(path)) }),
      ...(value === undefined ? {} : { value }),
    };
    problems.set(`${problem.path ?? ''}: ${rule}`, problem);
  }
  if (problems.size > 0 || !result.success) throw new ConfigError([...problems.values()]);

  const {
    schedule,
    state_dir,
    max_connections,
    search,
    target_files,
    targets = [],
    remote_write,
  } = result.data;
  const folder = dirname(file);
  return {
    schedule: schedule ?? DEFAULT_SCHEDULE,
    ...(state_dir === undefined ? {} : { state_dir }),
    max_connections: max_connections ?? DEFAULT_MAX_CONNECTIONS,
    ...(target_files === undefined
      ? {}
      : {
          target_files: {
            patterns: target_files.map((pattern) => resolve(folder, pattern)),
            search: searchConfig([search]),
          },
        }),
    targets: targets.map((target) => targetConfig(target, search, folder)),
    ...(remote_write === undefined ? {} : { remote_write: remoteWriteConfig(remote_write, folder) }),
  };
}

/**
 * Makes plain mappings, lists and values of the text of a file.
 * @throws ConfigError when it is not YAML (JSON is), or empty
 */
export function parseYaml(source: string, file: string): unknown {
  let raw: unknown;
  try {
    raw = load(source, { filename: file });
  } catch (error) {
    if (error instanceof YAMLException) throw new ConfigError([syntaxProblem(error, source, file)]);
    throw error;
  }
  if (raw === null) throw new ConfigError([{ file, rule: 'is empty' }]);
  return raw;
}

/**
 * Makes a configuration of the text of a file.
 *
 * @param file the file's name for messages; relative paths of secrets start at its folder
 * @throws ConfigError holding every problem
 */
export function parseConfig(source: string, file: string): Config {
  return checkConfig(parseYaml(source, file), file);
}

/** Reads a regular file as text. @throws ConfigError when it is unreadable or not text */
export function readText(path: string): string {
  return textOf(path, () => readRegularFile(path, FILE_LIMITS.config));
}

function textOf(path: string, read: () => Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(read());
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigError([{ file: path, rule: 'must be UTF-8 text' }]);
    throw new ConfigError([{ file: path, rule: fileError(error) }]);
  }
}

/**
 * Reads and checks a configuration file; `/dev/stdin` is whatever comes over standard input.
 * @throws ConfigError holding every problem: unreadable or not text, YAML syntax, schema, rules between keys
 */
export function loadConfig(path: string): Config {
  const text =
    path === STANDARD_INPUT ? textOf(path, () => readStandardInput(FILE_LIMITS.config)) : readText(path);
  return parseConfig(text, path);
}
