/**
 * What the generators of rules and dashboards were told on the command line. It is kept in prometheus/generator.json, so
 * that the next `npm run generate` makes the same files.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

export interface GeneratorOptions {
  /** The address of a runbook elsewhere, to which all alerts link; absent: that of the exporter or responder. */
  readonly runbook?: string;
  /** Labels by which paths are compared on top of the shipped ones. */
  readonly by?: readonly string[];
}

const FILE = 'prometheus/generator.json';

/** What is kept. @param root the repository's folder */
export function keptOptions(root: URL): GeneratorOptions {
  const file = new URL(FILE, root);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as GeneratorOptions) : {};
}

/**
 * What the arguments say over what is kept; an empty value says that it is not wanted any more.
 * @throws TypeError for other arguments
 */
export function optionsOf(root: URL, args: readonly string[]): GeneratorOptions {
  const { values } = parseArgs({
    args: [...args],
    options: { runbook: { type: 'string' }, by: { type: 'string', multiple: true } },
  });
  const kept = keptOptions(root);
  const runbook = values.runbook ?? kept.runbook ?? '';
  const by = (values.by ?? kept.by ?? []).filter((label) => label !== '');
  return { ...(runbook === '' ? {} : { runbook }), ...(by.length === 0 ? {} : { by }) };
}

/** Keeps the options for the next run, once they have proven usable. */
export function keepOptions(root: URL, options: GeneratorOptions): void {
  const file = new URL(FILE, root);
  if (Object.keys(options).length > 0) writeFileSync(file, `${JSON.stringify(options, undefined, 2)}\n`);
  else rmSync(file, { force: true });
}
