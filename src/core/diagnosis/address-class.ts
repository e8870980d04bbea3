/** Where an address belongs. */
import ipaddr from 'ipaddr.js';
import type { AddressClass } from './outcome.js';

/**
 * The class of an IPv4 or IPv6 address without port; an IPv4-mapped IPv6 address counts as the IPv4 one.
 * `other` for what is no address, and for multicast, documentation and other ranges without a use on a path.
 * @see RFC 6598 (100.64.0.0/10), RFC 1918, RFC 4193
 */
export function addressClass(address: string): AddressClass {
  if (!ipaddr.isValid(address)) return 'other';
  const range = ipaddr.process(address).range();
  switch (range) {
    case 'unicast':
      return 'public';
    case 'private':
    case 'uniqueLocal':
      return 'private';
    case 'carrierGradeNat':
      return 'cgn';
    case 'loopback':
      return 'loopback';
    case 'linkLocal':
      return 'link_local';
    default:
      return 'other';
  }
}

/**
 * Whether two texts are one address in different spellings. A zone is of no use to anybody but its own host, so that a
 * far end never says it; texts that are no addresses are compared as they are.
 */
export function sameAddress(one: string, other: string): boolean {
  return canonical(one) === canonical(other);
}

function canonical(address: string): string {
  const plain = address.replace(/%.*$/, '');
  return ipaddr.isValid(plain) ? ipaddr.process(plain).toString() : address;
}
