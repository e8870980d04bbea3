/** Lines of 64 KB. */
import { flood, keepOpening } from '../support/flood.js';

export const attack = flood({
  about: 'lines of 64 KB on fresh connections',
  seconds: 8,
  begin: (house, far) => {
    const line = `${'A'.repeat(65_535)}\n`;
    const opened = keepOpening(house, far.port, { rate: 1000, say: (socket) => socket.write(line) });
    return () => `${opened()} connections`;
  },
});
