/** The part of a URL or header that names a server: a host and perhaps a port, in one spelling. */
import ipaddr from 'ipaddr.js';
import { AddressError, familyOf, isHost } from '../config/listen-address.js';
import { visible } from '../visible.js';

/** A host in its one spelling (lower case, no dot at its end, addresses as RFC 5952 writes them) and the port. */
export interface Authority {
  readonly host: string;
  readonly port: number | undefined;
}

/** Reads `HOST`, `HOST:PORT` or `[V6]:PORT`; undefined for anything else. The port may be empty. */
export function readAuthority(text: string): Authority | undefined {
  const [, bracketed, plain = '', digits = ''] =
    /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d{0,5}))?$/.exec(text) ?? [];
  const port = digits === '' ? undefined : Number(digits);
  const host = bracketed === undefined ? settledName(plain) : settledAddress(bracketed);
  return host === undefined ? undefined : { host, port };
}

/** An IPv6 address with or without its zone, which says nothing to anybody else. */
function settledAddress(text: string): string | undefined {
  const address = text.replace(/%[\w.~%-]+$/, '');
  return familyOf(address) === 6 ? `[${ipaddr.parse(address).toString()}]` : undefined;
}

/**
 * A name or a dotted IPv4 address. What ends in a number is an address to a browser, which writes it in four parts: in
 * another spelling (`2130706433`, `0x7f.1`, `127.1`) it is neither.
 * @see https://url.spec.whatwg.org/#ends-in-a-number-checker
 */
export function settledName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, '');
  if (familyOf(name) === 4) return name;
  if (name.includes(':') || !isHost(name) || /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(name)) return undefined;
  return name;
}

/** Whether a host in its one spelling is an address, not a name. */
export function isAddress(host: string): boolean {
  return host.startsWith('[') || familyOf(host) === 4;
}

/**
 * Reads a value of `--web.allowed-host`: a host name, an address, or `*.example` for every name below `example`.
 * @returns the one spelling of it
 * @throws AddressError when it is something else
 */
export function parseAllowedHost(text: string): string {
  if (/[^\0-\x7f]/.test(text))
    throw new AddressError('host must be in ASCII, other letters as xn--…', visible(text));
  const below = text.startsWith('*.');
  const bare = below ? text.slice(2) : text;
  const host = familyOf(bare) === 6 ? settledAddress(bare) : readAuthority(bare)?.host;
  const hasPort = /^[^:]*:\d*$|\]:\d*$/.test(bare);
  if (host === undefined || hasPort || (below && isAddress(host))) {
    const rule =
      'host must be a host name, an address, or *.NAME for the names below NAME, without scheme, port and path';
    throw new AddressError(rule, text);
  }
  return below ? `*.${host}` : host;
}
