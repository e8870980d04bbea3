/** `measure`: one path, once. */
import { resolve } from 'node:path';
import type { TargetConfig } from '../config/config.js';
import {
  DEFAULT_ECHO_PORT,
  DEFAULT_PROTOCOL,
  DEFAULT_SLEEP_PORT,
  EMBEDDED_TARGET_NAME,
  PROTOCOL_NAMES,
  searchDefaultsIn,
} from '../config/far-ends.js';
import { parseHostPort } from '../config/listen-address.js';
import { checkConfig } from '../config/load.js';
import { ConfigError, showValue } from '../config/problem.js';
import type { Path } from '../config/rules.js';
import { DEFAULT_SEARCH, partOfSearch } from '../config/schema.js';
import { MODES } from '../core/modes.js';
import { defined } from '../defined.js';
import { referenceProblem, timeZoneProblem } from '../report/reference.js';
import { REPORT_FORMATS } from '../report/report-forms.js';
import { formatDuration, parseDuration, type Seconds } from '../units.js';
import { command, type IsGiven } from './command.js';
import { farEndParts } from './far-end-argument.js';
import {
  csvFile,
  type Flag,
  flagAt,
  group,
  ifGiven,
  nameOf,
  on,
  optional,
  reading,
  reportFile,
  text,
  UsageError,
  type ValuesOf,
  wholeNumber,
} from './flags.js';
import { httpUrl, logTable, nativeTable, proxyUrl } from './shared-flags.js';

/** Nothing on loopback needs more patience. */
const EMBEDDED_DEADLINE: Seconds = 2;

/** The argument, as messages call it. */
const HOST = 'HOST[:PORT]';

/** An empty value says the same as none. */
const unlessEmpty = (found: string): string | undefined => (found === '' ? undefined : found);

function duration(flags: string, help: string, byDefault: Seconds): Flag<Seconds> {
  return text(flags, help, formatDuration(byDefault), parseDuration);
}

function port(
  flags: string,
  server: string,
  byDefault: number,
  protocol = 'nat-tcp-test',
): Flag<number | undefined> {
  return ifGiven(wholeNumber(flags, `${server} server, with --protocol=${protocol}`, byDefault, 1, 65_535));
}

/** A path of the command line as the configuration file has it. */
const inHome = (path: string): string => (path.startsWith('~/') ? path : resolve(path));

/** Flags that are keys of a target in the configuration file, under the names of these keys. */
const target = {
  ...group('Measurement:', {
    modes: ifGiven(
      text(
        '--mode <modes>',
        `who breaks the silence, separated by commas: ${MODES.join(',')}`,
        MODES.join(','),
        (modes) => modes.split(',').map((mode) => mode.trim()),
      ),
    ),
    search: {
      max_idle: duration('--max-idle <duration>', 'longest idle time to test', DEFAULT_SEARCH.max_idle),
      resolution: ifGiven(
        duration('--resolution <duration>', 'wanted width of the bracket', DEFAULT_SEARCH.resolution),
      ),
      connections: wholeNumber(
        '--connections <n>',
        'most idle connections per mode',
        DEFAULT_SEARCH.connections,
        2,
        1000,
      ),
      deadline: ifGiven(duration('--deadline <duration>', 'patience with one test', DEFAULT_SEARCH.deadline)),
    },
  }),
  ...group('Far end:', {
    protocol: text('--protocol <protocol>', PROTOCOL_NAMES.join(' or '), DEFAULT_PROTOCOL, unlessEmpty),
    echo_port: port('--echo-port <port>', 'echo', DEFAULT_ECHO_PORT),
    sleep_port: port('--sleep-port <port>', 'sleep', DEFAULT_SLEEP_PORT),
    user: optional('--user <user>', 'who logs in, with --protocol=ssh'),
    identity_file: optional(
      '--identity-file <file>',
      'the only key to log in with, with --protocol=ssh',
      inHome,
    ),
    known_hosts_file: optional(
      '--known-hosts-file <file>',
      'the host keys to trust, with --protocol=ssh',
      inHome,
    ),
    family: text('--family <family>', 'address family: 4, 6 or any', 'any', (found) =>
      found === '4' || found === '6' ? Number(found) : unlessEmpty(found),
    ),
    local_address: optional('--local-address <address>', 'address of this host to probe from'),
    interface: optional('--interface <name>', 'interface of this host to probe from, whatever its address'),
    token_file: optional('--token-file <file>', "file with the responder's token"),
  }),
};

