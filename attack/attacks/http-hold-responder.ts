/** Idle HTTP connections to the responder's site take the descriptors of its native port. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.js';
import { open, TOKEN } from '../support/house.js';

const HELD = 1100;

export const attack: Attack = {
  about: "idle HTTP connections to the responder's site, token set",
  criterion: 'honest native clients are served, each within 1 s',
  run: async (house) => {
    const token = await house.write('token', TOKEN);
    const far = await house.responder([`--token-file=${token}`]);
    const sockets = await house.connectMany(Number(new URL(far.url).port), HELD);
    const honest = await house.honest(far.port, token);
    await sleep(5000);
    const seen = await honest();
    return {
      load: `${HELD} connections, 1024 descriptors`,
      held: seen.failed === 0 && seen.served > 0 && seen.max < 1000,
      outcome: `${seen.served} of ${seen.served + seen.failed} honest clients served`,
      figure: `p50 ${seen.p50} ms, max ${seen.max} ms; ${open(sockets)} held, ${far.descriptors()} descriptors`,
    };
  },
};
