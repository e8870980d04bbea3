/** Bytes that are no lines. */
import { randomBytes } from 'node:crypto';
import { flood, keepOpening } from '../support/flood.js';

export const attack = flood({
  about: 'binary garbage on fresh connections',
  seconds: 8,
  begin: (house, far) => {
    const opened = keepOpening(house, far.port, {
      rate: 1000,
      say: (socket) => socket.write(randomBytes(700)),
    });
    return () => `${opened()} connections`;
  },
});
