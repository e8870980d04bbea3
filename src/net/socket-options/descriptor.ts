/** The descriptor behind one of Node's sockets, asked for anew each time. */
import type { Server, Socket } from 'node:net';

/**
 * The number is good until the caller returns to the event loop, and must not be kept: once the socket has closed, the
 * kernel gives the number to the next socket or file, which is a stranger's.
 * @returns undefined where the socket is closed, is being closed, or has not been opened
 */
export function descriptorOf(socket: Socket | Server): number | undefined {
  // Node has no public name for it; `enableSocketOptions` makes sure that it is what it is taken for.
  const { _handle: handle } = socket as { _handle?: { readonly fd?: unknown } | null };
  const descriptor = handle?.fd;
  return typeof descriptor === 'number' && descriptor >= 0 ? descriptor : undefined;
}
