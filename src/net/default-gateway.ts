/** The router that this host's packets leave by, out of the kernel's table of routes. */
import { readFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { endianness } from 'node:os';
import ipaddr from 'ipaddr.js';

/** The kernel's IPv4 routes. */
const ROUTES = '/proc/self/net/route';
const RTF_UP = 0x1;
const RTF_GATEWAY = 0x2;

/**
 * The gateway of the default route, when that is the route to an IPv4 address; undefined for IPv6, and where a more
 * special route (this network, a VPN) leads there.
 * @param file the kernel's table of routes, in the form of `/proc/net/route`
 */
export async function defaultGateway(remote: string, file: string = ROUTES): Promise<string | undefined> {
  if (!isIPv4(remote)) return undefined;
  let table: string;
  try {
    table = await readFile(file, 'latin1');
  } catch {
    return undefined;
  }
  const destination = number(ipaddr.IPv4.parse(remote).toByteArray());
  const [best] = table
    .split('\n')
    .slice(1)
    .flatMap((line) => routeOf(line))
    .filter(({ flags, network, mask }) => (flags & RTF_UP) !== 0 && (destination & mask) >>> 0 === network)
    .sort((a, b) => b.mask - a.mask || a.metric - b.metric);
  if (best === undefined || best.mask !== 0 || (best.flags & RTF_GATEWAY) === 0) return undefined;
  return [24, 16, 8, 0].map((shift) => (best.gateway >>> shift) & 0xff).join('.');
}

interface Route {
  readonly network: number;
  readonly gateway: number;
  readonly flags: number;
  readonly metric: number;
  readonly mask: number;
}

function routeOf(line: string): Route[] {
  const [, network, gateway, flags, , , metric, mask] = line.split(/\s+/);
  if (network === undefined || gateway === undefined || flags === undefined || mask === undefined) return [];
  return [
    {
      network: addressOf(network),
      gateway: addressOf(gateway),
      flags: Number.parseInt(flags, 16),
      metric: Number(metric),
      mask: addressOf(mask),
    },
  ];
}

/** The kernel prints an address as a number of its own byte order, in hexadecimal digits. */
function addressOf(hex: string): number {
  const bytes = [...Buffer.from(hex.padStart(8, '0'), 'hex')];
  return number(endianness() === 'LE' ? bytes.reverse() : bytes);
}

function number(bytes: readonly number[]): number {
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}
