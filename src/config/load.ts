/** Reads the configuration file: one call, either a complete `Config` or every problem at once. */
import { dirname } from 'node:path';
import type { z } from 'zod';
import { defined } from '../defined.js';
import { type Config, decodeConfig } from './config.js';
import { ConfigError, type Problem } from './problem.js';
import { type LabelNames, type Path, violationsIn, type Violation } from './rules.js';
import { fileSchema } from './schema.js';
import { parseYaml, readText, valueAt } from './yaml.js';

/** Writes a place of the file as people do: `targets[1].search.min_idle`. */
export function showPath(path: Path): string {
  return path
    .map((key, index) => {
      if (typeof key === 'number') return `[${key}]`;
      const name = String(key);
      if (!/^\w+$/.test(name)) return `[${JSON.stringify(name)}]`;
      return index === 0 ? name : `.${name}`;
    })
    .join('');
}

/** Turns an issue of the schema into broken rules. */
function violationsOf(issue: z.core.$ZodIssue, raw: unknown): Violation[] {
  const { path, message } = issue;
  if (issue.code === 'unrecognized_keys') {
    const rules = message.split('\n');
    return issue.keys.map((key, index) => ({ path: [...path, key], rule: rules[index] ?? message }));
  }
  const value = valueAt(raw, path);
  if (value === undefined) return [{ path, rule: 'is missing' }];
  const bare = path.length === 0 || (issue.code === 'custom' && issue.params?.['bare'] === true);
  return [bare ? { path, rule: message } : { path, rule: message, value }];
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

/** The schema for each folder at which relative paths start: made once, for files are read again and again. */
const schemas = new Map<string, ReturnType<typeof fileSchema>>();

function schemaFor(folder: string): ReturnType<typeof fileSchema> {
  const schema = schemas.get(folder) ?? fileSchema(folder);
  schemas.set(folder, schema);
  return schema;
}

/**
 * Makes a configuration of what a YAML parser (or a command line) made: plain mappings, lists and values.
 *
 * @param file the file's name for messages; relative paths start at its folder
 * @param place how messages name a place in `raw`: as it stands in the file unless given
 * @param labelNamesMay whether the targets may carry different label names
 * @throws ConfigError holding every problem
 */
export function checkConfig(
  raw: unknown,
  file: string,
  place = showPath,
  labelNamesMay: LabelNames = 'not differ',
): Config {
  const result = schemaFor(dirname(file)).safeParse(raw);
  const violations = [
    ...violationsIn(raw, labelNamesMay),
    ...(result.error?.issues.flatMap((issue) => violationsOf(issue, raw)) ?? []),
  ];
  const problems = new Map<string, Problem>();
  for (const { path, rule, value } of violations.sort(inFileOrder(raw))) {
    const where = path.length === 0 ? undefined : place(path);
    problems.set(`${where ?? ''}: ${rule}`, { file, rule, ...defined({ path: where, value }) });
  }
  if (problems.size > 0 || !result.success) throw new ConfigError([...problems.values()]);
  return decodeConfig(result.data, raw);
}

/**
 * Reads and checks a configuration file; `/dev/stdin` is whatever comes over standard input.
 * @throws ConfigError holding every problem: unreadable or not text, YAML syntax, schema, rules between keys
 */
export function loadConfig(path: string): Config {
  return checkConfig(parseYaml(readText(path), path), path);
}
