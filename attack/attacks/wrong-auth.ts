/** Wrong proofs of the token: the responder computes each. */
import { flood, keepOpening } from '../support/flood.js';
import { helloLine } from '../support/native.js';

export const attack = flood({
  about: 'wrong proofs of the token on fresh connections',
  token: true,
  seconds: 8,
  begin: (house, far) => {
    const bytes = `${helloLine('control')}AUTH mac=${'a'.repeat(64)}\n`;
    const opened = keepOpening(house, far.port, { rate: 2000, say: (socket) => socket.write(bytes) });
    return () => `${opened()} proofs`;
  },
});
