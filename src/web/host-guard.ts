/** Which requests may be answered by their `Host` and `Origin`: keeps out pages of other sites and rebound names. */
import type { IncomingHttpHeaders } from 'node:http';
import { hostname } from 'node:os';
import { visible } from '../visible.js';
import { isAddress, readAuthority, settledName } from './authority.js';
import { MANUAL_PATHS } from './manual.js';
import { HEALTH_PATHS } from './route-prefix.js';

/** What the guard looks at; node:http's IncomingMessage fits. */
export interface GuardedRequest {
  readonly method?: string;
  readonly url?: string;
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  /** Whether TLS ends in this process. */
  readonly socket: { readonly encrypted?: boolean };
}

export interface HostGuardOptions {
  /** What `parseAllowedHost` made of the hosts that are allowed beside the usual ones. */
  readonly allowedHosts?: readonly string[];
  /** Where the metrics are, `/metrics` unless said otherwise. */
  readonly telemetryPath?: string;
  /** The name of this machine. */
  readonly ownName?: string;
  /** The host under which people reach the site by its `external_url`, where there is one. */
  readonly externalHost?: () => string | undefined;
}

export interface HostRefusal {
  readonly status: 400 | 403 | 421;
  /** One line. */
  readonly text: string;
}

/** Beside the metrics they answer under any name: monitoring calls a server as it likes, and they show no addresses. */
const OPEN_PATHS: readonly string[] = [...HEALTH_PATHS, ...MANUAL_PATHS];

/** Methods that change nothing. */
const SAFE_METHODS: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

/**
 * Names that no public DNS has, so that nobody outside can point one of them here.
 * @see RFC 6762 (local), RFC 8375 (home.arpa), RFC 6761 (localhost), ICANN's reservation of internal; `svc` is the zone
 * of Kubernetes' services, `lan` that of many home routers, and neither is delegated.
 */
const PRIVATE_NAME = /(?:^|\.)(?:localhost|local|lan|home\.arpa|internal|svc)$/;

/** Longest part of a foreign host that an answer repeats. */
const LONGEST_SHOWN = 100;

const FLAG = '--web.allowed-host';

/** Judges requests by their host and by the site that they come from. */
export class HostGuard {
  readonly #allowed: readonly string[];
  readonly #open: ReadonlySet<string>;
  readonly #ownName: string | undefined;
  readonly #externalHost: () => string | undefined;

  constructor(options: HostGuardOptions = {}) {
    this.#allowed = options.allowedHosts ?? [];
    this.#open = new Set([options.telemetryPath ?? '/metrics', ...OPEN_PATHS].map(routed));
    this.#ownName = settledName(options.ownName ?? hostname());
    this.#externalHost = options.externalHost ?? (() => undefined);
  }

  /**
   * Why the request may not be answered, or undefined when it may.
   * @param protectedReading whether nobody reads without a login, which a page from elsewhere does not have
   */
  refusal(request: GuardedRequest, protectedReading: boolean): HostRefusal | undefined {
    const { method = '', url = '', headers } = request;
    const hosts = request.rawHeaders.filter((name, index) => index % 2 === 0 && /^host$/i.test(name));
    if (hosts.length > 1) return { status: 400, text: 'several Host headers' };
    // `GET http://host/path HTTP/1.1`: the target's own host counts as much as the header.
    const [, target, targetPath] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(.*)$/is.exec(url) ?? [];
    if (target !== undefined && readAuthority(target) === undefined)
      return { status: 400, text: 'the host of the request target cannot be read' };
    const path = (targetPath ?? url).split('?', 1)[0] ?? '';
    const changes = !SAFE_METHODS.includes(method);
    if (!changes && (protectedReading || this.#open.has(routed(path)))) return undefined;
    for (const named of target === undefined ? [headers.host ?? ''] : [target, headers.host ?? ''])
      if (!this.#isOurs(named)) return { status: 421, text: misdirected(named) };
    return this.#foreign(request, changes);
  }

  /** Whether this server may go by the name that a request calls it. */
  #isOurs(named: string): boolean {
    const host = readAuthority(named)?.host;
    if (host === undefined) return false;
    if (isAddress(host) || !host.includes('.') || host === this.#ownName) return true;
    return PRIVATE_NAME.test(host) || this.#isListed(host);
  }

  #isListed(host: string): boolean {
    if (host === this.#externalHost()) return true;
    return this.#allowed.some((allowed) =>
      allowed.startsWith('*.') ? host.endsWith(allowed.slice(1)) : host === allowed,
    );
  }

  /** Whether a page of another site sent the request. Programs that are no browsers send neither header. */
  #foreign({ headers, socket }: GuardedRequest, changes: boolean): HostRefusal | undefined {
    const { host = '', origin } = headers;
    if (origin !== undefined && !this.#isSameSite(origin, host, socket.encrypted === true)) {
      const text = `requests from other sites are not allowed: Origin ${shown(origin)} is neither this host nor named by ${FLAG}`;
      return { status: 403, text };
    }
    const site = headers['sec-fetch-site'];
    if (!changes || site === undefined || site === 'same-origin' || site === 'none') return undefined;
    return {
      status: 403,
      text: `requests from other sites are not allowed: Sec-Fetch-Site ${shown(site)}`,
    };
  }

  /**
   * Host and port of both are compared; the scheme is not, because a proxy may end TLS. A proxy that rewrites `Host`
   * leaves the name that the browser knows in `Origin`: then it has to be listed.
   */
  #isSameSite(origin: string, host: string, encrypted: boolean): boolean {
    const [, scheme = '', rest = ''] = /^(https?):\/\/(.*)$/i.exec(origin) ?? [];
    const theirs = readAuthority(rest);
    if (theirs === undefined) return false;
    if (this.#isListed(theirs.host)) return true;
    const ours = readAuthority(host);
    if (ours?.host !== theirs.host) return false;
    const port = theirs.port ?? (scheme.toLowerCase() === 'https' ? 443 : 80);
    // Without TLS of our own, either scheme's usual port may have been left out on the way here.
    if (ours.port === undefined) return port === 443 || (port === 80 && !encrypted);
    return port === ours.port;
  }
}

/** A path as the sites match it: in any case, with a slash at its end or without. */
function routed(path: string): string {
  return path.toLowerCase().replace(/(.)\/$/, '$1');
}

function misdirected(named: string): string {
  const what = named === '' ? 'a request without a Host' : `the host ${shown(named)}`;
  return `${what} is not served: it is neither an address nor a name of this server (${FLAG}=NAME allows one more)`;
}

function shown(text: string): string {
  const cut = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
  return visible(JSON.stringify(cut));
}
