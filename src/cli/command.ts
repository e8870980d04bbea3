/** A command: its flags, its help, and the options that its values make. */
import { Command as Parser, CommanderError } from 'commander';
import { didYouMean } from '../config/did-you-mean.js';
import { type Environment, fromEnvironment } from './environment.js';
import {
  type Flag,
  flagsIn,
  type FlagTable,
  nameOf,
  optionOf,
  readFlags,
  type Said,
  UsageError,
  type ValuesOf,
} from './flags.js';

const ENVIRONMENT_HELP = `
Every flag can also be set by an environment variable: --web.listen-address is
NAT_IDLE_WEB_LISTEN_ADDRESS. Values of repeatable flags are separated by commas there.
The command line wins. Durations are written like 90s or 2h10m.`;

/** What a command is made of. */
export interface CommandParts<Table extends FlagTable, Options> {
  /** The words that call it: `nat-idle-exporter measure`. */
  readonly name: string;
  readonly description: string;
  readonly usage: string;
  readonly argument?: { readonly name: string; readonly help: string };
  readonly table: Table;
  /** What the help ends with, from a line break on. */
  readonly footer?: string;
  /** What is said of a word that is no argument; commander's own words unless given. */
  readonly unexpected?: (word: string) => string;
  /**
   * Checks what one flag alone cannot know; the argument is empty where the command has none.
   * @throws UsageError
   */
  readonly options: (values: ValuesOf<Table>, isGiven: IsGiven, argument: string) => Options;
}

/** Whether the user said a flag, such as `--by`. */
export type IsGiven = (flag: string) => boolean;

/** A command that can be read and that explains itself. */
export interface Command<Options> {
  readonly flags: readonly Flag<unknown>[];
  readonly help: () => string;
  /**
   * Reads the arguments after the command's name; the environment says what they do not.
   *
   * @returns the options, or what is asked for instead of a run
   * @throws UsageError with one line that names the flag, the rule and the value found
   */
  readonly parse: (args: readonly string[], environment: Environment) => Options | 'help' | 'version';
}

/** A command of these parts. */
export function command<Table extends FlagTable, Options>(
  parts: CommandParts<Table, Options>,
): Command<Options> {
  const { table, unexpected, options } = parts;
  const flags = flagsIn(table);
  return {
    flags,
    help: () => {
      let text = '';
      parserOf(parts, flags)
        .configureOutput({ writeOut: (part) => (text += part) })
        .outputHelp();
      return text;
    },
    parse: (args, environment) => {
      const parser = parserOf(parts, flags);
      try {
        parser.parse(args, { from: 'user' });
      } catch (error) {
        if (!(error instanceof CommanderError)) throw error;
        if (error.code === 'commander.helpDisplayed') return 'help';
        if (error.code === 'commander.version') return 'version';
        if (error.code === 'commander.excessArguments' && unexpected !== undefined)
          throw new UsageError(unexpected(parser.args[0] ?? ''));
        throw usageError(error, flags);
      }
      const said = (flag: Flag<unknown>): Said => saidOf(flag, parser, environment);
      const isGiven: IsGiven = (name) => flags.some((flag) => nameOf(flag) === name && said(flag).isGiven);
      return options(readFlags(table, said), isGiven, parser.args[0] ?? '');
    },
  };
}

/** A parser that neither exits nor prints. */
function parserOf(
  {
    name,
    description,
    usage,
    argument,
    footer = '',
  }: Omit<CommandParts<FlagTable, unknown>, 'table' | 'options'>,
  flags: readonly Flag<unknown>[],
): Parser {
  const parser = new Parser(name)
    .description(description)
    .usage(usage)
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
    .configureHelp({ helpWidth: 100 })
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', ENVIRONMENT_HELP + footer)
    .version('', '--version', 'print the version');
  if (argument !== undefined) parser.argument(`<${argument.name}>`, argument.help);
  for (const flag of flags) parser.addOption(optionOf(flag));
  return parser;
}

function saidOf(flag: Flag<unknown>, parser: Parser, environment: Environment): Said {
  const key = optionOf(flag).attributeName();
  const value: unknown = parser.getOptionValue(key);
  const onLine = parser.getOptionValueSource(key) === 'cli' ? [value].flat().map(String) : undefined;
  const texts = onLine ?? fromEnvironment(flag, environment);
  const byDefault = flag.byDefault === undefined ? [] : [flag.byDefault];
  return { texts: texts ?? byDefault, isGiven: texts !== undefined };
}

/** Commander's complaint as one plain line. */
function usageError({ message }: CommanderError, flags: readonly Flag<unknown>[]): UsageError {
  const line = message.split('\n')[0]?.replace(/^error: /, '') ?? '';
  const unknown = /^unknown option '([^'=]+)/.exec(line)?.[1];
  const meant = unknown === undefined ? undefined : didYouMean(unknown, flags.map(nameOf));
  return new UsageError(meant === undefined ? line : `${line}, did you mean ${meant}?`);
}
