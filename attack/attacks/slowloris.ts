/** Hellos that are sent a byte a second. */
import { flood } from '../support/flood.js';
import { helloLine } from '../support/native.js';

const HELD = 3000;

export const attack = flood({
  about: 'native hellos sent a byte a second',
  room: { descriptors: 8192 },
  seconds: 12,
  begin: async (house, far) => {
    const hello = helloLine('check');
    const sockets = await house.connectMany(
      far.port,
      HELD,
      () => undefined,
      (index) => `127.0.1.${1 + (index % 20)}`,
    );
    let at = 0;
    house.every(1000, () => {
      for (const socket of sockets) if (socket.writable) socket.write(hello.charAt(at));
      at += 1;
    });
    return () => `${HELD} connections`;
  },
});
