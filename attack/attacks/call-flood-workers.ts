/** CALL for probes that are not there: each is a question to the other workers. */
import { callFlood } from '../support/calls.js';
import { flood } from '../support/flood.js';

export const attack = flood({
  about: 'CALL of unknown probes, two workers',
  args: ['--workers=2'],
  room: { descriptors: 4096 },
  seconds: 25,
  begin: (house, far) => callFlood(house, far, 800),
});
