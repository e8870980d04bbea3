/** The host of an announced address: its one spelling, and which hosts lead nobody else to an exporter. */
import ipaddr from 'ipaddr.js';
import { isHost } from './listen-address.js';

/** An announced host in its one spelling: a name in lower case, or an address as RFC 5952 writes it. */
export interface AnnouncedHost {
  readonly host: string;
  /** Absent for a name. */
  readonly family?: 4 | 6;
}

/** Addresses that mean another machine to Prometheus than to the announcer, or none, or many. */
const UNREACHABLE: Readonly<Record<string, string>> = {
  unspecified: 'an unspecified address is not served',
  loopback: 'a loopback address is not served',
  linkLocal: 'a link-local address is not served',
  multicast: 'a multicast address is not served',
  broadcast: 'a broadcast address is not served',
};

/**
 * Where clouds serve the metadata of a machine, its credentials among them, outside of link-local addresses. By address
 * in the one spelling.
 * @see https://docs.aws.amazon.com/whitepapers/latest/ipv6-on-aws/supporting-amazon-vpc-services.html fd00:ec2::254
 * @see https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata 100.100.100.200
 * @see https://docs.oracle.com/en/cloud/iaas-classic/compute-iaas-cloud/stcsg/retrieving-instance-metadata.html
 * 192.0.0.192
 */
const METADATA_SERVICES: ReadonlySet<string> = new Set(['fd00:ec2::254', '100.100.100.200', '192.0.0.192']);

/**
 * Names of the machine that asks: RFC 6761 gives `localhost` and all below it to it, `/etc/hosts` of Debian and of Red
 * Hat the others.
 */
const OWN_NAME =
  /^(?:(?:.*\.)?localhost|localhost\.localdomain|localhost[46](?:\.localdomain[46])?|ip6-(?:localhost|loopback))$/;

/**
 * Judges the host of an announced address, without brackets; a text of at most 64 printable ASCII characters says what
 * is wrong with it. A dot at its end changes nothing.
 */
export function announcedHost(named: string): AnnouncedHost | string {
  if (!isHost(named)) return 'the host must be a host name or an address';
  const host = named.toLowerCase().replace(/\.$/, '');
  if (!ipaddr.isValid(host)) return OWN_NAME.test(host) ? (UNREACHABLE['loopback'] ?? '') : { host };
  // An IPv4 address in the clothes of an IPv6 address is judged and written as what it is.
  const address = ipaddr.process(host);
  const settled = address.toString();
  if (METADATA_SERVICES.has(settled)) return "an address of a cloud's metadata service is not served";
  return UNREACHABLE[address.range()] ?? { host: settled, family: address.kind() === 'ipv6' ? 6 : 4 };
}
