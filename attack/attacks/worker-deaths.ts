/** A worker is killed each second. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.js';

const KILLS = 8;

export const attack: Attack = {
  about: 'a worker of three is killed each second',
  criterion: 'at least nine of ten honest clients are served, within 1 s, and three workers are there again',
  run: async (house) => {
    const far = await house.responder(['--workers=3'], { descriptors: 2048 });
    const honest = await house.honest(far.port);
    for (let kill = 0; kill < KILLS; kill += 1) {
      const [, worker] = far.pids;
      if (worker !== undefined) process.kill(worker, 'SIGKILL');
      await sleep(1000);
    }
    const seen = await honest();
    await sleep(1500);
    const workers = far.pids.length - 1;
    return {
      load: `${KILLS} kills`,
      held: seen.served >= 9 * seen.failed && seen.served > 0 && seen.max < 1000 && workers === 3,
      outcome: `${seen.served} of ${seen.served + seen.failed} served, ${workers} workers at the end`,
      figure: `p50 ${seen.p50} ms, max ${seen.max} ms`,
    };
  },
};
