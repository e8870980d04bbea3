/** `measure`: one path, once. */
import type { TargetConfig } from '../config/config.js';
import {
  DEFAULT_ECHO_PORT,
  DEFAULT_PROTOCOL,
  DEFAULT_SLEEP_PORT,
  EMBEDDED_TARGET_NAME,
  PROTOCOL_NAMES,
} from '../config/far-ends.js';
import { parseHostPort } from '../config/listen-address.js';
import { checkConfig } from '../config/load.js';
import { ConfigError, showValue } from '../config/problem.js';
import type { Path } from '../config/rules.js';
import { DEFAULT_SEARCH } from '../config/schema.js';
import { MODES } from '../core/modes.js';
import { defined } from '../defined.js';
import { REPORT_FORMATS } from '../report/report-forms.js';
import { formatDuration, parseDuration, type Seconds } from '../units.js';
import { command, type IsGiven } from './command.js';
import {
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
import { httpUrl, logTable } from './shared-flags.js';

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
    family: text('--family <family>', 'address family: 4, 6 or any', 'any', (found) =>
      found === '4' || found === '6' ? Number(found) : unlessEmpty(found),
    ),
    local_address: optional('--local-address <address>', 'address of this host to probe from'),
    token_file: optional('--token-file <file>', "file with the responder's token"),
  }),
};

const table = {
  target,
  ...group('Output:', {
    json: on('--json', 'print the result as JSON'),
    report: reportFile(REPORT_FORMATS),
    redact: on('--redact', 'placeholders instead of addresses and host names in the report and in the JSON'),
    push: optional('--push <url>', 'send the metrics of the result to this Pushgateway', httpUrl),
    quiet: on('--quiet', 'no progress, only the result'),
  }),
  log: logTable('error'),
};

type Values = ValuesOf<typeof table>;

export type MeasureFlags = Omit<Values, 'target'> & {
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

/** The built-in responder behind the built-in NAT. A host of that name is written with its port. */
function embeddedTarget({ modes, search }: Values['target'], isGiven: IsGiven): unknown {
  for (const flag of ['--protocol', '--family', '--local-address', '--token-file'])
    if (isGiven(flag)) throw new UsageError(`${flag}: has no meaning for the built-in target`);
  const name = EMBEDDED_TARGET_NAME;
  return defined({ name, embedded: {}, modes, search: measureSearch(search, EMBEDDED_DEADLINE) });
}

/** A far end on the network. */
function hostTarget(values: Values['target'], argument: string): unknown {
  const search = measureSearch(values.search, DEFAULT_SEARCH.deadline);
  return { name: argument, ...reading(HOST, () => parseHostPort(argument)), ...values, search };
}

/** The flag that set a place of the configuration which `checkTarget` makes. */
function flagOf([, , ...path]: Path): string {
  const flag = flagAt(target, path);
  return flag === undefined ? HOST : nameOf(flag);
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
    help: 'the responder, or "embedded" for the built-in one behind the built-in NAT',
  },
  table,
  footer: `

Exit status: 0 compliant with RFC 5382 REQ-5, 1 not compliant, 2 usage or configuration error,
3 no verdict (could not measure, interrupted, or everything below 2h4m survived).`,
  options: ({ target: values, ...others }, isGiven, argument): MeasureFlags => {
    const raw =
      argument === EMBEDDED_TARGET_NAME ? embeddedTarget(values, isGiven) : hostTarget(values, argument);
    return { ...others, target: checkTarget(raw) };
  },
});
