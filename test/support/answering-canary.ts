/** A canary without a network: the test says how it answers. */
import { LivingCanary } from '../../src/engine/living-canary.js';
import type { Canary, Introduction } from '../../src/probe/path.js';
import type { Seconds } from '../../src/units.js';
import type { FakeClock } from './fake-clock.js';

export const HERE: Introduction = { localAddress: '192.0.2.2' };

/** A canary whose beats answer as `answers` says, each after so many seconds. */
export function answeringCanary(
  clock: FakeClock,
  answers: (readonly [after: Seconds, answered: boolean])[],
  introduction: Introduction = HERE,
): LivingCanary {
  const canary: Canary = {
    introduction,
    greeted: true,
    end: undefined,
    whenEnded: () => undefined,
    close: () => undefined,
    beat: () =>
      new Promise((resolve) => {
        const [after, answered] = answers.shift() ?? [0, false];
        clock.after(after, () => resolve(answered));
      }),
  };
  return new LivingCanary(canary, clock);
}