/** What the customer writes on the report. */
const referenceTable = group('On the report:', {
  customer: onReport('--customer <text>', 'name of the customer', referenceProblem),
  contract: onReport('--contract <text>', 'number of the contract or of the line', referenceProblem),
  ticket: onReport('--ticket <text>', 'number of the ticket', referenceProblem),
  timeZone: onReport(
    '--time-zone <name>',
    'time zone of local times, such as Europe/Berlin (default: that of this host)',
    timeZoneProblem,
  ),
});

/** A text that the report shows; @param problem what is wrong with it */
function onReport(
  flags: string,
  help: string,
  problem: (text: string) => string | undefined,
): Flag<string | undefined> {
  return optional(flags, help, (found) => {
    const wrong = problem(found);
    if (wrong !== undefined) throw new UsageError(wrong, found);
    return found;
  });
}

const table = {
  target,
  ...group('Far end:', {
    acceptNewHostKey: on(
      '--accept-new-host-key',
      'trust the key of an SSH server that is not known yet, and note it',
    ),
  }),
  ...group('Measurement:', {
    verify: on('--verify', 'then prove the advice, which takes up to three times the timeout more'),
    locate: on('--locate', 'then find out which box forgets, which takes twice the timeout more'),
    profile: on(
      '--profile',
      'then measure the idle timeout of every hop, too, and what is left when that box is mended, which takes hours',
    ),
  }),
  ...group('Output:', {
    json: on('--json', 'print the result as JSON'),
    settings: on('--settings', 'print the settings for every program that keep connections alive'),
    report: reportFile(REPORT_FORMATS),
    flows: csvFile('--flows <file>', 'write a line for each test, to grep logs for'),
    redact: on(
      '--redact',
      'placeholders instead of addresses and host names in whatever is written or printed as JSON',
    ),
    push: optional('--push <url>', 'send the metrics of the result to this Pushgateway', httpUrl),
    pushProxy: optional('--push-proxy <url>', 'HTTP proxy through which it is reached', proxyUrl),
    quiet: on('--quiet', 'no progress, only the result'),
  }),
  ...referenceTable,
  ...nativeTable(),
  log: logTable('error'),
};

type Values = ValuesOf<typeof table>;

export type MeasureFlags = Omit<Values, 'target' | 'profile'> & {
  /** What to measure, checked by the rules that hold for a target of the configuration file. */
  readonly target: TargetConfig;
};

/** A search that fits under a short `--max-idle` where the user did not say otherwise. */
function measureSearch(
  { max_idle, resolution, connections, deadline }: Values['target']['search'],
  patience: Seconds,
): Record<string, unknown> {
  return {
    max_idle: formatDuration(max_idle),
    min_idle: formatDuration(Math.min(DEFAULT_SEARCH.min_idle, max_idle / 2)),
    resolution: formatDuration(resolution ?? Math.min(DEFAULT_SEARCH.resolution, max_idle / 10)),
    connections,
    deadline: formatDuration(deadline ?? patience),
  };
}

/** What says nothing about the built-in target. */
const NETWORK_FLAGS = [
  '--protocol',
  '--user',
  '--identity-file',
  '--known-hosts-file',
  '--accept-new-host-key',
  '--family',
  '--local-address',
  '--interface',
  '--token-file',
];

/** The built-in responder behind the built-in NAT. A host of that name is written with its port. */
function embeddedTarget({ modes, search }: Values['target'], isGiven: IsGiven): unknown {
  for (const flag of NETWORK_FLAGS)
    if (isGiven(flag)) throw new UsageError(`${flag}: has no meaning for the built-in target`);
  const name = EMBEDDED_TARGET_NAME;
  return defined({ name, embedded: {}, modes, search: measureSearch(search, EMBEDDED_DEADLINE) });
}

