import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ESLint } from 'eslint';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

/** The rooms of `src` from the ground up. A room may import itself and the floors below, not its neighbours. */
const FLOORS: readonly (readonly string[])[] = [
  ['units', 'visible', 'defined', 'message'],
  ['core', 'wire', 'files'],
  ['promql', 'config', 'clock', 'backoff', 'log', 'nursery', 'version'],
  ['descriptors', 'net', 'pause', 'history', 'http', 'paper', 'ssh'],
  ['probe'],
  ['engine'],
  ['web', 'report', 'remote-write'],
  ['responder', 'exporter'],
  ['embedded', 'measure', 'audit'],
  ['cli'],
  ['commands'],
  ['main'],
];

const src = fileURLToPath(new URL('../src/', import.meta.url));

/** The room of a file, `core/search/state.ts` and `clock.ts` alike. */
const roomOf = (file: string): string => file.replace(/(\.ts$|\/.*)/, '');

const floorOf = (room: string): number => FLOORS.findIndex((rooms) => rooms.includes(room));

interface Import {
  readonly from: string;
  readonly to: string;
}

/** Every TypeScript file of `src`, relative to it. */
function sourceFiles(): string[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .sort();
}

/** The imports of one file from other files of `src`: static, dynamic, type-only and re-exports. */
function importsOf(file: string, text: string): Import[] {
  return ts
    .preProcessFile(text, true, true)
    .importedFiles.map(({ fileName }) => fileName)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => ({
      from: file,
      to: relative(src, join(src, dirname(file), specifier)).replace(/\.js$/, '.ts'),
    }));
}

/** What is wrong with an import, or undefined when it goes down or stays at home. */
function complaintOf({ from, to }: Import): string | undefined {
  const [room, other] = [roomOf(from), roomOf(to)];
  if (room === other) return undefined;
  return floorOf(other) >= 0 && floorOf(other) < floorOf(room) ? undefined : `${from} imports ${to}`;
}

describe('the rooms', () => {
  const files = sourceFiles();
  const imports = files.flatMap((file) => importsOf(file, readFileSync(join(src, file), 'utf8')));

  test('are inspected at all', () => {
    expect(files.length).toBeGreaterThan(20);
    expect(imports.length).toBeGreaterThan(files.length / 2);
    // Every import leads to a file that was inspected too: nothing was lost on the way.
    expect(imports.filter(({ to }) => !files.includes(to))).toEqual([]);
  });

  test('all have a floor', () => {
    expect([...new Set(files.map(roomOf))].filter((room) => floorOf(room) === -1)).toEqual([]);
  });

  test('import only downwards', () => {
    expect(imports.map(complaintOf).filter((complaint) => complaint !== undefined)).toEqual([]);
  });

  test.each([
    [
      'core/search/state.ts',
      "import { x } from '../../net/link.js';",
      'core/search/state.ts imports net/link.ts',
    ],
    ['core/a.ts', "import type { x } from '../wire/b.js';", 'core/a.ts imports wire/b.ts'],
    ['engine/a.ts', "export * from '../commands/b.js';", 'engine/a.ts imports commands/b.ts'],
    ['net/a.ts', "const x = await import('../main.js');", 'net/a.ts imports main.ts'],
    ['net/a.ts', "import '../attic/b.js';", 'net/a.ts imports attic/b.ts'],
  ])('would be caught: in %s %s', (file, text, complaint) => {
    expect(importsOf(file, text).map(complaintOf)).toEqual([complaint]);
  });

  test('have files of a readable length', () => {
    const long = files.filter((file) => readFileSync(join(src, file), 'utf8').split('\n').length > 450);
    expect(long).toEqual([]);
  });
});

describe('names', () => {
  test('no two files have the same one', () => {
    const files = sourceFiles();
    // A far end has a file in two rooms, and a room and its command may be called the same.
    const isExempt = (file: string): boolean =>
      /(^|\/)index\.ts$|^probe\/far-ends\/|^commands\/(audit|exporter|measure|responder)\.ts$/.test(file);
    const names = files.filter((file) => !isExempt(file)).map((file) => basename(file));
    expect(names.length).toBeGreaterThan(100);
    expect(names.filter((name, index) => names.indexOf(name) < index)).toEqual([]);
    // The exempt ones among themselves.
    const exempt = files
      .filter((file) => isExempt(file) && basename(file) !== 'index.ts')
      .map((file) => basename(file));
    expect(exempt.filter((name, index) => exempt.indexOf(name) < index)).toEqual([]);
  });
});

