/** Flags that several commands have. */
import { httpUrlProblem } from '../config/fields.js';
import { parseListenAddress } from '../config/listen-address.js';
import { LOG_FORMATS, LOG_LEVELS, type LogLevel } from '../log.js';
import { parseAllowedHost } from '../web/host-guard.js';
import { TELEMETRY_PATH } from '../wire/announcement.js';
import { group, ifGiven, list, oneOf, optional, text, UsageError } from './flags.js';

/** `--log.*`. */
export function logTable(level: LogLevel = 'info') {
  return group('Log (standard error):', {
    level: oneOf('--log.level <level>', 'least level', LOG_LEVELS, level),
    format: oneOf('--log.format <format>', 'form of a line', LOG_FORMATS, 'logfmt'),
  });
}

/** Paths that the sites use themselves, as loosely as they are matched there. */
const TAKEN_PATHS = /^\/(-|api|assets|config|report)(\/|$)/i;

function telemetryPath(path: string): string {
  const found = JSON.stringify(path);
  if (!TELEMETRY_PATH.test(path)) {
    const rule = 'must begin with / and consist of letters, digits and / . _ ~ -';
    throw new UsageError(`${rule}, found ${found}`);
  }
  if (TAKEN_PATHS.test(path)) throw new UsageError(`belongs to another page, found ${found}`);
  return path;
}

/** `--web.*` as the exporter and the responder have them. */
export function webTable(address: string) {
  return group('Web:', {
    listenAddresses: list(
      '--web.listen-address <[host]:port>',
      'where to serve HTTP',
      parseListenAddress,
      address,
    ),
    telemetryPath: text('--web.telemetry-path <path>', 'where the metrics are', '/metrics', telemetryPath),
    configFile: optional(
      '--web.config.file <file>',
      'TLS, users and headers, in the form of the Prometheus exporter-toolkit',
    ),
    /** As `parseAllowedHost` writes them; absent: none beside the usual ones. */
    allowedHosts: ifGiven(
      list(
        '--web.allowed-host <name>',
        'one more host name by which browsers may call this server; *.NAME for all below NAME',
        parseAllowedHost,
      ),
    ),
  });
}

/**
 * The address of an HTTP service. What is wrong with it may be a password in it: it is not repeated.
 *
 * @param elsewhere where user and password belong instead
 */
export function httpUrl(url: string, elsewhere = ''): string {
  const wrong = httpUrlProblem(url);
  if (wrong !== undefined) throw new UsageError(wrong.includes('password') ? wrong + elsewhere : wrong);
  return url;
}
