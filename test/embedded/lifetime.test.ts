/** The built-in NAT, whose kernel acknowledges for whom it forgot, rehearses a fixed lifetime, and the engine finds it. */
import { setMaxListeners } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { embeddedResponder } from '../../src/commands/embedded-responder.js';
import { MODES } from '../../src/core/modes.js';
import { openEmbeddedTarget } from '../../src/embedded/target.js';
import { Engine } from '../../src/engine/engine.js';
import { createLogger } from '../../src/log.js';
import { until } from '../netns/until.js';

it('a lifetime behind the built-in NAT is the finding, and nobody is accused', {
  timeout: 150_000,
}, async () => {
  setMaxListeners(0);
  const engine = new Engine({
    clock: systemClock,
    log: createLogger({ level: 'error', format: 'logfmt' }),
    observer: {},
    openEmbedded: (box) => openEmbeddedTarget(box, embeddedResponder),
  });
  onTestFinished(() => engine.stop());
  await engine.apply({
    schedule: '*/5 * * * * *',
    targets: [
      {
        name: 'embedded-lifetime',
        far_end: { kind: 'embedded', idle_timeout: 3600, lifetime: 10 },
        modes: [...MODES],
        family: 'any',
        labels: {},
        search: { min_idle: 2, max_idle: 14, resolution: 1, connections: 8, deadline: 1, guard: 0.5 },
      },
    ],
  });
  await until('the lifetime is found', 120_000, () => {
    const [snapshot] = engine.targets();
    for (const { finding } of snapshot?.modes ?? []) expect(finding.compliant).toBeUndefined();
    return snapshot?.verdict.conditions.includes('fixed_lifetime') === true;
  });
  const [snapshot] = engine.targets();
  expect(snapshot?.verdict.result).toBe('unknown');
});
