/** The built-in NAT rehearses a quota, and the engine finds out that it is one, on real sockets. */
import { setMaxListeners } from 'node:events';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { embeddedResponder } from '../../src/commands/embedded-responder.js';
import { MODES } from '../../src/core/modes.js';
import { openEmbeddedTarget } from '../../src/embedded/target.js';
import { Engine } from '../../src/engine/engine.js';
import { createLogger } from '../../src/log.js';
import { until } from '../netns/until.js';

it('a quota behind the built-in NAT is the finding, and nobody is accused', {
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
        name: 'embedded-quota',
        far_end: { kind: 'embedded', idle_timeout: 3600, quota: 16 },
        modes: [...MODES],
        family: 'any',
        labels: {},
        search: { min_idle: 2, max_idle: 20, resolution: 2, connections: 8, deadline: 1, guard: 0.5 },
      },
    ],
  });
  await until('the quota is found', 120_000, () => {
    const [snapshot] = engine.targets();
    expect(snapshot?.verdict.result).toBe('unknown');
    for (const { finding } of snapshot?.modes ?? []) expect(finding.compliant).toBeUndefined();
    return Promise.resolve(snapshot?.verdict.conditions.includes('connection_quota') === true);
  });
  const [snapshot] = engine.targets();
  expect(snapshot?.explanations.map(({ id }) => id)).toEqual(['connection_quota']);
  expect(snapshot?.verdict.sentence).toContain('(about 24 are too many, 6 are not)');
});
