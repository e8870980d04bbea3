/** Whose connection it is: what counts as one client, for every door of the process. */
import { isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** An IPv4 address mapped into IPv6 is that IPv4 address; a zone is of no use to anybody else. */
export function plainAddress(address: string): string {
  if (!address.includes(':')) return address;
  const mapped = /^::ffff:([0-9.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  return address.replace(/%.*$/, '');
}

/** What counts as one client: an IPv4 address, or the first 64 bits of an IPv6 address. */
export function clientKey(address: string): string {
  const plain = plainAddress(address);
  if (!plain.includes(':') || !ipaddr.IPv6.isValid(plain)) return plain;
  const prefix = ipaddr.IPv6.parse(plain).parts.slice(0, 4);
  return `${prefix.map((group) => group.toString(16)).join(':')}::/64`;
}
