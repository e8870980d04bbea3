/** The same storm where several processes share the work: the DROP may come from another one. */
import type { Attack } from '../attack.js';
import { finAndDrop } from '../support/storm.js';

const ROUNDS = 40;

export const attack: Attack = {
  about: 'FIN and DROP in one turn, three workers',
  criterion: 'no socket stays open without a connection, in no process',
  run: async (house) => {
    const far = await house.responder(['--workers=3'], { descriptors: 1024 });
    const before = far.descriptors();
    for (let round = 0; round < ROUNDS; round += 1) await finAndDrop(far.port, 50);
    const lost = await far.lostSockets();
    return {
      load: `${ROUNDS} rounds of 50 probes`,
      held: lost === 0,
      outcome: lost === 0 ? 'no leak' : 'descriptors leak',
      figure: `${lost} descriptors lost (${before} before)`,
    };
  },
};
