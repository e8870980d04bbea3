/** Strangers without the token hold silent connections to a legacy port. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.js';
import { freePort } from '../../test/support/program.js';
import { open, TOKEN } from '../support/house.js';

const HELD = 1000;

export const attack: Attack = {
  about: 'silent connections to the legacy echo port from 4 addresses, token set',
  criterion: 'every client that knows the token is served',
  run: async (house) => {
    const token = await house.write('token', TOKEN);
    const echo = await freePort();
    const far = await house.responder(
      [`--token-file=${token}`, `--legacy.echo-address=127.0.0.1:${echo}`, '--max-connections=800'],
      { descriptors: 4096 },
    );
    const sockets = await house.connectMany(
      echo,
      HELD,
      () => undefined,
      (index) => `127.0.1.${index % 4}`,
    );
    const honest = await house.honest(far.port, token);
    await sleep(4000);
    const seen = await honest();
    return {
      load: `${HELD} connections, room for 800`,
      held: seen.failed === 0 && seen.served > 0,
      outcome: `${seen.served} of ${seen.served + seen.failed} clients with the token served${seen.failed > 0 ? ` (${seen.reason})` : ''}`,
      figure: `max ${seen.max} ms; ${open(sockets)} held`,
    };
  },
};
