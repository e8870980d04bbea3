/** Targets that stand in files of their own: finds, reads and checks them, and keeps what a broken file held before. */
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { defined } from '../defined.js';
import { AddressError, parseHostPort } from './listen-address.js';
import type { Config, TargetConfig, TargetFilesConfig } from './config.js';
import { checkConfig, showPath } from './load.js';
import { ConfigError, type Problem } from './problem.js';
import type { Path } from './rules.js';
import { searchSchema } from './schema.js';
import { fileError, parseYaml, readText } from './yaml.js';

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
export function signatureOf({ patterns }: TargetFilesConfig): string {
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
export function foldersOf({ patterns }: TargetFilesConfig): string[] {
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

/** One file's targets. @throws ConfigError with every problem */
function readTargetFile(file: string, { search }: TargetFilesConfig): readonly TargetConfig[] {
  const raw = parseYaml(readText(file), file);
  if (!Array.isArray(raw)) throw new ConfigError([{ file, rule: 'must be a list of targets' }]);
  const entries = raw.flatMap((entry: unknown, index) => expand(entry, index, file));
  if (entries.length === 0) return [];
  const place = (path: Path): string => {
    const [first, index, ...rest] = path;
    const entry = first === 'targets' && typeof index === 'number' ? entries[index] : undefined;
    if (entry === undefined) return showPath(path);
    return showPath([...(rest[0] === 'labels' ? entry.labels : entry.path), ...rest]);
  };
  const whole = { search: searchSchema.encode(search), targets: entries.map(({ target }) => target) };
  return checkConfig(whole, file, place).targets;
}

/** A target as the configuration file would have it, and where it and its labels stand in the file. */
interface Entry {
  readonly target: unknown;
  readonly path: Path;
  readonly labels: Path;
}

/** A target stands for itself, a group of Prometheus' file-based discovery for each of its addresses. */
function expand(entry: unknown, index: number, file: string): Entry[] {
  const itself: Entry = { target: entry, path: [index], labels: [index] };
  if (typeof entry !== 'object' || entry === null || !('targets' in entry)) return [itself];
  const { targets, labels, ...unknown } = entry as Readonly<Record<string, unknown>>;
  const problems: Problem[] = Object.keys(unknown).map((key) => ({
    file,
    path: `[${index}].${key}`,
    rule: 'unknown key (a group has targets and labels)',
  }));
  if (!Array.isArray(targets)) {
    throw new ConfigError([
      ...problems,
      { file, path: `[${index}].targets`, rule: 'must be a list of texts' },
    ]);
  }
  const entries = targets.flatMap((address: unknown, inner): Entry[] => {
    const path = [index, 'targets', inner];
    try {
      if (typeof address !== 'string') throw new AddressError('must be a text', String(address));
      const { host, port } = parseHostPort(address);
      const target = { name: address, host, ...defined({ port, labels }) };
      return [{ target, path, labels: [index] }];
    } catch (error) {
      if (!(error instanceof AddressError)) throw error;
      problems.push({ file, path: `[${index}].targets[${inner}]`, rule: error.message });
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
  #labelNames: string | undefined;

  constructor(targets: readonly TargetConfig[]) {
    this.add(targets, 'the configuration file');
  }

  add(targets: readonly TargetConfig[], file: string): void {
    for (const target of targets) {
      this.targets.push(target);
      this.#owners.set(target.name, file);
      this.#labelNames ??= labelNamesOf(target);
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
    const [first] = targets;
    if (first !== undefined && this.#labelNames !== undefined && labelNamesOf(first) !== this.#labelNames) {
      const rule = `must have the same label names as the other targets [${this.#labelNames}]`;
      problems.push({ file, rule, value: Object.keys(first.labels).sort() });
    }
    return problems;
  }
}

function labelNamesOf({ labels }: TargetConfig): string {
  return Object.keys(labels).sort().join(', ');
}
