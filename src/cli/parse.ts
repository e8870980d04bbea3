/** Turns arguments and environment into one typed command, or one line that says what is wrong with them. */
import { type Command, CommanderError } from 'commander';
import { DEFAULT_SEARCH, EMBEDDED_TARGET_NAME } from '../config/defaults.js';
import { didYouMean } from '../config/did-you-mean.js';
import { httpUrlProblem } from '../config/fields.js';
import { type ListenAddress, parseHostPort, parseListenAddress } from '../config/listen-address.js';
import { checkConfig } from '../config/load.js';
import { ConfigError, showValue } from '../config/problem.js';
import type { TargetConfig } from '../config/types.js';
import { eachServer, SERVERS } from '../responder/servers.js';
import { formatDuration, parseDuration, type Seconds } from '../units.js';
import { parseAllowedHost } from '../web/host-guard.js';
import {
  DEFAULT_EXPORTER_ADDRESS,
  DEFAULT_RESPONDER_ADDRESS,
  DEFAULT_RESPONDER_WEB_ADDRESS,
  auditCommand,
  exporterCommand,
  measureCommand,
  responderCommand,
} from './commands.js';
import { auditFlags } from './audit-flags.js';
import { applyEnvironment, type Environment, unknownVariables } from './environment.js';
import {
  type CommandLine,
  type ExporterFlags,
  type MeasureFlags,
  type ResponderFlags,
  UsageError,
  type WebFlags,
} from './flags.js';
import { logFlags, reading, Values, wholeNumber } from './values.js';

/** A repeatable flag of listen addresses. */
function listenAddresses(values: Values, flag: string, byDefault: string): ListenAddress[] {
  return values.texts(flag, byDefault).map((text) => reading(flag, () => parseListenAddress(text)));
}

/** Paths that the sites use themselves, as loosely as they are matched there. */
const TAKEN_PATHS = /^\/(-|api|assets|config|report)(\/|$)/i;

/** `--web.*`. */
function webFlags(values: Values, address: string): WebFlags {
  const telemetryPath = values.text('--web.telemetry-path') ?? '';
  const found = JSON.stringify(telemetryPath);
  if (!/^\/[\w./~-]*$/.test(telemetryPath)) {
    const rule = 'must begin with / and consist of letters, digits and / . _ ~ -';
    throw new UsageError(`--web.telemetry-path: ${rule}, found ${found}`);
  }
  if (TAKEN_PATHS.test(telemetryPath))
    throw new UsageError(`--web.telemetry-path: belongs to another page, found ${found}`);
  const configFile = values.text('--web.config.file');
  const allowedHosts = values
    .texts('--web.allowed-host')
    .map((text) => reading('--web.allowed-host', () => parseAllowedHost(text)));
  return {
    listenAddresses: listenAddresses(values, '--web.listen-address', address),
    telemetryPath,
    ...(configFile === undefined ? {} : { configFile }),
    ...(allowedHosts.length === 0 ? {} : { allowedHosts }),
  };
}

/** Flags of the exporter. */
function exporterFlags(values: Values): ExporterFlags {
  const configFile = values.text('--config.file');
  if (configFile === undefined) throw new UsageError('--config.file: must not be empty');
  return {
    configFile,
    configCheck: values.isOn('--config.check'),
    web: {
      ...webFlags(values, DEFAULT_EXPORTER_ADDRESS),
      enableLifecycle: values.isOn('--web.enable-lifecycle'),
    },
    log: logFlags(values),
  };
}

/** The shortest and the longest time that an exporter may be listed. */
const SHORTEST_TTL: Seconds = 3;
const LONGEST_TTL: Seconds = 86_400;

/** `--discovery`: only for those who know the token, and told only to those who log in. */
function discoveryFlags(values: Values): ResponderFlags['discovery'] {
  const ttl = reading('--discovery.ttl', () => parseDuration(values.text('--discovery.ttl') ?? ''));
  if (ttl < SHORTEST_TTL || ttl > LONGEST_TTL) {
    const bounds = `${formatDuration(SHORTEST_TTL)} to ${formatDuration(LONGEST_TTL)}`;
    throw new UsageError(`--discovery.ttl: must be from ${bounds}, found ${formatDuration(ttl)}`);
  }
  if (!values.isOn('--discovery')) return undefined;
  const lacking = ['--token-file', '--web.config.file'].filter((flag) => values.text(flag) === undefined);
  if (lacking.length > 0) {
    const why = 'only who knows the token may announce an exporter, only who logs in may read the list';
    throw new UsageError(`--discovery: needs ${lacking.join(' and ')} (${why})`);
  }
  if (!values.isGiven('--web.listen-address')) {
    const why = `nobody but this host could read the list at ${DEFAULT_RESPONDER_WEB_ADDRESS}`;
    throw new UsageError(`--discovery: needs --web.listen-address (${why})`);
  }
  return { ttl };
}

