/** The exporter: the program without a subcommand. */
import { didYouMean } from '../config/did-you-mean.js';
import { showValue } from '../config/problem.js';
import { command } from './command.js';
import { group, on, text, UsageError, type ValuesOf } from './flags.js';
import { logTable, webTable } from './shared-flags.js';

/** The words that call another command. */
export const SUBCOMMANDS = ['responder', 'measure', 'audit'] as const;

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
    configFile: text('--config.file <file>', 'the configuration file', 'config.yaml', (file) => {
      if (file === '') throw new UsageError('must not be empty');
      return file;
    }),
    configCheck: on('--config.check', 'check the configuration file and exit: 0 usable, 2 not'),
  }),
  web: group('Web:', {
    ...webTable(':15382'),
    enableLifecycle: on('--web.enable-lifecycle', 'serve POST /-/reload'),
  }),
  log: logTable(),
};

export type ExporterFlags = ValuesOf<typeof table>;

export const exporterCommand = command({
  name: 'nat-idle-exporter',
  description:
    'Measures how long the NATs on a path remember an idle TCP connection, and exports it to Prometheus.',
  usage:
    '[flags]\n       nat-idle-exporter responder [flags]\n       nat-idle-exporter measure HOST[:PORT] [flags]\n       nat-idle-exporter audit --prometheus=URL [flags]',
  table,
  footer: `

Commands:
  responder   the far end, for a host with a public address
  measure     measure one path once and print the result
  audit       a table of all paths that a Prometheus knows, by isp, site or any other label
See nat-idle-exporter COMMAND --help.`,
  unexpected,
  options: (values): ExporterFlags => values,
});
