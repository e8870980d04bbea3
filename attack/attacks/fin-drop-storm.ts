/** A client that ends its probe connections and has them dropped in the same moment. */
import type { Attack } from '../attack.js';
import { finAndDrop, ROUNDS } from '../support/storm.js';
import { newHello, RawClient } from '../../test/responder/raw-client.js';

const WANTED = 30;

export const attack: Attack = {
  about: 'FIN and DROP of a probe connection in one turn, responder with 512 descriptors',
  criterion: `no socket stays open without a connection, and an honest client gets ${WANTED} connections`,
  run: async (house) => {
    const far = await house.responder([], { descriptors: 512 });
    const before = far.descriptors();
    let failed = 0;
    for (const count of ROUNDS) await finAndDrop(far.port, count).catch(() => (failed += 1));
    const lost = await far.lostSockets();
    const opened = await Promise.allSettled(
      Array.from({ length: WANTED }, (_, probe) => RawClient.open(far.port, newHello('probe', { probe }))),
    );
    const served = opened.filter(({ status }) => status === 'fulfilled').length;
    for (const result of opened) if (result.status === 'fulfilled') result.value.destroy();
    return {
      load: `${ROUNDS.length} rounds, ${ROUNDS.reduce((sum, count) => sum + count, 0)} probes`,
      held: lost === 0 && served === WANTED,
      outcome: `${served} of ${WANTED} honest connections served`,
      figure: `${lost} descriptors lost (${before} before), ${failed} rounds turned away`,
    };
  },
};