/** Flags of the responder. */
function responderFlags(values: Values): ResponderFlags {
  const listen = eachServer((name): ListenAddress[] => {
    const { flag } = SERVERS[name];
    if (name === 'native') return listenAddresses(values, flag, DEFAULT_RESPONDER_ADDRESS);
    const text = values.text(flag);
    return text === undefined ? [] : [reading(flag, () => parseListenAddress(text))];
  });
  const tokenFile = values.text('--token-file');
  const discovery = discoveryFlags(values);
  return {
    listen,
    ...(tokenFile === undefined ? {} : { tokenFile }),
    ...(discovery === undefined ? {} : { discovery }),
    maxConnections: wholeNumber(values, '--max-connections', 1, 10_000_000),
    maxConnectionsPerClient: wholeNumber(values, '--max-connections-per-client', 1, 10_000_000),
    workers: wholeNumber(values, '--workers', 1, 64),
    web: webFlags(values, DEFAULT_RESPONDER_WEB_ADDRESS),
    log: logFlags(values),
  };
}

/** The flag that set a place of the configuration which `measureTarget` makes. */
function flagOf(path: string | undefined): string {
  const key = /\w+(?=(\[\d+\])?$)/.exec(path ?? '')?.[0] ?? '';
  if (key === 'host' || key === 'name' || key === 'port') return 'HOST[:PORT]';
  return `--${key === 'modes' ? 'mode' : key.replaceAll('_', '-')}`;
}

/** Nothing on loopback needs more patience. */
const EMBEDDED_DEADLINE = '2s';

/** A search that fits under a short `--max-idle` where the user did not say otherwise. */
function measureSearch(values: Values, embedded: boolean): Record<string, unknown> {
  const read = (flag: string): Seconds => reading(flag, () => parseDuration(values.text(flag) ?? ''));
  const maxIdle = read('--max-idle');
  const resolution = values.isGiven('--resolution')
    ? read('--resolution')
    : Math.min(DEFAULT_SEARCH.resolution, maxIdle / 10);
  return {
    min_idle: formatDuration(Math.min(DEFAULT_SEARCH.min_idle, maxIdle / 2)),
    max_idle: formatDuration(maxIdle),
    resolution: formatDuration(resolution),
    connections: wholeNumber(values, '--connections', 2, 1000),
    deadline:
      embedded && !values.isGiven('--deadline') ? EMBEDDED_DEADLINE : formatDuration(read('--deadline')),
  };
}

/** What to measure, checked by the same rules as a target of the configuration file. */
function measureTarget(values: Values, text: string): TargetConfig {
  const raw = {
    targets: [text === EMBEDDED_TARGET_NAME ? embeddedTarget(values) : hostTarget(values, text)],
  };
  try {
    const [target] = checkConfig(raw, 'command line').targets;
    if (target === undefined) throw new Error('a checked configuration has its target');
    return target;
  } catch (error) {
    const [first] = error instanceof ConfigError ? error.problems : [];
    if (first === undefined) throw error;
    const rule = first.rule.replaceAll(/\b(max|min)_idle\b/g, '$1-idle');
    const found = first.value === undefined ? '' : `, found ${showValue(first.value)}`;
    throw new UsageError(`${flagOf(first.path)}: ${rule}${found}`);
  }
}

function measureModes(values: Values): string[] {
  return (values.text('--mode') ?? '').split(',').map((mode) => mode.trim());
}

/** The built-in responder behind the built-in NAT. A host of that name is written with its port. */
function embeddedTarget(values: Values): Record<string, unknown> {
  for (const flag of ['--protocol', '--family', '--local-address', '--token-file'])
    if (values.isGiven(flag)) throw new UsageError(`${flag}: has no meaning for the built-in target`);
  return {
    name: EMBEDDED_TARGET_NAME,
    embedded: {},
    modes: measureModes(values),
    search: measureSearch(values, true),
  };
}

