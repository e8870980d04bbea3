/** The renderer's own package: installs it where it is absent, checks the page's types, bundles the page. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const HERE = fileURLToPath(new URL('./', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Where the page's packages are. */
export const MODULES = fileURLToPath(new URL('./node_modules/', import.meta.url));

/** What the browser loads. */
export interface Bundle {
  readonly script: string;
  readonly styles: string;
}

/** @throws when the package cannot be installed or the page does not compile */
export async function bundlePage(): Promise<Bundle> {
  // npm leaves this file when it has finished, and not before.
  if (!existsSync(`${MODULES}.package-lock.json`)) {
    console.log("installing Grafana's packages into grafana/render/node_modules (about 630 MB)");
    run('npm', ['ci', '--no-audit', '--no-fund'], HERE);
  }
  run(process.execPath, [`${ROOT}node_modules/typescript/bin/tsc`, '-p', 'page'], HERE);
  // Not a dependency of the root: known only once the package is installed.
  const { build } = createRequire(`${HERE}package.json`)('esbuild') as {
    readonly build: (options: object) => Promise<{
      readonly outputFiles: readonly { readonly path: string; readonly text: string }[];
    }>;
  };
  const { outputFiles } = await build({
    entryPoints: [`${HERE}page/main.tsx`],
    bundle: true,
    write: false,
    outdir: '/',
    format: 'iife',
    platform: 'browser',
    jsx: 'automatic',
    minify: true,
    legalComments: 'none',
    // The .mjs files import the defaults of CommonJS packages as bundlers do, not as Node does: esbuild follows Node.
    alias: Object.fromEntries(
      ['data', 'ui', 'schema', 'i18n'].map((name) => [
        `@grafana/${name}`,
        `${MODULES}@grafana/${name}/dist/cjs/index.cjs`,
      ]),
    ),
    logLevel: 'warning',
    define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
    // The font of a code editor that no panel uses.
    loader: { '.ttf': 'empty' },
  });
  const text = (ending: string): string => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? '';
  return { script: text('.js'), styles: text('.css') };
}

function run(command: string, args: readonly string[], cwd: string): void {
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'] });
  if (status !== 0)
    throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? `exit code ${status}`}`);
}
