/** `measure` before every lying far end at once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FAKES } from '../../test/support/lying-far-ends.js';
import type { Attack } from '../attack.js';
import { statusOf } from '../support/victim.js';

/** A minute after the shortest test is what `measure` waits for a first verdict; then it has to end. */
const PATIENCE_S = 130;
const MOST_MEGABYTES = 200;
/** Its pings are answered: what survives is true, and takes as long as any measurement. */
const HONEST: readonly string[] = ['answers all and lies GONE'];

export const attack: Attack = {
  about: '`measure` of every lying far end: garbage, floods, tarpit, HTTP, wrong nonce, welcome and nothing',
  criterion: `ends with 3 and one line that says why within ${PATIENCE_S} s, below ${MOST_MEGABYTES} MB, without a verdict`,
  run: async (house) => {
    const names = (Object.keys(FAKES) as (keyof typeof FAKES)[]).filter((name) => !HONEST.includes(name));
    const flags = [
      '--quiet',
      '--mode=send,recv',
      '--connections=4',
      '--deadline=1s',
      '--max-idle=20s',
      '--resolution=5s',
    ];
    const runs = await Promise.all(
      names.map(async (name) => {
        const port = await house.serve(FAKES[name]);
        return { name, child: house.start(['measure', `127.0.0.1:${port}`, ...flags]) };
      }),
    );
    let most = 0;
    const began = performance.now();
    const waiting = (): boolean => runs.some(({ child }) => child.status === undefined);
    while (waiting() && performance.now() - began < PATIENCE_S * 1000) {
      for (const { child } of runs) most = Math.max(most, statusOf(child.pid, 'VmHWM') / 1024);
      await sleep(200);
    }
    const took = (performance.now() - began) / 1000;
    const bad = runs.filter(({ child }) => {
      const reasons = child.stdout.split('\n').filter((line) => line.startsWith('The far end '));
      return child.status?.code !== 3 || reasons.length !== 1 || /died at/.test(child.stdout);
    });
    return {
      load: `${names.length} far ends side by side`,
      held: bad.length === 0 && most < MOST_MEGABYTES,
      outcome: bad.length === 0 ? 'all end with 3 and say why' : bad.map(({ name }) => name).join(', '),
      figure: `the last after ${took.toFixed(0)} s, RSS ≤ ${most.toFixed(0)} MB`,
    };
  },
};
