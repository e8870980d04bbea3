/** Requests about probes that are not there: what the messages between workers are made of. */
import { encodeClientMessage } from '../../src/wire/codec.js';
import type { House } from './house.js';
import { helloLine } from './native.js';
import type { Victim } from './victim.js';

/** So many control connections that each ask 900 times a second. */
export async function callFlood(house: House, far: Victim, connections: number): Promise<() => string> {
  const sockets = await house.connectMany(far.port, connections, (socket) => socket.write(helloLine()));
  const calls = Array.from({ length: 90 }, (_, probe) =>
    encodeClientMessage({ kind: 'call', probe, nonce: '0123456789abcdef' }),
  ).join('');
  house.every(100, () => {
    for (const socket of sockets) if (socket.writable && socket.writableLength === 0) socket.write(calls);
  });
  return () => `${connections} × up to 900/s`;
}
