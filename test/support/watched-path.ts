/** A path without a network whose canaries live, with what guards a test over it, for as long as a test runs. */
import { setMaxListeners } from 'node:events';
import { onTestFinished } from 'vitest';
import { spokenAge } from '../../src/core/lifetime.js';
import { Breaker } from '../../src/engine/breaker.js';
import { Controls } from '../../src/engine/death-controls.js';
import { Lifeline, type LifelineEvents, type LifelineOptions } from '../../src/engine/lifeline.js';
import type { WatchedPath } from '../../src/engine/trial.js';
import type { Seconds } from '../../src/units.js';
import { FakeClock } from './fake-clock.js';
import { FakePath } from './fake-path.js';

export interface WatchedPathOptions extends Partial<Pick<LifelineOptions, 'random'>> {
  readonly clock?: FakeClock;
  /** The longest idle time that is known to survive, seconds; unless given it is not known. */
  readonly survives?: Seconds | undefined;
  readonly events?: Partial<LifelineEvents>;
  /** Called before anything is opened. */
  readonly prepare?: (path: FakePath) => void;
}

const nothing = (): void => undefined;

/** Watches a path until its canaries live, or a second has passed. */
export async function watchPath({ clock = new FakeClock(), ...options }: WatchedPathOptions = {}) {
  const path = new FakePath(clock);
  options.prepare?.(path);
  const stop = new AbortController();
  const { signal } = stop;
  setMaxListeners(0, signal);
  onTestFinished(() => stop.abort());
  const deadline = 8;
  const lifeline = new Lifeline({
    ...options,
    path,
    clock,
    deadline,
    resolution: 10,
    survives: () => options.survives,
    events: {
      reached: nothing,
      watched: nothing,
      unwatched: nothing,
      unreachable: nothing,
      mappingLoss: nothing,
      farEndRestarted: nothing,
      closedByFarEnd: nothing,
      outageOutlasted: nothing,
      lifetime: nothing,
      ...options.events,
    },
  });
  const done = lifeline.run(signal);
  await clock.advance(1);
  const { heartbeats } = lifeline;
  const controls = new Controls({ path, heartbeats, clock, deadline, signal });
  const watched: WatchedPath = { path, controls, breaker: new Breaker({ clock }), signal };
  return { clock, path, stop, done, heartbeats, controls, watched };
}

/** The same, and what its lifeline tells; whether the far end answers, once in a row. */
export async function watchPathTelling(options: Omit<WatchedPathOptions, 'events'> = {}) {
  const story: string[] = [];
  const tell = (text: string) => (): void => void story.push(text);
  const tellOnce = (text: string) => (): void => {
    if (story.at(-1) !== text) story.push(text);
  };
  const scene = await watchPath({
    ...options,
    events: {
      reached: tellOnce('reached'),
      watched: tell('watched'),
      unreachable: tellOnce('unreachable'),
      mappingLoss: tell('mapping loss'),
      farEndRestarted: tell('restarted'),
      closedByFarEnd: tell('closed'),
      outageOutlasted: tell('outlasted'),
      lifetime: (age) => story.push(age === undefined ? 'no lifetime' : `lifetime ${spokenAge(age)}`),
    },
  });
  return { ...scene, story };
}
