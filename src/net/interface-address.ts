/** Which address of a network interface connections start from: read whenever it is asked, for leases change. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';
import type { Remedy } from '../config/remedy.js';
import { addressClass } from '../core/diagnosis/address-class.js';

/** What was read is taken for so long at least, milliseconds: many targets ask at once. */
const FRESH = 100;
/** And for so many times as long as reading took: with two thousand interfaces that is 0.3 s. */
const FRESH_TIMES = 20;

/** The kernel's IPv6 addresses, with the flags that Node leaves out. */
const IPV6_ADDRESSES = '/proc/self/net/if_inet6';
/** A line for every interface, with and without addresses. */
const INTERFACES = '/proc/self/net/dev';

/** @see include/uapi/linux/if_addr.h of the kernel */
const [TEMPORARY, OPTIMISTIC, DUPLICATE, DEPRECATED, TENTATIVE] = [0x01, 0x04, 0x08, 0x20, 0x40];

/** Thrown where an interface has no address that a connection could start from. */
export class InterfaceError extends Error {
  override readonly name = 'InterfaceError';
  readonly remedy: Remedy = 'interface';
}

/** What is known of the addresses of this host. */
export interface HostAddresses {
  readonly interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;
  /** In the form of `/proc/net/if_inet6`; empty where nobody knows the flags. */
  readonly flags: string;
  /** In the form of `/proc/net/dev`; empty where nobody knows the interfaces without addresses. */
  readonly devices: string;
}

let read: { readonly until: number; readonly addresses: HostAddresses } | undefined;

function hostAddresses(): HostAddresses {
  const began = performance.now();
  if (read !== undefined && began < read.until) return read.addresses;
  const addresses = {
    interfaces: networkInterfaces(),
    flags: contentsOf(IPV6_ADDRESSES),
    devices: contentsOf(INTERFACES),
  };
  const now = performance.now();
  read = { until: now + Math.max(FRESH, FRESH_TIMES * (now - began)), addresses };
  return addresses;
}

function contentsOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/**
 * The address of an interface from which connections to a far end start. One that is deprecated comes after those that
 * are not, a temporary one after a stable one, one of another scope (link-local, private, public) than the far end's after
 * one of the same, and link-local where there is no other.
 *
 * @param remote the far end's address, whose family counts
 * @param inUse what connections start from now: kept where none is better
 * @see RFC 6724, section 5, rules 2, 3 and 7 (the last one turned round: a temporary address goes within days)
 * @throws InterfaceError
 */
export function interfaceAddress(
  name: string,
  remote: string,
  inUse?: string,
  host: HostAddresses = hostAddresses(),
): string {
  const family = isIP(remote) === 6 ? 'IPv6' : 'IPv4';
  const own = (Object.hasOwn(host.interfaces, name) ? host.interfaces[name] : undefined) ?? [];
  const flagsOf = family === 'IPv6' ? kernelFlags(name, host.flags) : () => 0;
  const [best] = own
    .filter((each) => each.family === family && isUsable(flagsOf(each.address)))
    .map((each) => {
      const address = addressClass(each.address) === 'link_local' ? zoned(each, name) : each.address;
      return { address, rank: rankOf(each.address, remote, flagsOf(each.address)), used: address === inUse };
    })
    .sort((one, other) => one.rank - other.rank || Number(other.used) - Number(one.used));
  if (best !== undefined) return best.address;
  throw new InterfaceError(`interface ${name} ${whyNone(name, family, own.length > 0, host.devices)}`);
}

/** A link-local IPv6 address means nothing without its interface. */
function zoned({ family, address }: NetworkInterfaceInfo, name: string): string {
  return family === 'IPv6' ? `${address}%${name}` : address;
}

/** Less is better. */
function rankOf(address: string, remote: string, flags: number): number {
  const [own, far] = [addressClass(address), addressClass(remote.replace(/%.*$/, ''))];
  const scope = own === far ? 0 : own === 'link_local' ? 2 : 1;
  return scope * 4 + (flags & DEPRECATED ? 2 : 0) + (flags & TEMPORARY ? 1 : 0);
}

/** Whether connections can start from it: not while it is found out whether somebody else has it. */
function isUsable(flags: number): boolean {
  return !(flags & DUPLICATE) && (!(flags & TENTATIVE) || (flags & OPTIMISTIC) !== 0);
}

/** The flags of an interface's IPv6 addresses; none of one that the table has not. */
function kernelFlags(name: string, table: string): (address: string) => number {
  return (address) => {
    const rows = table.matchAll(new RegExp(`^${hexOf(address)} (?:\\S+ ){3}(\\S+) +(\\S+)$`, 'gm'));
    const [, flags = '0'] = [...rows].find(([, , device]) => device === name) ?? [];
    return Number.parseInt(flags, 16);
  };
}

function hexOf(address: string): string {
  return Buffer.from(ipaddr.parse(address.replace(/%.*$/, '')).toByteArray()).toString('hex');
}

function whyNone(name: string, family: string, hasOthers: boolean, devices: string): string {
  if (hasOthers) return `has no ${family} address`;
  const known = devices.split('\n').flatMap((line) => /^\s*(\S+):/.exec(line)?.[1] ?? []);
  if (known.length > 0 && !known.includes(name)) return 'does not exist';
  return `is down or has no ${family} address`;
}
