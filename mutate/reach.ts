/** Which mutants each unit test file reaches: from one run over instrumented sources, kept until the test file changes. */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Copy } from './copy.js';
import type { Instrumented, Mutant } from './mutants.js';
import { Tests } from './tests.js';
import type { TestFile } from './vitest-process-messages.js';

/** What one test file did. */
interface Reach {
  /** Of the test file's text. */
  readonly hash: string;
  readonly seconds: number;
  /** Indices of names. */
  readonly reached: readonly number[];
}

interface Kept {
  /** Names of mutants, see `namesOf`. */
  readonly names: string[];
  readonly files: Record<string, Reach>;
}

/** A test file that reaches a mutant, and how long it takes without any, seconds. */
export type Reaching = Required<TestFile>;

/**
 * Of each mutant the test files that reach it. Where its place has changed since that was found out, those that reach
 * anything of its file.
 * @param memory where what was found is kept
 */
export async function reach(
  copy: Copy,
  { mutants, sources }: Instrumented,
  memory: string,
): Promise<ReadonlyMap<string, readonly Reaching[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'mutate-reach-'));
  const tests = new Tests(copy.root, 0, 'mutate/reach-setup.ts', { MUTATE_REACH: folder });
  const plain = sources.map(({ file }) => ({ file, text: copy.read(file) }));
  const names = namesOf(mutants, (file) => copy.read(file));
  try {
    const files = (await tests.files()).filter(({ project }) => project === 'unit');
    const kept = remembered(memory);
    const hashes = new Map(files.map(({ file }) => [file, hashOf(copy.read(file))]));
    const stale = files.filter(({ file }) => kept.files[file]?.hash !== hashes.get(file));
    if (stale.length > 0) {
      console.log(`finding out what ${stale.length} test files reach`);
      for (const source of sources) copy.write(source);
      const answer = await tests.run({ tests: stale, changed: [] });
      if (answer === undefined) throw new Error('the tests came to no end');
      const indices = new Map(kept.names.map((name, index) => [name, index]));
      const reached = readReached(folder, copy.root);
      for (const { file } of stale)
        kept.files[file] = {
          hash: hashes.get(file) ?? '',
          seconds: answer.seconds[file] ?? 0,
          reached: (reached.get(file) ?? []).map((id) => {
            const name = names.get(id) ?? id;
            if (!indices.has(name)) indices.set(name, kept.names.push(name) - 1);
            return indices.get(name) ?? 0;
          }),
        };
      mkdirSync(dirname(memory), { recursive: true });
      writeFileSync(memory, JSON.stringify(kept));
    }
    return assigned(mutants, names, files, kept);
  } finally {
    for (const source of plain) copy.write(source);
    await tests.close();
    rmSync(folder, { recursive: true });
  }
}

/** What a mutant is called for as long as its place is as it is: file, kind, text, replacement, and which of the same. */
export function namesOf(
  mutants: ReadonlyMap<string, Mutant>,
  read: (file: string) => string,
): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  const same = new Map<string, number>();
  const names = new Map<string, string>();
  for (const [id, { file, mutator, from, to, replacement }] of mutants) {
    const text = texts.get(file) ?? read(file);
    texts.set(file, text);
    const what = `${file} ${mutator} ${hashOf(`${text.slice(from, to)}\n${replacement}`).slice(0, 12)}`;
    const count = same.get(what) ?? 0;
    same.set(what, count + 1);
    names.set(id, `${what} ${count}`);
  }
  return names;
}

function assigned(
  mutants: ReadonlyMap<string, Mutant>,
  names: ReadonlyMap<string, string>,
  files: readonly TestFile[],
  kept: Kept,
): ReadonlyMap<string, readonly Reaching[]> {
  const byName = new Map<string, Reaching[]>();
  const bySource = new Map<string, Map<string, Reaching>>();
  for (const { project, file } of files) {
    const { reached = [], seconds = 0 } = kept.files[file] ?? {};
    const test = { project, file, seconds };
    for (const index of reached) {
      const name = kept.names[index] ?? '';
      byName.set(name, [...(byName.get(name) ?? []), test]);
      const [source = ''] = name.split(' ');
      bySource.set(source, (bySource.get(source) ?? new Map<string, Reaching>()).set(file, test));
    }
  }
  const known = new Set(kept.names);
  return new Map(
    [...mutants].map(([id, { file }]) => {
      const name = names.get(id) ?? '';
      const any = known.has(name) ? [] : [...(bySource.get(file)?.values() ?? [])];
      return [id, byName.get(name) ?? any];
    }),
  );
}

function remembered(memory: string): Kept {
  return existsSync(memory) ? (JSON.parse(readFileSync(memory, 'utf8')) as Kept) : { names: [], files: {} };
}

function readReached(folder: string, root: string): Map<string, readonly string[]> {
  return new Map(
    readdirSync(folder).map((name) => {
      const { testPath, reached } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
        testPath: string;
        reached: string[];
      };
      return [testPath.replace(`${root}/`, ''), reached];
    }),
  );
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
