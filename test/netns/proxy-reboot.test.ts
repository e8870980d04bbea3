/** `measure` behind a proxy that acknowledges in the far end's place, while the NAT behind it loses its mappings. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { documentSchema } from '../../src/report/report-document.js';
import type { Lab } from './lab.js';
import { measured } from './measured.js';
import { NEVER, proxy } from './policies.js';
import { describeLab } from './requirements.js';
import { until } from './until.js';

/** So many connections are open in the middle of a search. */
const UNDER_WAY = 30;
const MAX_IDLE = 30;

describeLab('a reboot behind a proxy that acknowledges', () => {
  it('is told as the loss of every mapping, and nobody is accused', { timeout: 300_000 }, async () => {
    let rebooting: Promise<unknown> | undefined;
    const reboot = async (lab: Lab): Promise<void> => {
      await until('a search is under way', 120_000, async () => (await lab.mappings()).length >= UNDER_WAY);
      await sleep(5000);
      await lab.exec('nat2', 'conntrack', ['-F']);
    };
    const row = {
      lab: () => ({ box: 'double_nat', idleTimeout: NEVER, secondIdleTimeout: NEVER }) as const,
      asks: { idleTimeouts: [NEVER], maxIdle: MAX_IDLE },
      install: async (lab: Lab) => {
        await proxy(lab, {});
        rebooting = reboot(lab);
        return undefined;
      },
    } as const;
    const ended = await measured(row, NEVER);
    await rebooting;
    expect(ended.stderr).toBe('');
    const document = documentSchema.parse(JSON.parse(ended.stdout));
    const told = document.events.map(({ text }) => text);
    expect(told.filter((text) => text.startsWith('every mapping of the path vanished'))).toHaveLength(1);
    for (const { mode, tests, lower_bound_seconds: lower } of document.modes) {
      expect(tests.filter(({ verdict }) => verdict === 'dead')).toEqual([]);
      expect(lower, mode).toBeGreaterThanOrEqual(MAX_IDLE - 1);
    }
  });
});