/** A far end on the network. */
function hostTarget(values: Values['target'], argument: string, isGiven: IsGiven): unknown {
  const { scheme, user, host } = farEndParts(argument, HOST);
  if (scheme !== undefined && isGiven('--protocol') && values.protocol !== scheme)
    throw new UsageError(`${HOST}: the scheme ${scheme}:// contradicts --protocol=${values.protocol ?? ''}`);
  if (user !== undefined && values.user !== undefined && values.user !== user)
    throw new UsageError(`${HOST}: the user before @ contradicts --user=${values.user}`);
  const said = { ...values, ...defined({ protocol: scheme, user }) };
  const { max_idle, connections } = { ...DEFAULT_SEARCH, ...partOfSearch(searchDefaultsIn(said)) };
  const search = {
    ...values.search,
    ...(isGiven('--max-idle') ? {} : { max_idle }),
    ...(isGiven('--connections') ? {} : { connections }),
  };
  return {
    name: host,
    ...reading(HOST, () => parseHostPort(host)),
    ...said,
    search: measureSearch(search, DEFAULT_SEARCH.deadline),
  };
}

/** The flag that set a place of the configuration which `checkTarget` makes. */
function flagOf([, , ...path]: Path): string {
  const flag = flagAt(target, path);
  return flag === undefined ? HOST : nameOf(flag);
}

/** The flag (or the argument) that stands for a key of a target: `--token-file` for `token_file`. */
export function flagFor(key: string): string {
  return flagOf(['targets', 0, key]);
}

/** A text about keys of a target as somebody reads it who has given flags. */
export function inFlags(text: string): string {
  return Object.keys(target)
    .filter((key) => key.includes('_'))
    .reduce((said, key) => said.replaceAll(key, flagFor(key)), text);
}

/** What to measure, checked by the same rules as a target of the configuration file. */
function checkTarget(raw: unknown): TargetConfig {
  try {
    const [checked] = checkConfig({ targets: [raw] }, 'command line', flagOf).targets;
    if (checked === undefined) throw new Error('a checked configuration has its target');
    return checked;
  } catch (error) {
    const [first] = error instanceof ConfigError ? error.problems : [];
    if (first === undefined) throw error;
    // Rules name other keys as the file has them.
    const rule = first.rule.replaceAll('_idle', '-idle');
    const found = first.value === undefined ? '' : `, found ${showValue(first.value)}`;
    throw new UsageError(`${first.path ?? HOST}: ${rule}${found}`);
  }
}

export const measureCommand = command({
  name: 'nat-idle-exporter measure',
  description: 'Measures one path once. IPv6 addresses with a port stand in brackets: [2001:db8::1]:5382.',
  usage: 'HOST[:PORT] [flags]',
  argument: {
    name: 'host',
    help: 'the responder; ssh://[USER@]HOST[:PORT] for any SSH server; nat-tcp-test://HOST; "embedded" for the built-in one behind the built-in NAT',
  },
  table,
  footer: `

Exit status: 0 compliant with RFC 5382 REQ-5, 1 not compliant, 2 usage or configuration error,
3 no verdict (could not measure, interrupted, or everything below 2h4m survived).`,
  options: ({ target: values, profile, ...others }, isGiven, argument): MeasureFlags => {
    const raw =
      argument === EMBEDDED_TARGET_NAME
        ? embeddedTarget(values, isGiven)
        : hostTarget(values, argument, isGiven);
    if (others.pushProxy !== undefined && others.push === undefined)
      throw new UsageError('--push-proxy: has no meaning without --push');
    const checked = checkTarget(raw);
    if (others.acceptNewHostKey && checked.far_end.kind !== 'ssh')
      throw new UsageError('--accept-new-host-key: can only be used with protocol ssh');
    if (others.locate && checked.locate === undefined)
      throw new UsageError(
        '--locate: can only be used with protocol native (both ends have to keep connections fresh)',
      );
    if (profile && !others.locate) throw new UsageError('--profile: has no meaning without --locate');
    const { locate } = checked;
    return {
      ...others,
      target: locate === undefined ? checked : { ...checked, locate: { ...locate, profile } },
    };
  },
});