describe('docs/ARCHITECTURE.md', () => {
  test('has the floors as they are', () => {
    const text = readFileSync(new URL('../docs/ARCHITECTURE.md', import.meta.url), 'utf8');
    const rows = [...text.matchAll(/^\| (\d+) \| (.*?) \|/gm)];
    const written = rows.map(([, , rooms = '']) => rooms.replaceAll('`', '').split(', ').sort());
    expect(rows.map(([, floor]) => Number(floor))).toEqual(FLOORS.map((_rooms, index) => index + 1));
    expect(written).toEqual(FLOORS.map((rooms) => [...rooms].sort()));
  });
});

/** The texts of files by their paths. */
type Files = Readonly<Record<string, string>>;

/** The names of the values that a file exports by itself. */
function valuesOf(file: ts.SourceFile): string[] {
  return file.statements.flatMap((statement) => {
    if (
      ts.isExportDeclaration(statement) &&
      statement.exportClause &&
      ts.isNamedExports(statement.exportClause)
    )
      return statement.isTypeOnly
        ? []
        : statement.exportClause.elements.filter((each) => !each.isTypeOnly).map((each) => each.name.text);
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
    if (!modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.map(({ name }) => name.getText(file));
    if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement))
      return statement.name === undefined ? [] : [statement.name.text];
    return [];
  });
}

/** What a file names of others: `path: name`; of a module that it imports as a whole, every name that it has after a dot. */
function namedIn(path: string, file: ts.SourceFile): string[] {
  const named: string[] = [];
  const whole: string[] = [];
  const members: string[] = [];
  const pathOf = (specifier: ts.Node): string | undefined =>
    ts.isStringLiteral(specifier) && specifier.text.startsWith('.')
      ? join(dirname(path), specifier.text).replace(/\.js$/, '.ts')
      : undefined;
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAccessExpression(node)) members.push(node.name.text);
    if (ts.isBindingElement(node)) members.push((node.propertyName ?? node.name).getText(file));
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      whole.push(...node.arguments.flatMap((specifier) => pathOf(specifier) ?? []));
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      const from = pathOf(node.moduleSpecifier);
      const list = ts.isImportDeclaration(node) ? node.importClause?.namedBindings : node.exportClause;
      if (from !== undefined && list && (ts.isNamedImports(list) || ts.isNamedExports(list)))
        named.push(...list.elements.map((each) => `${from}: ${(each.propertyName ?? each.name).text}`));
      else if (from !== undefined) whole.push(from);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return [...named, ...whole.flatMap((from) => members.map((name) => `${from}: ${name}`))];
}

/** The values that files of `src` export and no other file outside of the tests names. */
function unusedExports(files: Files): string[] {
  const parsed = Object.entries(files)
    .filter(([path]) => !path.startsWith('test/'))
    .map(([path, text]) => [path, ts.createSourceFile(path, text, ts.ScriptTarget.ESNext)] as const);
  const used = new Set(parsed.flatMap(([path, file]) => namedIn(path, file)));
  return parsed
    .filter(([path]) => path.startsWith('src/'))
    .flatMap(([path, file]) => valuesOf(file).map((name) => `${path}: ${name}`))
    .filter((value) => !used.has(value));
}

