/** A worker is killed each second. */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../test/netns/until.js';
import type { Attack } from '../attack.js';

const WORKERS = 3;
const SECONDS = 12;

export const attack: Attack = {
  about: 'a worker of three is killed each second in which all are there',
  criterion: 'at least nine of ten honest clients are served, within 1 s, and three workers are there again',
  run: async (house) => {
    const far = await house.responder([`--workers=${WORKERS}`], { descriptors: 2048 });
    const honest = await house.honest(far.port);
    let kills = 0;
    for (let second = 0; second < SECONDS; second += 1) {
      const [, worker, ...others] = far.pids;
      // Only where the others can serve: to kill the last one is no attack that could be held against.
      if (worker !== undefined && others.length === WORKERS - 1) {
        process.kill(worker, 'SIGKILL');
        kills += 1;
      }
      await sleep(1000);
    }
    const seen = await honest();
    await until('the workers are there again', 20_000, () => far.pids.length === WORKERS + 1).catch(
      () => undefined,
    );
    const workers = far.pids.length - 1;
    return {
      load: `${kills} kills in ${SECONDS} s`,
      held: seen.served >= 9 * seen.failed && seen.served > 0 && seen.max < 1000 && workers === WORKERS,
      outcome: `${seen.served} of ${seen.served + seen.failed} served, ${workers} workers at the end`,
      figure: `p50 ${seen.p50} ms, max ${seen.max} ms`,
    };
  },
};
