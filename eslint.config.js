// What the compiler does not see: forgotten promises, clocks in pure rooms, exits outside of main.
// Which room may import which is checked by test/architecture.repository.test.ts.
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

/** Rooms that know neither time, chance, host nor log: what they compute can be replayed. */
const PURE = [
  'src/core/**/*.ts',
  'src/wire/**/*.ts',
  'src/promql/**/*.ts',
  'src/units.ts',
  'src/visible.ts',
  'src/defined.ts',
];

const CLIENT_SOCKETS = {
  name: 'node:net',
  importNames: ['connect', 'createConnection', 'Socket'],
  allowTypeImports: true,
  message: 'Only src/net opens client sockets: keepalive is off there and every error has its verdict.',
};

const FILE_MESSAGE =
  'Only src/files.ts reads files that others wrote: it takes no pipe or device, and not more than a limit.';

const FILE_READERS = [
  {
    name: 'node:fs',
    importNames: ['readFile', 'readFileSync', 'createReadStream', 'readSync'],
    message: FILE_MESSAGE,
  },
  { name: 'node:fs/promises', importNames: ['readFile'], message: FILE_MESSAGE },
];

const EXIT_AND_SIGNALS = [
  {
    selector: "CallExpression[callee.object.name='process'][callee.property.name=/^(exit|abort|kill)$/]",
    message: 'Only src/main.ts ends the process.',
  },
  {
    selector:
      "CallExpression[callee.object.name='process'][callee.property.name=/^(on|once|addListener)$/][arguments.0.value=/^SIG/]",
    message: 'Only src/main.ts listens to signals.',
  },
];

const RESETS = {
  selector: "MemberExpression[property.name='resetAndDestroy']",
  message:
    'Only src/net/reset.ts resets a connection: elsewhere one that is ending would keep its descriptor.',
};

/** The buckets of a histogram are no requirement: they are where known boxes forget. */
const REQUIRED_SECONDS = {
  selector: 'Literal[value=7440]:not(VariableDeclarator[id.name=/BUCKETS$/] Literal)',
  message: 'What is required stands once, in src/core/requirements.ts; take it from the row of the mode.',
};

const NO_DEFAULT_EXPORTS = {
  selector: 'ExportDefaultDeclaration',
  message: 'No default exports: a thing has one name everywhere.',
};

export default defineConfig(
  // Generated, not ours, or typed by packages that only `npm run grafana:render` installs.
  { ignores: ['dist/', 'build/', 'coverage/', 'data/', '**/node_modules/', 'grafana/render/page/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      eqeqeq: 'error',
      'no-restricted-syntax': ['error', NO_DEFAULT_EXPORTS],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        // A default says that the rest is meant.
        { considerDefaultExhaustiveForUnions: true },
      ],
      // Numbers read well in messages; what reads badly (objects, undefined) stays forbidden.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `() => call()` and `return call()` are how short callbacks are written; their void result misleads nobody.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      // What is taken out of an object only to leave it behind, or must be named to reach the next, begins with _.
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', destructuredArrayIgnorePattern: '^_' },
      ],
      // Off: it believes that a field like #stopped cannot change during an await, and so calls real checks needless.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      // tsconfig's noPropertyAccessFromIndexSignature wants exactly what this rule forbids.
      '@typescript-eslint/dot-notation': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-syntax': ['error', NO_DEFAULT_EXPORTS, REQUIRED_SECONDS, RESETS, ...EXIT_AND_SIGNALS],
      '@typescript-eslint/no-restricted-imports': ['error', { paths: [CLIENT_SOCKETS, ...FILE_READERS] }],
    },
  },
  {
    files: ['prometheus/src/**/*.ts', 'grafana/src/**/*.ts'],
    rules: { 'no-restricted-syntax': ['error', NO_DEFAULT_EXPORTS, REQUIRED_SECONDS] },
  },
  {
    // The row of the requirement itself, and what manuals say of products.
    files: ['src/core/requirements.ts', 'src/core/known-timeouts.ts'],
    rules: { 'no-restricted-syntax': ['error', NO_DEFAULT_EXPORTS, RESETS, ...EXIT_AND_SIGNALS] },
  },
  {
    files: PURE,
    rules: {
      'no-restricted-globals': [
        'error',
        ...[
          'Date',
          'performance',
          'process',
          'console',
          'setTimeout',
          'setInterval',
          'setImmediate',
          'queueMicrotask',
        ]
          .concat(['fetch', 'Buffer', 'crypto', 'globalThis'])
          .map((name) => ({ name, message: 'A pure room: no clock, chance, host or log.' })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'A pure room: pass a seeded source of chance in.' },
      ],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { patterns: [{ group: ['node:*'], message: 'A pure room knows no host.' }] },
      ],
    },
  },
  {
    // The only client user of node:net.
    files: ['src/net/**/*.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { paths: FILE_READERS }] },
  },
  {
    // The built-in NAT stands between client and responder: its second leg is a client socket, but no probe.
    files: ['src/embedded/nat-relay.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { paths: FILE_READERS }] },
  },
  {
    // The one reader of files that others wrote.
    files: ['src/files.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { paths: [CLIENT_SOCKETS] }] },
  },
  {
    // These read what nobody else can have put there: tables and limits of the kernel in /proc ...
    files: [
      'src/descriptors.ts',
      'src/net/conntrack.ts',
      'src/net/default-gateway.ts',
      'src/net/interface-address.ts',
      'src/net/tcp-table.ts',
    ],
    rules: { '@typescript-eslint/no-restricted-imports': 'off' },
  },
  {
    // ... and files of the program itself: its package.json, the commit it was built from, the page's script.
    files: ['src/version.ts', 'src/exporter/page/assets.ts'],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { paths: [CLIENT_SOCKETS] }] },
  },
  {
    // The one place for resets.
    files: ['src/net/reset.ts'],
    rules: { 'no-restricted-syntax': ['error', NO_DEFAULT_EXPORTS, REQUIRED_SECONDS, ...EXIT_AND_SIGNALS] },
  },
  {
    // The one place for exits and signals.
    files: ['src/main.ts'],
    rules: { 'no-restricted-syntax': ['error', NO_DEFAULT_EXPORTS, REQUIRED_SECONDS, RESETS] },
  },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts', 'attack/**/*.ts'],
    rules: {
      // A test that is surprised by undefined should fail at that line.
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    // vitest and playwright want their configuration as the default export.
    files: ['**/*.config.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
);
