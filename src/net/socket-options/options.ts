/**
 * Options of one connection that Node cannot set or read. Each function does nothing, and says so, where the library is
 * not there (`socketOptions`) or the socket has closed.
 */
import type { Socket } from 'node:net';
import { type Seconds, toMilliseconds } from '../../units.js';
import { descriptorOf } from './descriptor.js';
import { systemCalls } from './library.js';
import * as linux from './linux.js';
import { readTcpInfo, TCP_INFO_BYTES, type TcpInfo } from './tcp-info.js';

/** When the kernel sends keepalives, in whole seconds of 1 to 32767. */
export interface KeepAliveSchedule {
  /** Idle time before the first one. */
  readonly idle: Seconds;
  /** Time between further ones while none is answered. */
  readonly interval: Seconds;
}

/**
 * How long a connection may be without an answer before the kernel ends it over keepalives. Not told a time it would count
 * to ten, those of an earlier schedule included, and to 127 at most. It counts from what it last received: this is longer
 * than anything idles, and what fits into 31 bits of milliseconds.
 */
const PATIENCE: Seconds = 20 * 86_400;

const info = new Uint8Array(TCP_INFO_BYTES);
const number = new Int32Array(1);
const numberBytes = new Uint8Array(number.buffer);

/** What the kernel knows of the connection; undefined where it cannot be asked. Takes a few µs. */
export function tcpInfo(socket: Socket): TcpInfo | undefined {
  const calls = systemCalls();
  const descriptor = calls && descriptorOf(socket);
  if (calls === undefined || descriptor === undefined) return undefined;
  return calls.getOption(descriptor, linux.TCP_INFO, info) === info.length ? readTcpInfo(info) : undefined;
}

/**
 * Sets how many hops the packets of the connection go (the TTL of IPv4, the hop limit of IPv6), retransmissions and
 * acknowledgements among them.
 * @param hops 1 to 255; undefined: as many as the host gives to all
 * @returns whether it was done
 */
export function setHops(socket: Socket, hops: number | undefined): boolean {
  // A socket that listens at `::` has IPv4 peers, too, whose packets follow the other option.
  const mapped = socket.remoteAddress?.startsWith('::ffff:') === true;
  const isIpv6 = socket.remoteFamily === 'IPv6' && !mapped;
  return set(socket, [[isIpv6 ? linux.IPV6_UNICAST_HOPS : linux.IP_TTL, hops ?? -1]]);
}

/** Has the kernel send keepalives, and not end the connection over unanswered ones. */
export function startKeepAlive(socket: Socket, { idle, interval }: KeepAliveSchedule): boolean {
  return set(socket, [
    [linux.TCP_USER_TIMEOUT, toMilliseconds(PATIENCE)],
    [linux.TCP_KEEPINTVL, interval],
    [linux.TCP_KEEPIDLE, idle],
    [linux.SO_KEEPALIVE, 1],
  ]);
}

/** Ends keepalives; what is written next has the kernel's own patience again. */
export function stopKeepAlive(socket: Socket): boolean {
  return set(socket, [
    [linux.SO_KEEPALIVE, 0],
    [linux.TCP_USER_TIMEOUT, 0],
  ]);
}

/**
 * Lets the kernel not count: keepalives that Node has switched on go on until somebody ends them, however many of an
 * earlier schedule were not answered.
 */
export function waitPatiently(socket: Socket): boolean {
  return set(socket, [[linux.TCP_USER_TIMEOUT, toMilliseconds(PATIENCE)]]);
}

/**
 * Has one keepalive leave now, on a connection that has been idle for a second at least, and another one each second
 * until one is answered.
 */
export function sendKeepAliveNow(socket: Socket): boolean {
  // Lowering the idle time below what has passed is what makes the kernel look at its watch.
  return startKeepAlive(socket, { idle: 3600, interval: 1 }) && set(socket, [[linux.TCP_KEEPIDLE, 1]]);
}

function set(socket: Socket, options: readonly (readonly [linux.OptionName, number])[]): boolean {
  const calls = systemCalls();
  const descriptor = calls && descriptorOf(socket);
  if (calls === undefined || descriptor === undefined) return false;
  return options.every(([option, value]) => {
    number[0] = value;
    return calls.setOption(descriptor, option, numberBytes) === 0;
  });
}
