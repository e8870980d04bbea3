/** The built-in NAT rehearses a quota, and the engine finds out that it is one, on real sockets. */
import { expect, it } from 'vitest';
import { until } from '../netns/until.js';
import { rehearse } from './rehearse.js';

it('a quota behind the built-in NAT is the finding, and nobody is accused', {
  timeout: 150_000,
}, async () => {
  const engine = await rehearse(
    'embedded-quota',
    { idle_timeout: 3600, quota: 16 },
    { max_idle: 20, resolution: 2 },
  );
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
