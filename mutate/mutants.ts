/** The mutants of source texts, as Stryker's instrumenter lists them, and the texts with one of them in it. */
import { Instrumenter } from '@stryker-mutator/instrumenter';
import ts from 'typescript';
import type { ByHand } from './by-hand.js';

/** One change of one place. */
export interface Mutant {
  /** Relative to the repository. */
  readonly file: string;
  /** What kind of change, by Stryker's name. */
  readonly mutator: string;
  /** Where the changed text begins and ends, characters from the start of the file. */
  readonly from: number;
  readonly to: number;
  /** From 1. */
  readonly line: number;
  readonly replacement: string;
}

/** A file by its path relative to the repository. */
export interface Source {
  readonly file: string;
  readonly text: string;
}

export interface Instrumented {
  /** By the number under which the instrumented texts count that they are reached. */
  readonly mutants: ReadonlyMap<string, Mutant>;
  readonly sources: readonly Source[];
}

const silent = new Proxy(
  {},
  { get: (_, name) => (name.toString().startsWith('is') ? () => false : () => undefined) },
);

/** All mutants of these files, and their texts as they tell which places a test reaches. */
export async function instrument(sources: readonly Source[]): Promise<Instrumented> {
  const { mutants, files } = await new Instrumenter(silent as never).instrument(
    sources.map(({ file, text }) => ({ name: file, mutate: true, content: text })),
    { plugins: null, excludedMutations: [], ignorers: [] },
  );
  const trees = new Map(
    sources.map(({ file, text }) => [file, ts.createSourceFile(file, text, ts.ScriptTarget.Latest)]),
  );
  const found = mutants.flatMap((mutant): [string, Mutant][] => {
    const { fileName: file, location, mutatorName: mutator, replacement } = mutant;
    const tree = trees.get(file);
    if (tree === undefined) return [];
    const from = tree.getPositionOfLineAndCharacter(location.start.line, location.start.column);
    const to = tree.getPositionOfLineAndCharacter(location.end.line, location.end.column);
    return [[mutant.id, { file, mutator, from, to, line: location.start.line + 1, replacement }]];
  });
  return {
    mutants: new Map(found),
    sources: files.map(({ name, content }) => ({ file: name, text: content })),
  };
}

/**
 * A change that was chosen by hand.
 * @throws when what it replaces does not stand in the text once
 */
export function replaced(text: string, { does, file, find, put }: ByHand): Mutant {
  const from = text.indexOf(find);
  if (from === -1 || text.includes(find, from + 1))
    throw new Error(`${file} does not have once what is replaced so that ${does}`);
  const line = text.slice(0, from).split('\n').length;
  return { file, mutator: does, from, to: from + find.length, line, replacement: put };
}

/**
 * The mutant as it fits into its text: inside an expression it must stay one operand, while statements and keys take
 * no parentheses. Undefined where the text would be no program.
 */
export function fitted(text: string, mutant: Mutant): Mutant | undefined {
  return [{ ...mutant, replacement: `(${mutant.replacement})` }, mutant].find(({ replacement }) =>
    isProgram(mutant.file, mutate(text, { ...mutant, replacement })),
  );
}

/** The text with the mutant in it. */
export function mutate(text: string, { from, to, replacement }: Mutant): string {
  return text.slice(0, from) + replacement + text.slice(to);
}

function isProgram(fileName: string, text: string): boolean {
  const { diagnostics = [] } = ts.transpileModule(text, { fileName, reportDiagnostics: true });
  return diagnostics.length === 0;
}
