/**
 * Names and numbers of Linux' socket calls, as its headers have them. They hold on every architecture that Node runs on
 * but MIPS, Alpha, SPARC and PA-RISC, and on no other system: elsewhere nobody may use them.
 */

export const AF_INET = 2;
export const AF_INET6 = 10;
/** A connection that neither blocks nor is inherited by child processes: SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC. */
export const CONNECTION = 1 | 0o4000 | 0o2_000_000;

/** An option: its level and its name. */
export interface OptionName {
  readonly level: number;
  readonly name: number;
}

const SOL_SOCKET = 1;
const IPPROTO_IP = 0;
const IPPROTO_TCP = 6;
const IPPROTO_IPV6 = 41;

export const SO_KEEPALIVE: OptionName = { level: SOL_SOCKET, name: 9 };
/** 1 to 255; -1: what the host has for all. */
export const IP_TTL: OptionName = { level: IPPROTO_IP, name: 2 };
export const IP_RECVERR: OptionName = { level: IPPROTO_IP, name: 11 };
/** 0 to 255; -1: what the host has for all. */
export const IPV6_UNICAST_HOPS: OptionName = { level: IPPROTO_IPV6, name: 16 };
export const IPV6_RECVERR: OptionName = { level: IPPROTO_IPV6, name: 25 };
/** Idle time before the first keepalive, and time between further ones, seconds, 1 to 32767. */
export const TCP_KEEPIDLE: OptionName = { level: IPPROTO_TCP, name: 4 };
export const TCP_KEEPINTVL: OptionName = { level: IPPROTO_TCP, name: 5 };
/** See `TcpInfo`. */
export const TCP_INFO: OptionName = { level: IPPROTO_TCP, name: 11 };
/** How long what was sent may stay unacknowledged before the kernel ends the connection, milliseconds; 0: its own rules. */
export const TCP_USER_TIMEOUT: OptionName = { level: IPPROTO_TCP, name: 18 };

/** `recvmsg`: read the error queue, do not wait. */
export const ERROR_QUEUE_NOW = 0x2000 | 0x40;

export const EINPROGRESS = 115;

/** The order in which this host writes the bytes of a number. */
export const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
