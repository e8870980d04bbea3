/** The exporter: the program without a subcommand. */
import { didYouMean } from '../config/did-you-mean.js';
import { showValue } from '../config/problem.js';
import { STANDARD_INPUT } from '../files.js';
import { command } from './command.js';
import { group, ifGiven, on, text, UsageError, type ValuesOf } from './flags.js';
import { logTable, nativeTable, webTable } from './shared-flags.js';

/** The words that call another command. */
export const SUBCOMMANDS = ['init', 'responder', 'measure', 'remeasure', 'audit'] as const;

/** The configuration file unless another one is named, in the working directory. */
export const DEFAULT_CONFIG_FILE = 'config.yaml';

/** A word where a flag of the exporter should be. */
function unexpected(word: string): string {
  const meant = didYouMean(word, [...SUBCOMMANDS, 'help']);
  const suggestion = meant === undefined ? '' : `, did you mean ${meant}?`;
  const isCommand = SUBCOMMANDS.some((name) => name === word);
  const hint = isCommand ? ' (a command comes first, its flags after it)' : suggestion;
  return `unexpected argument ${showValue(word)}${hint}`;
}

const table = {
  ...group('Configuration:', {
    /** Absent unless given: without it and without the usual file the demonstration runs. */
    configFile: ifGiven(
      text('--config.file <file>', 'the configuration file', DEFAULT_CONFIG_FILE, (file) => {
        if (file === '') throw new UsageError('must not be empty');
        return file;
      }),
    ),
    configAutoReload: on('--config.auto-reload', 'load the configuration file again when it changes'),
    configCheck: on('--config.check', 'check the configuration file and exit: 0 usable, 2 not'),
  }),
  web: group('Web:', {
    ...webTable(':15382'),
    enableLifecycle: on(
      '--web.enable-lifecycle',
      'serve POST /-/reload, and POST /api/v1/targets/NAME/measure without a token of the page',
    ),
  }),
  ...nativeTable(),
  log: logTable(),
};

export type ExporterFlags = ValuesOf<typeof table> & {
  /** Whether somebody said where to serve HTTP. */
  readonly isListenGiven: boolean;
};

export const exporterCommand = command({
  name: 'nat-idle-exporter',
  description:
    'Measures how long the NATs on a path remember an idle TCP connection, and exports it to Prometheus.',
  usage:
    '[flags]\n       nat-idle-exporter responder [flags]\n       nat-idle-exporter init [flags]\n       nat-idle-exporter measure HOST[:PORT] [flags]\n       nat-idle-exporter remeasure TARGET [flags]\n       nat-idle-exporter audit --prometheus=URL [flags]',
  table,
  footer: `

Without any configuration it shows a demonstration: its own built-in NAT, on this host alone.

Commands:
  init        writes a configuration file after three questions
  responder   the far end, for a host with a public address
  measure     measure one path once and print the result
  remeasure   have a running exporter measure a target again now
  audit       a table of all paths that a Prometheus knows, by isp, site or any other label
See nat-idle-exporter COMMAND --help.`,
  unexpected,
  options: (values, isGiven): ExporterFlags => {
    if (values.configAutoReload && values.configFile === STANDARD_INPUT)
      throw new UsageError(`--config.auto-reload: has no meaning for ${STANDARD_INPUT}, which is read once`);
    return { ...values, isListenGiven: isGiven('--web.listen-address') };
  },
});
