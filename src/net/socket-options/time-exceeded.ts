/** What a router says when a packet went too many hops, as the kernel keeps it in the error queue of a socket. */
import ipaddr from 'ipaddr.js';
import * as linux from './linux.js';

/** `SO_EE_ORIGIN_ICMP` and `SO_EE_ORIGIN_ICMP6`, and what "time exceeded in transit" is called in them. */
const TIME_EXCEEDED = [
  { origin: 2, type: 11, code: 0 },
  { origin: 3, type: 3, code: 0 },
];

/**
 * Who sent the ICMP message, where it says that a packet went too many hops. Reads the first control message:
 * `struct cmsghdr` (a word and two numbers), `struct sock_extended_err`, the sender's `struct sockaddr`.
 *
 * @param wordBytes 4 or 8, as this host has them
 * @see ip(7) on IP_RECVERR
 */
export function timeExceededSender(control: Uint8Array, wordBytes: number): string | undefined {
  const error = wordBytes + 8;
  const sender = error + 16;
  if (control.length < sender + 16) return undefined;
  const view = new DataView(control.buffer, control.byteOffset, control.byteLength);
  const [origin, type, code] = [4, 5, 6].map((offset) => view.getUint8(error + offset));
  if (!TIME_EXCEEDED.some((each) => each.origin === origin && each.type === type && each.code === code))
    return undefined;
  switch (view.getUint16(sender, linux.LITTLE_ENDIAN)) {
    case linux.AF_INET:
      return ipaddr.fromByteArray([...control.subarray(sender + 4, sender + 8)]).toString();
    case linux.AF_INET6:
      if (control.length < sender + 24) return undefined;
      return ipaddr.fromByteArray([...control.subarray(sender + 8, sender + 24)]).toString();
    default:
      return undefined;
  }
}
