/** Targets that stand in files of their own: finds, reads and checks them, and keeps what a broken file held before. */
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { defined } from '../defined.js';
import { AddressError, parseHostPort } from './listen-address.js';
import type { Config, TargetConfig, TargetFilesConfig } from './config.js';
import { checkConfig, showPath } from './load.js';
import { ConfigError, type Problem } from './problem.js';
import type { Path } from './rules.js';
import { DEFAULT_SEARCH, locateSchema, searchSchema } from './schema.js';
import { fileError, type Mapping, mappingOf, parseTexts, parseYaml, readText, valueAt } from './yaml.js';

/** A file that could not be used as it is now. */
export interface BrokenFile {
  readonly file: string;
  readonly problems: readonly Problem[];
}

/** What the target files gave. */
export interface TargetFilesResult {
  /** The configuration with the files' targets after its own. */
  readonly config: Config;
  /** Every file that was looked at. */
  readonly files: readonly string[];
  readonly broken: readonly BrokenFile[];
}

/** Reads the target files of a configuration, again and again. */
export class TargetFiles {
  readonly #lastGood = new Map<string, readonly TargetConfig[]>();

  /** Reads every file now; a broken one gives what it held before, as far as that still fits the others. */
  read(config: Config): TargetFilesResult {
    const { target_files: wanted } = config;
    if (wanted === undefined) {
      this.#lastGood.clear();
      return { config, files: [], broken: [] };
    }
    const files = wanted.patterns.flatMap(filesOf);
    const sorted = [...new Set(files)].sort();
    for (const file of this.#lastGood.keys()) if (!sorted.includes(file)) this.#lastGood.delete(file);

    const union = new Union(config.targets);
    const broken: BrokenFile[] = [];
    for (const file of sorted) {
      try {
        const targets = readTargetFile(file, wanted);
        const problems = union.problemsOf(targets, file);
        if (problems.length > 0) throw new ConfigError(problems);
        union.add(targets, file);
        this.#lastGood.set(file, targets);
      } catch (error) {
        if (!(error instanceof ConfigError)) throw error;
        broken.push({ file, problems: error.problems });
        const before = this.#lastGood.get(file) ?? [];
        union.add(
          before.filter((target) => union.problemsOf([target], file).length === 0),
          file,
        );
      }
    }
    return { config: { ...config, targets: union.targets }, files: sorted, broken };
  }
}

/** A text that changes whenever a target file may have changed, appeared or vanished. */
export function signatureOf({ patterns }: Pick<TargetFilesConfig, 'patterns'>): string {
  return patterns
    .flatMap(filesOf)
    .map((file) => {
      try {
        const { mtimeMs, size, ino } = statSync(file);
        return `${file} ${mtimeMs} ${size} ${ino}`;
      } catch (error) {
        return `${file} ${fileError(error)}`;
      }
    })
    .join('\n');
}

/** The folders in which target files may appear. */
export function foldersOf({ patterns }: Pick<TargetFilesConfig, 'patterns'>): string[] {
  return [...new Set(patterns.map((pattern) => dirname(pattern)))];
}

/** The files of a pattern; a path without wildcards stands for itself, whether it exists or not. */
function filesOf(pattern: string): string[] {
  const name = basename(pattern);
  if (!/[*?]/.test(name)) return [pattern];
  const source = name
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const matches = new RegExp(`^${source}$`, 'su');
  try {
    // As in a shell, a wildcard does not find hidden files: editors put half-written ones there.
    return readdirSync(dirname(pattern))
      .filter((each) => matches.test(each) && (name.startsWith('.') || !each.startsWith('.')))
      .map((each) => join(dirname(pattern), each));
  } catch {
    return [];
  }
}

const USUAL_SEARCH: Readonly<Record<string, unknown>> = searchSchema.encode(DEFAULT_SEARCH);

/** One file's targets. @throws ConfigError with every problem */
function readTargetFile(file: string, { search, locate }: TargetFilesConfig): readonly TargetConfig[] {
  const source = readText(file);
  const raw = parseYaml(source, file);
  const { list, at, defaults } = contentOf(raw, file);
  const readLabels = labelReader(source);
  const inherited = readLabels(defaults, ['labels']);
  const entries = list.flatMap((entry: unknown, index) =>
    expand(entry, [...at, index], file).map((each): Entry => {
      const own = mappingOf(each.target)['labels'];
      if (!isMapping(each.target) || (own !== undefined && !isMapping(own))) return each;
      const labels = { ...mappingOf(inherited), ...mappingOf(readLabels(own, [...each.labels, 'labels'])) };
      return { ...each, target: { ...each.target, labels } };
    }),
  );
  if (entries.length === 0) return [];
  const place = (path: Path): string => {
    const [first, index, ...rest] = path;
    const entry = first === 'targets' && typeof index === 'number' ? entries[index] : undefined;
    if (entry === undefined) return showPath(path);
    if (rest[0] !== 'labels') return showPath([...entry.path, ...rest]);
    const isOwn = valueAt(raw, [...entry.labels, ...rest]) !== undefined;
    return showPath(isOwn ? [...entry.labels, ...rest] : rest);
  };
  // What the configuration file leaves to the defaults is another one for some protocols.
  const said = Object.entries(searchSchema.encode(search)).filter(
    ([key, value]) => value !== USUAL_SEARCH[key],
  );
  const whole = {
    search: Object.fromEntries(said),
    locate: locate === 'off' ? locate : locateSchema.encode(locate),
    targets: entries.map(({ target }) => target),
  };
  return checkConfig(whole, file, place, 'differ').targets;
}

/** A file is a list of entries, or such a list under `targets` with `labels` for all of them. */
function contentOf(
  raw: unknown,
  file: string,
): { readonly list: readonly unknown[]; readonly at: Path; readonly defaults?: unknown } {
  if (Array.isArray(raw)) return { list: raw, at: [] };
  const { targets, labels, ...unknown } = mappingOf(raw);
  const problems: Problem[] = Object.keys(unknown).map((path) => ({
    file,
    path,
    rule: 'unknown key (a file has targets and labels)',
  }));
  if (!Array.isArray(targets))
    problems.push({ file, rule: 'must be a list of targets, or have such a list under targets' });
  if (labels !== undefined && !isMapping(labels))
    problems.push({ file, path: 'labels', rule: 'must be a mapping of label names to texts' });
  if (problems.length > 0) throw new ConfigError(problems);
  return { list: targets as readonly unknown[], at: ['targets'], defaults: labels };
}

/**
 * Reads labels as Prometheus does: numbers and booleans are the texts that stand in the file, and those that only
 * relabelling sees are left out.
 */
function labelReader(source: string): (labels: unknown, at: Path) => unknown {
  let texts: unknown;
  return (labels, at) => {
    if (!isMapping(labels)) return labels;
    const shown = Object.entries(labels).filter(([name]) => !name.startsWith('__meta_'));
    return Object.fromEntries(
      shown.map(([name, value]) => {
        if (!['number', 'bigint', 'boolean'].includes(typeof value)) return [name, value];
        texts ??= parseTexts(source);
        return [name, valueAt(texts, [...at, name])];
      }),
    );
  };
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A target as the configuration file would have it, and where it and its labels stand in the file. */
interface Entry {
  readonly target: unknown;
  readonly path: Path;
  readonly labels: Path;
}

/** A target stands for itself, a group of Prometheus' file-based discovery for each of its addresses. */
function expand(entry: unknown, at: Path, file: string): Entry[] {
  const itself: Entry = { target: entry, path: at, labels: at };
  if (!isMapping(entry) || !('targets' in entry)) return [itself];
  const { targets, labels, ...unknown } = entry;
  const problems: Problem[] = Object.keys(unknown).map((key) => ({
    file,
    path: showPath([...at, key]),
    rule: 'unknown key (a group has targets and labels)',
  }));
  if (!Array.isArray(targets)) {
    throw new ConfigError([
      ...problems,
      { file, path: showPath([...at, 'targets']), rule: 'must be a list of texts' },
    ]);
  }
  const entries = targets.flatMap((address: unknown, inner): Entry[] => {
    const path = [...at, 'targets', inner];
    try {
      if (typeof address !== 'string') throw new AddressError('must be a text', String(address));
      const { host, port } = parseHostPort(address);
      const target = { name: address, host, ...defined({ port, labels }) };
      return [{ target, path, labels: at }];
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      problems.push({ file, path: showPath(path), rule: error.message });
      return [];
    }
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return entries;
}

/** The targets of all files so far; the rules between targets hold over all of them. */
class Union {
  readonly targets: TargetConfig[] = [];
  readonly #owners = new Map<string, string>();

  constructor(targets: readonly TargetConfig[]) {
    this.add(targets, 'the configuration file');
  }

  add(targets: readonly TargetConfig[], file: string): void {
    for (const target of targets) {
      this.targets.push(target);
      this.#owners.set(target.name, file);
    }
  }

  problemsOf(targets: readonly TargetConfig[], file: string): Problem[] {
    const problems: Problem[] = [];
    for (const target of targets) {
      const owner = this.#owners.get(target.name);
      if (owner !== undefined) {
        const rule = `the target's name must be unique, ${owner} has it too`;
        problems.push({ file, rule, value: target.name });
      }
    }
    return problems;
  }
}
