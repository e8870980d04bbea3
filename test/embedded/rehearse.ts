/** An engine that measures behind the built-in NAT, on real sockets and in real time. */
import { setMaxListeners } from 'node:events';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { embeddedResponder } from '../../src/commands/embedded-responder.js';
import type { TargetConfig } from '../../src/config/config.js';
import { MODES } from '../../src/core/modes.js';
import { openEmbeddedTarget } from '../../src/embedded/target.js';
import { Engine } from '../../src/engine/engine.js';
import { createLogger } from '../../src/log.js';

type EmbeddedBox = Omit<Extract<TargetConfig['far_end'], { kind: 'embedded' }>, 'kind'>;
type Search = Pick<TargetConfig['search'], 'max_idle' | 'resolution'>;

/** Starts it, until the test is over. */
export async function rehearse(name: string, box: EmbeddedBox, search: Search): Promise<Engine> {
  setMaxListeners(0);
  const engine = new Engine({
    clock: systemClock,
    log: createLogger({ level: 'error', format: 'logfmt' }),
    observer: {},
    openEmbedded: (embedded) => openEmbeddedTarget(embedded, embeddedResponder),
  });
  onTestFinished(() => engine.stop());
  await engine.apply({
    schedule: '*/5 * * * * *',
    targets: [
      {
        name,
        far_end: { kind: 'embedded', ...box },
        modes: [...MODES],
        family: 'any',
        labels: {},
        search: { min_idle: 2, connections: 8, deadline: 1, guard: 0.5, ...search },
      },
    ],
  });
  return engine;
}