describe('exports', () => {
  test('none is used by tests only', () => {
    const root = dirname(src.replace(/\/$/, ''));
    const files: Record<string, string> = {};
    for (const folder of ['src', 'bench', 'attack', 'mutate', 'schemas', 'prometheus/src', 'grafana/src'])
      for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }))
        if (name.endsWith('.ts')) files[`${folder}/${name}`] = readFileSync(join(root, folder, name), 'utf8');
    expect(Object.keys(files).length).toBeGreaterThan(200);
    expect(unusedExports(files)).toEqual([]);
  });

  test('one that is would be found, however values are exported and used', () => {
    expect(
      unusedExports({
        'src/a.ts': 'export const used = 1, unused = 2; export type T = number; export class Gone {}',
        'src/b.ts': "import { used as other } from './a.js'; export function alone() { return other; }",
        'src/c.ts': 'export const late = 1; export const never = 2; const x = 3; export { x };',
        'bench/d.ts':
          "const { late } = await import('../src/c.js'); import * as all from '../src/e.js'; all.seen;",
        'src/e.ts': "export const seen = 1; export const missed = 2; export { x as y } from './c.js';",
        'test/f.test.ts': "import { unused, Gone } from '../src/a.js'; import { alone } from '../src/b.js';",
      }),
    ).toEqual([
      'src/a.ts: unused',
      'src/a.ts: Gone',
      'src/b.ts: alone',
      'src/c.ts: never',
      'src/e.ts: missed',
      'src/e.ts: y',
    ]);
  });
});

describe('the linter', () => {
  const root = dirname(src.replace(/\/$/, ''));
  const eslint = new ESLint({ cwd: root });
  const rulesBroken = async (file: string, code: string): Promise<(string | null)[]> => {
    const [result] = await eslint.lintText(code, { filePath: join(root, file) });
    return (result?.messages ?? []).map(({ ruleId }) => ruleId);
  };

  // Planted in the place of real files, so that the project's own types and rules hold.
  test.each([
    ['core/modes.ts', 'export const x: number = Date.now();', 'no-restricted-globals'],
    ['units.ts', 'export const x: number = performance.now();', 'no-restricted-globals'],
    ['wire/messages.ts', 'export const x: number = Math.random();', 'no-restricted-properties'],
    ['core/modes.ts', "export { readFileSync } from 'node:fs';", '@typescript-eslint/no-restricted-imports'],
    ['engine/snapshot.ts', "export { connect } from 'node:net';", '@typescript-eslint/no-restricted-imports'],
    [
      'engine/snapshot.ts',
      "export { readFileSync } from 'node:fs';",
      '@typescript-eslint/no-restricted-imports',
    ],
    [
      'net/link.ts',
      "export { readFile } from 'node:fs/promises';",
      '@typescript-eslint/no-restricted-imports',
    ],
    ['engine/snapshot.ts', 'process.exit(1);', 'no-restricted-syntax'],
    ['engine/snapshot.ts', "process.on('SIGTERM', () => undefined);", 'no-restricted-syntax'],
    [
      'engine/snapshot.ts',
      'export const x = (s: import("node:net").Socket) => s.resetAndDestroy();',
      'no-restricted-syntax',
    ],
    ['engine/snapshot.ts', 'export default 1;', 'no-restricted-syntax'],
    ['engine/snapshot.ts', "console.log('x');", 'no-console'],
    ['engine/snapshot.ts', 'Promise.reject(new Error());', '@typescript-eslint/no-floating-promises'],
  ])(
    'catches in %s: %s',
    async (file, code, rule) => {
      expect(await rulesBroken(`src/${file}`, code)).toContain(rule);
    },
    60_000,
  );

  test.each([
    'src/core/modes.ts',
    'src/exporter/families.ts',
    'src/net/reset.ts',
    'src/main.ts',
    'prometheus/src/thresholds.ts',
    'grafana/src/fleet-dashboard.ts',
  ])(
    'catches the seconds of a requirement in %s, however they are written',
    async (file) => {
      for (const seconds of ['7440', '7_440', '7.44e3'])
        expect(await rulesBroken(file, `export const x = ${seconds};`)).toEqual(['no-restricted-syntax']);
    },
    60_000,
  );

  test('allows the seconds of a requirement in its row, in data of products and in buckets', async () => {
    expect(await rulesBroken('src/core/requirements.ts', 'export const x = 7440;')).toEqual([]);
    expect(await rulesBroken('src/core/known-timeouts.ts', 'export const x = 7440;')).toEqual([]);
    expect(
      await rulesBroken('src/exporter/families.ts', 'export const IDLE_BUCKETS = [7200, 7440] as const;'),
    ).toEqual([]);
  }, 60_000);
});
