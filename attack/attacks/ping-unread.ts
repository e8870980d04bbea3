/** Heartbeats whose answers nobody reads. */
import { encodeClientMessage } from '../../src/wire/codec.js';
import { flood } from '../support/flood.js';
import { helloLine } from '../support/native.js';

const CONNECTIONS = 500;

export const attack = flood({
  about: 'PING, answers never read',
  seconds: 8,
  begin: async (house, far) => {
    const hello = helloLine('check');
    const sockets = await house.connectMany(far.port, CONNECTIONS, (socket) => {
      socket.pause();
      socket.write(hello);
    });
    const pings = encodeClientMessage({ kind: 'ping', nonce: '0123456789abcdef' }).repeat(90);
    house.every(100, () => {
      for (const socket of sockets) if (socket.writable && socket.writableLength < 1e5) socket.write(pings);
    });
    return () => `${CONNECTIONS} × up to 900/s`;
  },
});
