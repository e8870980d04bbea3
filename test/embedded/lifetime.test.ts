/** The built-in NAT, whose kernel acknowledges for whom it forgot, rehearses a fixed lifetime, and the engine finds it. */
import { expect, it } from 'vitest';
import { until } from '../netns/until.js';
import { rehearse } from './rehearse.js';

it('a lifetime behind the built-in NAT is the finding, and nobody is accused', {
  timeout: 150_000,
}, async () => {
  const engine = await rehearse(
    'embedded-lifetime',
    { idle_timeout: 3600, lifetime: 10 },
    { max_idle: 14, resolution: 1 },
  );
  await until('the lifetime is found', 120_000, () => {
    const [snapshot] = engine.targets();
    for (const { finding } of snapshot?.modes ?? []) expect(finding.compliant).toBeUndefined();
    return snapshot?.verdict.conditions.includes('fixed_lifetime') === true;
  });
  const [snapshot] = engine.targets();
  expect(snapshot?.verdict.result).toBe('unknown');
});
