/** A responder with few descriptors, silent connections from everywhere. */
import { flood, keepOpening } from '../support/flood.js';

export const attack = flood({
  about: 'silent connections from 50 addresses, responder with 288 descriptors',
  room: { descriptors: 288 },
  token: true,
  seconds: 8,
  begin: (house, far) => {
    const opened = keepOpening(house, far.port, { rate: 400, say: () => undefined, addresses: 50 });
    return () => `${opened()} connections`;
  },
});
