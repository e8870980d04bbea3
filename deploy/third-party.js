/**
 * The image's THIRD-PARTY file: every package that is installed, its license and the text of it. Ends with 1, and says
 * which, where one has a license that is not allowed here or says none.
 *
 *     node deploy/third-party.js node_modules > THIRD-PARTY
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Licenses that let anybody use and pass on what has them; names of SPDX. */
const ALLOWED = ['Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT', 'PSF-2.0', 'Unlicense'];

const TEXTS = /^(licen[cs]e|copying|notice)/i;

/** The folders of the packages below a `node_modules`, those inside of packages included. */
function packageFolders(nodeModules) {
  if (!existsSync(nodeModules)) return [];
  const names = readdirSync(nodeModules).filter((name) => !name.startsWith('.'));
  return names
    .flatMap((name) =>
      name.startsWith('@') ? readdirSync(join(nodeModules, name)).map((each) => join(name, each)) : [name],
    )
    .map((name) => join(nodeModules, name))
    .filter((folder) => existsSync(join(folder, 'package.json')))
    .flatMap((folder) => [folder, ...packageFolders(join(folder, 'node_modules'))]);
}

/** What a package says of itself. The license may have the form of old, `licenses: [{type: MIT}]`. */
function readPackage(folder) {
  const { name, version, license, licenses } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const texts = readdirSync(folder)
    .filter((file) => TEXTS.test(file))
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return { name, version, license: license ?? licenses?.[0]?.type ?? 'none', texts };
}

/** @throws naming every package whose license is not allowed */
function thirdParty(folders) {
  const packages = folders.map(readPackage).sort((a, b) => (a.name < b.name ? -1 : 1));
  const others = packages.filter(({ license }) => !ALLOWED.includes(license));
  if (others.length > 0)
    throw new Error(`not allowed: ${others.map(({ name, license }) => `${name} (${license})`).join(', ')}`);
  const parts = packages.map(({ name, version, license, texts }) =>
    [`${name} ${version} (${license})`, ...texts].join('\n\n'),
  );
  return `${parts.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

try {
  process.stdout.write(thirdParty(packageFolders(process.argv[2] ?? 'node_modules')));
} catch (error) {
  console.error(`error: third-party: ${error.message}`);
  process.exitCode = 1;
}
