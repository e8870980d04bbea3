/** An engine over one path without a network, for as long as a test runs. */
import { onTestFinished } from 'vitest';
import type { Config, TargetConfig } from '../../src/config/config.js';
import { DEFAULT_SEARCH } from '../../src/config/schema.js';
import { reasonOf } from '../../src/core/verdict.js';
import { Engine, type EngineOptions } from '../../src/engine/engine.js';
import type { TargetSnapshot } from '../../src/engine/snapshot.js';
import { createLogger } from '../../src/log.js';
import type { PathOptions } from '../../src/probe/path.js';
import { FakeClock } from './fake-clock.js';
import { FakePath } from './fake-path.js';

export interface RunningEngineOptions {
  /** What differs of the only target from one with the idle times of the shipped configuration. */
  readonly target?: Partial<TargetConfig>;
  readonly config?: Partial<Config>;
  /** Called before anything is opened. */
  readonly prepare?: (path: FakePath, clock: FakeClock) => void;
  readonly options?: Partial<EngineOptions>;
}

export function vps(changes: Partial<TargetConfig> = {}): TargetConfig {
  return {
    name: 'vps',
    far_end: { kind: 'native', host: '203.0.113.9', port: 5382 },
    modes: ['send', 'recv'],
    family: 'any',
    labels: {},
    search: DEFAULT_SEARCH,
    ...changes,
  };
}

export async function startEngine({ target, config, prepare, options }: RunningEngineOptions = {}) {
  const clock = new FakeClock();
  const path = new FakePath(clock);
  prepare?.(path, clock);
  const [reasons, changes, log]: [string[], string[], string[]] = [[], [], []];
  let losses = 0;
  let asked: PathOptions | undefined;
  const engine = new Engine({
    clock,
    log: createLogger({ level: 'info', format: 'logfmt', stream: { write: (line) => log.push(line) } }),
    observer: {
      tested: (_target, _mode, { verdict }) => void reasons.push(reasonOf(verdict)),
      changed: (_target, _mode, change) => void changes.push(change),
      mappingLoss: () => {
        losses += 1;
      },
    },
    openEmbedded: () => Promise.reject(new Error('not part of this test')),
    openPath: (pathOptions) => {
      asked = pathOptions;
      return path;
    },
    ...options,
  });
  onTestFinished(() => engine.stop());
  await engine.apply({ schedule: '*/5 * * * *', targets: [vps(target)], ...config });
  const only = (): TargetSnapshot => {
    const [snapshot] = engine.targets();
    if (snapshot === undefined) throw new Error('no target');
    return snapshot;
  };
  /** The far end breaks a silence by itself. */
  const speak = (after: number): void => asked?.speaks?.(after);
  return { clock, path, engine, only, speak, reasons, changes, log, losses: () => losses };
}
