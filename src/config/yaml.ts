/** A file in YAML as plain mappings, lists and values. */
import { FAILSAFE_SCHEMA, load, YAMLException } from 'js-yaml';
import { FILE_LIMITS, readRegularFile, readStandardInput, STANDARD_INPUT, whyUnreadable } from '../files.js';
import { ConfigError, type Problem } from './problem.js';

/** A mapping whose keys nobody has checked. */
export type Mapping = Readonly<Record<PropertyKey, unknown>>;

/** The value as a mapping; anything else has its own problem already and reads as an empty one. */
export function mappingOf(value: unknown): Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};
}

/** The value at a place of the file. */
export function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const key of path) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Mapping)[key];
  }
  return value;
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

/** The same with every value as the text that stands in the file: `007`, `1.10`. The text has proven to be YAML. */
export function parseTexts(source: string): unknown {
  return load(source, { schema: FAILSAFE_SCHEMA });
}

/** Says why a file cannot be read. */
export function fileError(error: unknown): string {
  return `cannot be read: ${whyUnreadable(error)}`;
}

/**
 * Reads a regular file as text; `/dev/stdin` is whatever comes over standard input.
 * @throws ConfigError when it is unreadable or not text
 */
export function readText(path: string): string {
  try {
    const bytes =
      path === STANDARD_INPUT
        ? readStandardInput(FILE_LIMITS.config)
        : readRegularFile(path, FILE_LIMITS.config);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigError([{ file: path, rule: 'must be UTF-8 text' }]);
    throw new ConfigError([{ file: path, rule: fileError(error) }]);
  }
}
