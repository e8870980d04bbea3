/** The engine of the exporter, and the embedded targets that it opens. */
import { systemClock } from '../clock.js';
import type { Config } from '../config/config.js';
import { openEmbeddedTarget } from '../embedded/target.js';
import { Engine } from '../engine/engine.js';
import type { EngineObserver } from '../engine/snapshot.js';
import type { Logger } from '../log.js';
import { embeddedResponder } from './embedded-responder.js';
import type { Follower } from './exporter-follower.js';

export class ExporterEngine implements Follower {
  readonly engine: Engine;
  readonly #embedded = new Set<{ descriptors(): number }>();

  constructor(observer: EngineObserver, log: Logger) {
    this.engine = new Engine({
      clock: systemClock,
      log,
      observer,
      openEmbedded: async (box) => {
        const target = await openEmbeddedTarget(box, embeddedResponder);
        this.#embedded.add(target);
        return { ...target, close: () => target.close().finally(() => this.#embedded.delete(target)) };
      },
    });
  }

  apply(config: Config): Promise<void> {
    return this.engine.apply(config);
  }

  close(): Promise<void> {
    return this.engine.stop();
  }

  /** Those of the embedded targets; the probes' are counted where they are opened. */
  descriptors(): number {
    return [...this.#embedded].reduce((sum, target) => sum + target.descriptors(), 0);
  }
}
