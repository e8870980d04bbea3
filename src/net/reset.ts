/** Ends a TCP connection by RST, without ever losing its descriptor: the only place that calls `resetAndDestroy`. */
import type { Socket } from 'node:net';

/**
 * Resets the connection where that is possible, and closes it where it is not: where it has ended or is ending, is not
 * established, or was refused. Emits no error. While an own FIN is under way libuv refuses to reset (EINVAL), and Node then drops
 * its handle without closing it: the descriptor would stay open for as long as the process lives.
 *
 * @see uv_tcp_close_reset in libuv, `Socket.prototype._destroy` in Node's lib/net.js
 */
export function resetOrDestroy(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.pending || socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
