/** Addresses that a server listens on and a client connects to, as people write them on a command line. */
import ipaddr from 'ipaddr.js';

/** Where to listen; without `host` on every address of the machine, both IPv4 and IPv6. */
export interface ListenAddress {
  readonly host?: string;
  /** 0 … 65535; 0 lets the kernel choose. */
  readonly port: number;
}

/** A far end as the user wrote it. */
export interface HostPort {
  readonly host: string;
  /** 1 … 65535. */
  readonly port?: number;
}

/** An address cannot be read; the message names the rule and the text found. */
export class AddressError extends Error {
  override readonly name = 'AddressError';

  constructor(rule: string, found: string) {
    super(`${rule}, found ${JSON.stringify(found)}`);
  }
}

/** A host name: labels of letters, digits, `-` and `_`, joined by dots, with an optional dot at the end. */
const HOST_NAME =
  /^(?=.{1,253}\.?$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i;

/** Whether the text is an IPv4 address (dotted, four parts) or an IPv6 address without brackets. */
export function familyOf(host: string): 4 | 6 | undefined {
  if (ipaddr.IPv4.isValidFourPartDecimal(host)) return 4;
  if (ipaddr.IPv6.isValid(host)) return 6;
  return undefined;
}

/** Whether the text can be a host name or an address. Names of digits and dots only are mistyped addresses. */
export function isHost(host: string): boolean {
  if (familyOf(host) !== undefined) return true;
  return HOST_NAME.test(host) && !/^[\d.]+$/.test(host);
}

/** Reads decimal digits as a port number, or undefined when they are not one. */
function portOf(digits: string, least: number): number | undefined {
  if (!/^\d{1,5}$/.test(digits)) return undefined;
  const port = Number(digits);
  return port >= least && port <= 65_535 ? port : undefined;
}

/**
 * Reads `:15382`, `127.0.0.1:15382`, `localhost:15382` or `[::1]:15382`.
 * @throws AddressError when the port is missing or out of range, or the host is neither a name nor an address
 */
export function parseListenAddress(text: string): ListenAddress {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*)):([^:\]]*)$/.exec(text) ?? [];
  if (digits === undefined) {
    throw new AddressError('listen address must be [HOST]:PORT with IPv6 addresses in brackets', text);
  }
  const port = portOf(digits, 0);
  if (port === undefined) throw new AddressError('listen address must end with a port from 0 to 65535', text);
  if (bracketed !== undefined) {
    if (familyOf(bracketed) !== 6)
      throw new AddressError('listen address must have an IPv6 address in brackets', text);
    return { host: bracketed, port };
  }
  if (plain === undefined || plain === '') return { port };
  if (!isHost(plain)) throw new AddressError('listen address must have a host name or an IP address', text);
  return { host: plain, port };
}

/** Writes a listen address as `parseListenAddress` reads it. */
export function formatListenAddress({ host, port }: ListenAddress): string {
  if (host === undefined) return `:${port}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Reads `HOST`, `HOST:PORT`, `[2001:db8::1]`, `[2001:db8::1]:PORT` or a bare IPv6 address that cannot be one with a port.
 * @throws AddressError when the host is neither a name nor an address, or the port is out of range
 */
export function parseHostPort(text: string): HostPort {
  const forgotten = withoutBrackets(text);
  if (forgotten !== undefined) {
    const { address, digits } = forgotten;
    const other = familyOf(text) === 6 ? `, or [${text}] without a port` : '';
    throw new AddressError(`an IPv6 address stands in brackets: write [${address}]:${digits}${other}`, text);
  }
  if (familyOf(text) === 6) return { host: text };
  const [, bracketed, plain, digits] = /^(?:\[([^\]]*)\]|([^:]*))(?::([^:]*))?$/.exec(text) ?? [];
  if (bracketed !== undefined && familyOf(bracketed) !== 6) {
    throw new AddressError('host must have an IPv6 address in brackets', text);
  }
  const host = bracketed === undefined ? plain : inFullWherePortLike(bracketed);
  if (host === undefined || !isHost(host)) {
    throw new AddressError('host must be a host name, an IPv4 address or an IPv6 address', text);
  }
  if (digits === undefined) return { host };
  const port = portOf(digits, 1);
  if (port === undefined) throw new AddressError('port must be a number from 1 to 65535', text);
  return { host, port };
}

/** An address whose end looks like a port, with all its groups: so it can be taken for nothing else. */
function inFullWherePortLike(address: string): string {
  return withoutBrackets(address) === undefined ? address : ipaddr.IPv6.parse(address).toNormalizedString();
}

/** The parts of an IPv6 address with a port behind it that seems to have forgotten its brackets. */
export function withoutBrackets(
  text: string,
): { readonly address: string; readonly digits: string } | undefined {
  const [, address = '', digits = ''] = /^([^[\]]+):([1-9]\d{0,4})$/.exec(text) ?? [];
  return familyOf(address) === 6 && portOf(digits, 1) !== undefined ? { address, digits } : undefined;
}
