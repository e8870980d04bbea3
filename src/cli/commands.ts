/** The flags of each command with their help: what `--help` prints is what this file says. */
import { Command, Option } from 'commander';
import { DEFAULT_ECHO_PORT, DEFAULT_SEARCH, DEFAULT_SLEEP_PORT } from '../config/defaults.js';
import { MODES } from '../core/modes.js';
import { LOG_FORMATS, LOG_LEVELS, type LogLevel } from '../log.js';
import { DEFAULT_LIMITS } from '../responder/limits.js';
import { type ServerName, SERVERS } from '../responder/servers.js';
import { formatDuration } from '../units.js';

/** Addresses that the commands listen on unless told otherwise. */
export const DEFAULT_EXPORTER_ADDRESS = ':15382';
export const DEFAULT_RESPONDER_ADDRESS = `:${SERVERS.native.port}`;
/** Nobody but this host: what the responder tells of its callers is for its operator. */
export const DEFAULT_RESPONDER_WEB_ADDRESS = '127.0.0.1:15383';

/** How long an exporter is listed after its last announcement. */
export const DEFAULT_DISCOVERY_TTL = '15m';

/** The label by which an audit groups unless told otherwise: every path has it. */
export const DEFAULT_BY = 'job';

const ENVIRONMENT_HELP = `
Every flag can also be set by an environment variable: --web.listen-address is
NAT_IDLE_WEB_LISTEN_ADDRESS. Values of repeatable flags are separated by commas there.
The command line wins. Durations are written like 90s or 2h10m.`;

/** A flag that may be given several times; the environment separates its values by commas. */
function repeatable(flags: string, description: string, byDefault?: string): Option {
  const shown = byDefault === undefined ? '' : `, default: "${byDefault}"`;
  return new Option(flags, `${description} (repeatable${shown})`).argParser(
    (value: string, previous: unknown) =>
      Array.isArray(previous) ? [...(previous as string[]), value] : [value],
  );
}

/** A command that neither exits nor prints. */
function bareCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .exitOverride()
    .configureOutput({ writeOut: () => undefined, writeErr: () => undefined })
    .configureHelp({ helpWidth: 100 })
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', ENVIRONMENT_HELP);
}

/** `--log.*`. */
function addLogFlags(command: Command, level: LogLevel = 'info'): Command {
  return command
    .optionsGroup('Log (standard error):')
    .option('--log.level <level>', `least level: ${LOG_LEVELS.join(', ')}`, level)
    .option('--log.format <format>', `form of a line: ${LOG_FORMATS.join(', ')}`, 'logfmt');
}

/** `--web.*` as the exporter and the responder have them. */
function addWebFlags(command: Command, address: string): Command {
  return command
    .optionsGroup('Web:')
    .addOption(repeatable('--web.listen-address <[host]:port>', 'where to serve HTTP', address))
    .option('--web.telemetry-path <path>', 'where the metrics are', '/metrics')
    .option(
      '--web.config.file <file>',
      'TLS, users and headers, in the form of the Prometheus exporter-toolkit',
    )
    .addOption(
      repeatable(
        '--web.allowed-host <name>',
        'one more host name by which browsers may call this server; *.NAME for all below NAME',
      ),
    );
}

/** The exporter: the program without a subcommand. */
export function exporterCommand(version: string): Command {
  const command = bareCommand(
    'nat-idle-exporter',
    'Measures how long the NATs on a path remember an idle TCP connection, and exports it to Prometheus.',
  )
    .usage(
      '[flags]\n       nat-idle-exporter responder [flags]\n       nat-idle-exporter measure HOST[:PORT] [flags]\n       nat-idle-exporter audit --prometheus=URL [flags]',
    )
    .version(version, '--version', 'print the version')
    .optionsGroup('Configuration:')
    .option('--config.file <file>', 'the configuration file', 'config.yaml')
    .option('--config.check', 'check the configuration file and exit: 0 usable, 2 not');
  addWebFlags(command, DEFAULT_EXPORTER_ADDRESS).option('--web.enable-lifecycle', 'serve POST /-/reload');
  return addLogFlags(command).addHelpText(
    'after',
    `
Commands:
  responder   the far end, for a host with a public address
  measure     measure one path once and print the result
  audit       a table of all paths that a Prometheus knows, by isp, site or any other label
See nat-idle-exporter COMMAND --help.`,
  );
}

/** The flag of a server that is off unless its address is given. */
function listenOption(name: ServerName): [flag: string, help: string] {
  const { flag, help, port } = SERVERS[name];
  return [`${flag} <[host]:port>`, `${help}, there :${port}`];
}

