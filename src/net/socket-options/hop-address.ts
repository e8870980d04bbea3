/**
 * Who stands at a hop: a TCP connection is begun with so small a TTL that the router there has to discard its first
 * packet, and says so. The kernel keeps that word, with its sender, in the error queue of the socket.
 * @see ip(7) on IP_RECVERR
 */
import ipaddr from 'ipaddr.js';
import { setTimeout } from 'node:timers/promises';
import { type Seconds, toMilliseconds } from '../../units.js';
import type { Endpoint } from '../link.js';
import { systemCalls } from './library.js';
import * as linux from './linux.js';
import type { SystemCalls } from './system-calls.js';
import { timeExceededSender } from './time-exceeded.js';

/** How often the error queue is read. */
const LOOK: Seconds = 0.05;

/** Descriptors that are held here now. */
let open = 0;

/** How many descriptors are held to find out who stands at hops. */
export function hopDescriptors(): number {
  return open;
}

/**
 * The address of the router at a hop of the way to `endpoint`, as it told it.
 * @param hops 1 to 255
 * @param deadline how long to wait for its word
 * @returns undefined where it says nothing, the far end is nearer, or it cannot be asked
 */
export async function hopAddress(
  { address, port, localAddress }: Endpoint,
  hops: number,
  deadline: Seconds,
  signal: AbortSignal,
): Promise<string | undefined> {
  const calls = systemCalls();
  const isIpv6 = ipaddr.parse(address).kind() === 'ipv6';
  const descriptor = calls?.socket(isIpv6 ? linux.AF_INET6 : linux.AF_INET, linux.CONNECTION) ?? -1;
  if (calls === undefined || descriptor < 0) return undefined;
  open += 1;
  try {
    const set = (option: linux.OptionName, value: number): boolean =>
      calls.setOption(descriptor, option, new Uint8Array(new Int32Array([value]).buffer)) === 0;
    const began =
      set(isIpv6 ? linux.IPV6_UNICAST_HOPS : linux.IP_TTL, hops) &&
      set(isIpv6 ? linux.IPV6_RECVERR : linux.IP_RECVERR, 1) &&
      (localAddress === undefined || calls.bind(descriptor, socketAddress(localAddress, 0)) === 0) &&
      calls.connect(descriptor, socketAddress(address, port)) === -linux.EINPROGRESS;
    if (!began) return undefined;
    for (let waited = 0; waited < deadline && !signal.aborted; waited += LOOK) {
      await setTimeout(toMilliseconds(LOOK));
      const told = errorMessage(calls, descriptor);
      if (told !== undefined) return timeExceededSender(told, calls.wordBytes);
    }
    return undefined;
  } finally {
    calls.close(descriptor);
    open -= 1;
  }
}

/** An address as the kernel has it: `struct sockaddr_in` or `sockaddr_in6`. */
function socketAddress(address: string, port: number): Uint8Array {
  const octets = ipaddr.parse(address).toByteArray();
  const isIpv6 = octets.length > 4;
  const bytes = new Uint8Array(isIpv6 ? 28 : 16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, isIpv6 ? linux.AF_INET6 : linux.AF_INET, linux.LITTLE_ENDIAN);
  view.setUint16(2, port);
  bytes.set(octets, isIpv6 ? 8 : 4);
  return bytes;
}

/** What the error queue holds; undefined while it is empty. */
function errorMessage(calls: SystemCalls, descriptor: number): Uint8Array | undefined {
  const control = new Uint8Array(512);
  const filled = calls.receiveControl(descriptor, control, linux.ERROR_QUEUE_NOW);
  return filled > 0 ? control.subarray(0, filled) : undefined;
}
