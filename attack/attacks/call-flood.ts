/** CALL for probes that are not there, one process. */
import { callFlood } from '../support/calls.js';
import { flood } from '../support/flood.js';

export const attack = flood({
  about: 'CALL of unknown probes, one process',
  seconds: 8,
  begin: (house, far) => callFlood(house, far, 300),
});
