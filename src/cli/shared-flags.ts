/** Flags that several commands have. */
import { httpUrlProblem, proxyUrlProblem, siteUrlOf, siteUrlProblem } from '../config/fields.js';
import { parseListenAddress } from '../config/listen-address.js';
import { LOG_FORMATS, LOG_LEVELS, type LogLevel } from '../log.js';
import { parseAllowedHost } from '../web/authority.js';
import { TELEMETRY_PATH } from '../wire/announcement.js';
import { group, ifGiven, list, oneOf, optional, text, UsageError } from './flags.js';

/** `--log.*`. */
export function logTable(level: LogLevel = 'info') {
  return group('Log (standard error):', {
    level: oneOf('--log.level <level>', 'least level', LOG_LEVELS, level),
    format: oneOf('--log.format <format>', 'form of a line', LOG_FORMATS, 'logfmt'),
  });
}

/** `--socket-options`. */
export function nativeTable() {
  return group('Native code:', {
    socketOptions: oneOf(
      '--socket-options <when>',
      'whether the library koffi may be loaded, for TTLs and TCP_INFO',
      ['auto', 'off'],
      'auto',
    ),
  });
}

/** Paths that the sites use themselves, as loosely as they are matched there. */
const TAKEN_PATHS = /^\/(-|api|assets|config|report|runbook|known-timeouts)(\/|$)/i;

function telemetryPath(path: string): string {
  const found = JSON.stringify(path);
  if (!TELEMETRY_PATH.test(path)) {
    const rule = 'must begin with / and consist of letters, digits and / . _ ~ -';
    throw new UsageError(`${rule}, found ${found}`);
  }
  if (TAKEN_PATHS.test(path)) throw new UsageError(`belongs to another page, found ${found}`);
  return path;
}

function routePrefix(path: string): string {
  if (path === '/') return '';
  const prefix = path.replace(/\/$/, '');
  if (/^(\/[\w.~-]+)+$/.test(prefix)) return prefix;
  const rule = 'must be / or a path of letters, digits and . _ ~ - such as /nat-idle';
  throw new UsageError(`${rule}, found ${JSON.stringify(path)}`);
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
    /** Empty, or a path without a slash at its end. */
    routePrefix: text(
      '--web.route-prefix <path>',
      'path below which everything is served, for a reverse proxy that keeps it',
      '/',
      routePrefix,
    ),
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

/** The address of a site's first page, without a slash at its end. */
export function siteUrl(url: string): string {
  const wrong = siteUrlProblem(url);
  if (wrong !== undefined) throw new UsageError(wrong);
  return siteUrlOf(url);
}

/** The address of an HTTP proxy. */
export function proxyUrl(url: string): string {
  const wrong = proxyUrlProblem(url);
  if (wrong !== undefined) throw new UsageError(wrong);
  return url;
}
