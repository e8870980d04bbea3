/** The mutants of a source text, as Stryker's instrumenter lists them, and the text with one of them in it. */
import { Instrumenter } from '@stryker-mutator/instrumenter';
import ts from 'typescript';

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

const silent = new Proxy(
  {},
  { get: (_, name) => (name.toString().startsWith('is') ? () => false : () => undefined) },
);

/** All mutants of a file. */
export async function mutantsOf(file: string, text: string): Promise<Mutant[]> {
  const { mutants } = await new Instrumenter(silent as never).instrument(
    [{ name: file, mutate: true, content: text }],
    { plugins: null, excludedMutations: [], ignorers: [] },
  );
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  return mutants.map(({ location: { start, end }, mutatorName: mutator, replacement }) => ({
    file,
    mutator,
    from: source.getPositionOfLineAndCharacter(start.line, start.column),
    to: source.getPositionOfLineAndCharacter(end.line, end.column),
    line: start.line + 1,
    replacement,
  }));
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
