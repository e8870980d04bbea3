/** `responder`: the far end. */
import { type ListenAddress, parseListenAddress } from '../config/listen-address.js';
import { DEFAULT_LIMITS } from '../responder/limits.js';
import { type ListenAddresses, type ServerName, SERVERS } from '../responder/servers.js';
import { formatDuration, parseDuration, type Seconds } from '../units.js';
import { command, type IsGiven } from './command.js';
import {
  type Flag,
  group,
  list,
  on,
  optional,
  text,
  UsageError,
  type ValuesOf,
  wholeNumber,
} from './flags.js';
import { logTable, nativeTable, siteUrl, webTable } from './shared-flags.js';

/** Nobody but this host: what the responder tells of its callers is for its operator. */
const WEB_ADDRESS = '127.0.0.1:15383';

/** The shortest and the longest time that an exporter may be listed. */
const SHORTEST_TTL: Seconds = 3;
const LONGEST_TTL: Seconds = 86_400;

/** Most connections that a limit can be set to. */
const MOST_CONNECTIONS = 10_000_000;

function ttl(found: string): Seconds {
  const duration = parseDuration(found);
  if (duration >= SHORTEST_TTL && duration <= LONGEST_TTL) return duration;
  const bounds = `${formatDuration(SHORTEST_TTL)} to ${formatDuration(LONGEST_TTL)}`;
  throw new UsageError(`must be from ${bounds}`, formatDuration(duration));
}

/** What a listen address is called in the help. */
const ADDRESS = '<[host]:port>';

/** A server that is off unless its address is given. */
function legacy({ flag, help, port }: (typeof SERVERS)[ServerName]): Flag<readonly ListenAddress[]> {
  const read = (found: string) => (found === '' ? [] : [parseListenAddress(found)]);
  return text(`${flag} ${ADDRESS}`, `${help}, there :${port}`, undefined, read);
}

const table = {
  ...group('Native protocol:', {
    native: list(
      `${SERVERS.native.flag} ${ADDRESS}`,
      SERVERS.native.help,
      parseListenAddress,
      `:${SERVERS.native.port}`,
    ),
    tokenFile: optional('--token-file <file>', 'file with the random token that clients must know'),
    /** Processes that share the native port. */
    workers: wholeNumber('--workers <n>', 'processes that share the work, 1 to 64', 1, 1, 64),
  }),
  discovery: group('Discovery:', {
    isOn: on(
      '--discovery',
      'list exporters that announce themselves at /api/v1/http_sd; needs a token, users or client certificates, and --web.listen-address',
    ),
    ttl: text('--discovery.ttl <duration>', 'how long one is listed after it was last heard', '15m', ttl),
  }),
  ...group('Legacy protocol of NAT-TCP-test (off unless set):', {
    legacyEcho: legacy(SERVERS.legacyEcho),
    legacySleep: legacy(SERVERS.legacySleep),
  }),
  ...group('Limits:', {
    maxConnections: wholeNumber(
      '--max-connections <n>',
      'connections held at once, a quarter of them legacy ones at most',
      DEFAULT_LIMITS.maxConnections,
      1,
      MOST_CONNECTIONS,
    ),
    maxConnectionsPerClient: wholeNumber(
      '--max-connections-per-client <n>',
      'connections held at once for one client address, and as many legacy ones',
      DEFAULT_LIMITS.maxConnectionsPerClient,
      1,
      MOST_CONNECTIONS,
    ),
  }),
  web: group('Web:', {
    ...webTable(WEB_ADDRESS),
    /** Without a slash at its end. */
    externalUrl: optional(
      '--web.external-url <url>',
      'where people reach the pages; alerts link to the runbook there',
      siteUrl,
    ),
  }),
  ...nativeTable(),
  log: logTable(),
};

type Values = ValuesOf<typeof table>;

export type ResponderFlags = Omit<Values, ServerName | 'discovery'> & {
  /** At least one address of the native protocol. */
  readonly listen: ListenAddresses;
  /** Exporters may announce themselves; absent: they may not. */
  readonly discovery?: {
    /** How long an exporter is listed after its last announcement. */
    readonly ttl: Seconds;
  };
};

/** Discovery is only for those who know the token, and told only to those who log in. */
function checkDiscovery({ tokenFile, web }: Values, isGiven: IsGiven): void {
  const lacking = [
    ...(tokenFile === undefined ? ['--token-file'] : []),
    ...(web.configFile === undefined ? ['--web.config.file'] : []),
  ];
  if (lacking.length > 0) {
    const why = 'only who knows the token may announce an exporter, only who logs in may read the list';
    throw new UsageError(`--discovery: needs ${lacking.join(' and ')} (${why})`);
  }
  if (!isGiven('--web.listen-address')) {
    const why = `nobody but this host could read the list at ${WEB_ADDRESS}`;
    throw new UsageError(`--discovery: needs --web.listen-address (${why})`);
  }
}

export const responderCommand = command({
  name: 'nat-idle-exporter responder',
  description: 'Answers probes: the far end of a measurement, on a host with a public address.',
  usage: '[flags]',
  table,
  options: (values, isGiven): ResponderFlags => {
    const { native, legacyEcho, legacySleep, discovery, ...others } = values;
    const flags = { ...others, listen: { native, legacyEcho, legacySleep } };
    if (!discovery.isOn) return flags;
    checkDiscovery(values, isGiven);
    return { ...flags, discovery: { ttl: discovery.ttl } };
  },
});
