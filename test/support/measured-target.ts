/** One target that is measured over a path without a network, for as long as a test runs. */
import { onTestFinished } from 'vitest';
import type { TargetConfig } from '../../src/config/config.js';
import { Launches } from '../../src/engine/launches.js';
import { StateStore } from '../../src/engine/state-store.js';
import { TargetRunner, type TargetRunnerOptions } from '../../src/engine/target-runner.js';
import { createLogger } from '../../src/log.js';
import type { Seconds } from '../../src/units.js';
import { FakeClock } from './fake-clock.js';
import { FakePath } from './fake-path.js';
import { temporaryFolder } from './temporary-folder.js';

/** One that is measured within minutes. */
export const HOME: TargetConfig = {
  name: 'home',
  far_end: { kind: 'native', host: '203.0.113.9', port: 5382 },
  modes: ['send', 'recv'],
  family: 'any',
  labels: {},
  search: { min_idle: 5, max_idle: 200, resolution: 4, connections: 12, deadline: 3, guard: 2 },
};

const log = createLogger({ level: 'error', format: 'json', stream: { write: () => undefined } });

export function stateStore(folder = temporaryFolder()): StateStore {
  return new StateStore(folder, log);
}

/** Measures `HOME`, unless told otherwise. @param prepare called before anything is opened */
export async function measureTarget(
  prepare: (path: FakePath) => void = () => undefined,
  more: Partial<TargetRunnerOptions> | ((clock: FakeClock) => Partial<TargetRunnerOptions>) = {},
) {
  const clock = new FakeClock();
  const path = new FakePath(clock);
  prepare(path);
  const launches = new Launches({ clock });
  const runner = new TargetRunner({
    target: HOME,
    clock,
    log,
    observer: {},
    testsKept: 500,
    launches,
    openEmbedded: () => Promise.reject(new Error('no embedded far end here')),
    openPath: () => path,
    askRouter: () => Promise.resolve(undefined),
    ...(typeof more === 'function' ? more(clock) : more),
  });
  const stop = async (): Promise<void> => {
    const stopped = runner.stop();
    await clock.advance(10);
    await stopped;
  };
  onTestFinished(stop);
  await runner.start();
  // The look-up of the far end's address leaves the fake world for a moment.
  while (path.checks === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  const events = (pattern: RegExp): readonly string[] =>
    runner
      .snapshot()
      .events.map(({ text }) => text)
      .filter((text) => pattern.test(text));
  /** Lets time pass with a round of the schedule every minute, until something is so. */
  const until = async (longest: Seconds, isSo: () => boolean): Promise<void> => {
    for (let passed = 0; !isSo(); passed += 1) {
      if (passed >= longest) throw new Error(`not within ${longest} s: ${events(/./).join('\n')}`);
      if (passed % 60 === 0) runner.round();
      await clock.advance(1);
    }
  };
  /** Lets time pass with a round of the schedule every minute. */
  const live = async (duration: Seconds): Promise<void> => {
    for (let left = duration; left > 0; left -= 60) {
      runner.round();
      await clock.advance(Math.min(60, left));
    }
  };
  return { clock, path, runner, launches, events, until, live, stop };
}
