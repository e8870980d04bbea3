/** The truth table: what is published behind every kind of box. */
import { expect, test } from 'vitest';
import { BOXES, type BoxKind } from './boxes.js';
import { EXPECTED, expectPublished, isSettled, type Ground } from './expectations.js';
import { series } from './metrics.js';
import { HUNG, MODES, withProduct } from './product.js';

const GROUND: Ground = { idleTimeout: 20, resolution: 1, minIdle: 5, maxIdle: 40 };

/** Behind which box the hosts' own connection tracking is the one that forgets. */
const OWN_TRACKING: Readonly<Partial<Record<BoxKind, 'local' | 'responder'>>> = {
  client_firewall: 'local',
  far_end_firewall: 'responder',
};

export function describeTruth(): void {
  test.concurrent.each(BOXES)('the truth behind %s', { timeout: HUNG }, (box) =>
    withProduct({ box, idleTimeout: GROUND.idleTimeout }, {}, async (product) => {
      const expected = EXPECTED[box];
      const page = await product.until('every mode is settled', 360, (text) =>
        MODES.every((mode) => isSettled(text, mode, expected[mode], GROUND)),
      );
      for (const mode of MODES) expectPublished(page, mode, expected[mode], GROUND);

      const end = OWN_TRACKING[box];
      if (end !== undefined)
        expect(series(page, 'nat_host_conntrack_timeout_seconds', { end })).toBe(GROUND.idleTimeout);
      expect(series(page, 'nat_detected')).toBe(box === 'firewall' ? 0 : 1);
      expect(series(page, 'nat_target_up')).toBe(1);
      expect(series(page, 'nat_mapping_losses_total') ?? 0).toBe(0);
      const forgotten = MODES.every((mode) => expected[mode].kind === 'forgotten');
      const recommended = series(page, 'nat_keepalive_recommended_seconds');
      if (forgotten) expect(recommended).toBeGreaterThanOrEqual(9);
      expect(recommended ?? 0).toBeLessThanOrEqual(GROUND.idleTimeout / 2);
    }),
  );
}
