/** Connections without end, from many addresses: half say hello, half nothing. */
import { flood, keepOpening } from '../support/flood.js';
import { helloLine } from '../support/native.js';

export const attack = flood({
  about: 'connection flood from 20 addresses, token set',
  token: true,
  seconds: 10,
  begin: (house, far) => {
    const hello = helloLine('check');
    let index = 0;
    const opened = keepOpening(house, far.port, {
      rate: 2000,
      say: (socket) => (index += 1) % 2 === 0 && socket.write(hello),
    });
    return () => `${opened()} connections`;
  },
});