/** `responder`. */
export function responderCommand(version: string): Command {
  const command = bareCommand(
    'nat-idle-exporter responder',
    'Answers probes: the far end of a measurement, on a host with a public address.',
  )
    .usage('[flags]')
    .version(version, '--version', 'print the version')
    .optionsGroup('Native protocol:')
    .addOption(
      repeatable(`${SERVERS.native.flag} <[host]:port>`, SERVERS.native.help, DEFAULT_RESPONDER_ADDRESS),
    )
    .option('--token-file <file>', 'file with the random token that clients must know')
    .option('--workers <n>', 'processes that share the work, 1 to 64', '1')
    .optionsGroup('Discovery:')
    .option(
      '--discovery',
      'list exporters that announce themselves at /api/v1/http_sd; needs a token, users or client certificates, and --web.listen-address',
    )
    .option(
      '--discovery.ttl <duration>',
      'how long one is listed after it was last heard',
      DEFAULT_DISCOVERY_TTL,
    )
    .optionsGroup('Legacy protocol of NAT-TCP-test (off unless set):')
    .option(...listenOption('legacyEcho'))
    .option(...listenOption('legacySleep'))
    .optionsGroup('Limits:')
    .option(
      '--max-connections <n>',
      'connections held at once, a quarter of them legacy ones at most',
      String(DEFAULT_LIMITS.maxConnections),
    )
    .option(
      '--max-connections-per-client <n>',
      'connections held at once for one client address, and as many legacy ones',
      String(DEFAULT_LIMITS.maxConnectionsPerClient),
    );
  return addLogFlags(addWebFlags(command, DEFAULT_RESPONDER_WEB_ADDRESS));
}

/** `measure`. */
export function measureCommand(version: string): Command {
  const command = bareCommand(
    'nat-idle-exporter measure',
    'Measures one path once. IPv6 addresses with a port stand in brackets: [2001:db8::1]:5382.',
  )
    .usage('HOST[:PORT] [flags]')
    .version(version, '--version', 'print the version')
    .argument('<host>', 'the responder, or "embedded" for the built-in one behind the built-in NAT')
    .optionsGroup('Measurement:')
    .option(
      '--mode <modes>',
      `who breaks the silence, separated by commas: ${MODES.join(',')}`,
      MODES.join(','),
    )
    .option('--max-idle <duration>', 'longest idle time to test', formatDuration(DEFAULT_SEARCH.max_idle))
    .option(
      '--resolution <duration>',
      'wanted width of the bracket',
      formatDuration(DEFAULT_SEARCH.resolution),
    )
    .option('--connections <n>', 'most idle connections per mode', String(DEFAULT_SEARCH.connections))
    .option('--deadline <duration>', 'patience with one test', formatDuration(DEFAULT_SEARCH.deadline))
    .optionsGroup('Far end:')
    .option('--protocol <protocol>', 'native or nat-tcp-test', 'native')
    .option('--echo-port <port>', 'echo server, with --protocol=nat-tcp-test', String(DEFAULT_ECHO_PORT))
    .option('--sleep-port <port>', 'sleep server, with --protocol=nat-tcp-test', String(DEFAULT_SLEEP_PORT))
    .option('--family <family>', 'address family: 4, 6 or any', 'any')
    .option('--local-address <address>', 'address of this host to probe from')
    .option('--token-file <file>', "file with the responder's token")
    .optionsGroup('Output:')
    .option('--json', 'print the result as JSON')
    .option('--report <file>', 'write a report, its form by the ending: .html, .md or .json')
    .option('--redact', 'placeholders instead of addresses and host names in the report and in the JSON')
    .option('--push <url>', 'send the metrics of the result to this Pushgateway')
    .option('--quiet', 'no progress, only the result');
  return addLogFlags(command, 'error').addHelpText(
    'after',
    `
Exit status: 0 compliant with RFC 5382 REQ-5, 1 not compliant, 2 usage or configuration error,
3 no verdict (could not measure, interrupted, or everything below 2h4m survived).`,
  );
}

/** `audit`. */
export function auditCommand(version: string): Command {
  const command = bareCommand(
    'nat-idle-exporter audit',
    'Prints what a Prometheus knows of all paths: for each value of a label the number of paths, the share of ' +
      'compliant ones, the shortest and the median timeout, and the worst paths. It reads the metrics of the ' +
      'exporters; recording rules are not needed.',
  )
    .usage('--prometheus=URL [flags]')
    .version(version, '--version', 'print the version')
    .optionsGroup('Question:')
    .option('--prometheus <url>', 'the Prometheus to ask (required)')
    .addOption(
      repeatable('--by <label>', 'label to group by; several stand for their combinations', DEFAULT_BY),
    )
    .option('--at <time>', 'the moment, such as 2026-11-28T12:00:00Z or Unix seconds (default: now)')
    .option('--lookback <duration>', 'paths seen within it but not at that moment count as stale', '1d')
    .option('--worst <n>', 'worst paths that are named of each group', '5')
    .optionsGroup('Access:')
    .option('--username <name>', 'user of the Prometheus, with --password-file')
    .option('--password-file <file>', 'file with the password')
    .option('--bearer-token-file <file>', 'file with a token to show')
    .option('--tls-ca-file <file>', 'certificates to trust instead of the usual ones')
    .optionsGroup('Output:')
    .option('--json', 'print the result as JSON')
    .option('--report <file>', 'write a report, its form by the ending: .html, .csv, .md or .json');
  return addLogFlags(command, 'error').addHelpText(
    'after',
    `
Exit status: 0 every path is compliant with RFC 5382 REQ-5, 1 some path is not, 2 usage error, 3 no verdict
(no path is proven not to be compliant but some are unknown, there is no path, or no usable answer).`,
  );
}