/** A far end on the network. */
function hostTarget(values: Values, text: string): Record<string, unknown> {
  const { host, port } = reading('HOST[:PORT]', () => parseHostPort(text));
  const protocol = values.text('--protocol');
  const family = values.text('--family');
  const given = (flag: string, key: string): Record<string, unknown> =>
    values.isGiven(flag) && values.text(flag) !== undefined ? { [key]: values.text(flag) } : {};
  const givenPort = (flag: string, key: string): Record<string, unknown> =>
    values.isGiven(flag) ? { [key]: wholeNumber(values, flag, 1, 65_535) } : {};
  return {
    name: text,
    host,
    ...(port === undefined ? {} : { port }),
    protocol,
    ...givenPort('--echo-port', 'echo_port'),
    ...givenPort('--sleep-port', 'sleep_port'),
    modes: measureModes(values),
    family: family === '4' || family === '6' ? Number(family) : family,
    ...given('--local-address', 'local_address'),
    ...given('--token-file', 'token_file'),
    search: measureSearch(values, false),
  };
}

/** Flags of `measure`. */
function measureFlags(values: Values, host: string): MeasureFlags {
  const file = values.text('--report');
  const format = /\.(html|md|json)$/.exec(file ?? '')?.[1] as 'html' | 'md' | 'json' | undefined;
  if (file !== undefined && format === undefined) {
    throw new UsageError(`--report: must end with .html, .md or .json, found ${showValue(file)}`);
  }
  const push = values.text('--push');
  // What is wrong may be a password in it: the address is not repeated.
  const wrong = push === undefined ? undefined : httpUrlProblem(push);
  if (wrong !== undefined) throw new UsageError(`--push: ${wrong}`);
  return {
    target: measureTarget(values, host),
    json: values.isOn('--json'),
    ...(file === undefined || format === undefined ? {} : { report: { file, format } }),
    redact: values.isOn('--redact'),
    ...(push === undefined ? {} : { push }),
    quiet: values.isOn('--quiet'),
    log: logFlags(values),
  };
}

/** The help of a command with everything around it. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  return text;
}

/** Commander's complaint as one plain line. */
function usageError({ message }: CommanderError, flags: readonly string[]): UsageError {
  const unknown = /^error: unknown option '([^'=]+)/.exec(message)?.[1];
  const meant = unknown === undefined ? undefined : didYouMean(unknown, flags);
  const line = message.split('\n')[0]?.replace(/^error: /, '') ?? '';
  return new UsageError(meant === undefined ? line : `${line}, did you mean ${meant}?`);
}

const COMMANDS = ['responder', 'measure', 'audit', 'help'] as const;

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
  const commands = {
    exporter: exporterCommand(version),
    responder: responderCommand(version),
    measure: measureCommand(version),
    audit: auditCommand(version),
  };
  const isNamed = (word: string | undefined): word is 'responder' | 'measure' | 'audit' =>
    word === 'responder' || word === 'measure' || word === 'audit';

  const [first, second] = argv;
  if (first === 'help') {
    if (second !== undefined && !isNamed(second))
      throw new UsageError(`unknown command ${showValue(second)}`);
    return { command: 'help', text: helpOf(commands[second ?? 'exporter']) };
  }
  const name = isNamed(first) ? first : 'exporter';
  const command = commands[name];
  const args = isNamed(first) ? argv.slice(1) : argv;
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.helpDisplayed') return { command: 'help', text: helpOf(command) };
    if (error.code === 'commander.version')
      return { command: 'version', text: `nat-idle-exporter ${version}\n` };
    if (error.code === 'commander.excessArguments' && name === 'exporter') {
      const word = args.find((argument) => !argument.startsWith('-')) ?? '';
      const meant = didYouMean(word, COMMANDS);
      const named = command.args[0] ?? word;
      const hint = isNamed(named) ? ' (a command comes first, its flags after it)' : '';
      const suggestion = meant === undefined || isNamed(named) ? hint : `, did you mean ${meant}?`;
      throw new UsageError(`unexpected argument ${showValue(named)}${suggestion}`);
    }
    const flags = command.options.map(({ long }) => long ?? '');
    throw usageError(error, flags);
  }
  applyEnvironment(command, env);
  const values = new Values(command);
  const warnings = unknownVariables(Object.values(commands), env);
  switch (name) {
    case 'exporter':
      return { command: name, options: exporterFlags(values), warnings };
    case 'responder':
      return { command: name, options: responderFlags(values), warnings };
    case 'measure':
      return { command: name, options: measureFlags(values, command.args[0] ?? ''), warnings };
    case 'audit':
      return { command: name, options: auditFlags(values), warnings };
  }
}
