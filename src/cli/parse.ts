/** Turns arguments and environment into one typed command, or one line that says what is wrong with them. */
import { showValue } from '../config/problem.js';
import { type AuditFlags, auditCommand } from './audit-flags.js';
import type { Command } from './command.js';
import { type Environment, unknownVariables } from './environment.js';
import { type ExporterFlags, exporterCommand, SUBCOMMANDS } from './exporter-flags.js';
import { UsageError } from './flags.js';
import { type InitFlags, initCommand } from './init-flags.js';
import { type MeasureFlags, measureCommand } from './measure-flags.js';
import { type RemeasureFlags, remeasureCommand } from './remeasure-flags.js';
import { type ResponderFlags, responderCommand } from './responder-flags.js';

/** What each command is told. */
interface Options {
  readonly exporter: ExporterFlags;
  readonly init: InitFlags;
  readonly responder: ResponderFlags;
  readonly measure: MeasureFlags;
  readonly remeasure: RemeasureFlags;
  readonly audit: AuditFlags;
}

const COMMANDS: { readonly [Name in keyof Options]: Command<Options[Name]> } = {
  exporter: exporterCommand,
  init: initCommand,
  responder: responderCommand,
  measure: measureCommand,
  remeasure: remeasureCommand,
  audit: auditCommand,
};

/** A command with its options; `warnings` are lines for the log: variables that look like ours but are not. */
interface Parsed<Name extends keyof Options> {
  readonly command: Name;
  readonly options: Options[Name];
  readonly warnings: readonly string[];
}

/** The parsed command line. */
export type CommandLine =
  | { readonly [Name in keyof Options]: Parsed<Name> }[keyof Options]
  /** Print `text` on standard output and succeed. */
  | { readonly command: 'help' | 'version'; readonly text: string };

/**
 * Parses the command line.
 *
 * @param argv the arguments without the interpreter and the script (`process.argv.slice(2)`)
 * @param env the environment (`process.env`); the command line wins over it
 * @throws UsageError with one line that names the flag, the rule and the value found
 */
export function parseCommandLine(
  argv: readonly string[],
  env: Environment,
  { version }: { readonly version: string },
): CommandLine {
  const [first, second] = argv;
  if (first === 'help') {
    const about = SUBCOMMANDS.find((name) => name === second);
    if (second !== about) throw new UsageError(`unknown command ${showValue(second)}`);
    return { command: 'help', text: COMMANDS[about ?? 'exporter'].help() };
  }
  const named = SUBCOMMANDS.find((name) => name === first);
  const command = named ?? 'exporter';
  const options = COMMANDS[command].parse(named === undefined ? argv : argv.slice(1), env);
  if (options === 'help') return { command: 'help', text: COMMANDS[command].help() };
  if (options === 'version') return { command: 'version', text: `nat-idle-exporter ${version}\n` };
  const flags = Object.values(COMMANDS).flatMap((each) => each.flags);
  return { command, options, warnings: unknownVariables(flags, env) } as CommandLine;
}
