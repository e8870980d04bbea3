/** `measure` behind real kernel NATs: what it tells a person who has never heard of them. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { documentSchema, type ReportDocument } from '../../src/report/report-document.js';
import type { BoxKind } from './boxes.js';
import { createLab, SERVER } from './lab.js';
import { describeLab } from './requirements.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = ['--import', 'tsx', 'src/main.ts'];

/** Seconds; `measure` tests from half of its longest idle time on. */
const IDLE_TIMEOUT = 9;
const MAX_IDLE = 14;

interface Told {
  readonly box: BoxKind;
  readonly exit: 1 | 3;
  /** Explanations with their certainty, in this order. */
  readonly says: readonly string[];
}

const FORGOTTEN = 'mapping_forgotten: measured';

const BOXES: readonly Told[] = [
  { box: 'no_expiry', exit: 3, says: ['no_expiry_seen: measured'] },
  { box: 'strict', exit: 1, says: [FORGOTTEN] },
  { box: 'loose', exit: 1, says: ['revived_from_inside: likely', 'own_firewall_first: hint'] },
  { box: 'loose_new_port', exit: 1, says: [FORGOTTEN, 'answered_with_reset: measured'] },
  { box: 'strict_reset_client', exit: 1, says: [FORGOTTEN, 'answered_with_reset: measured'] },
  { box: 'strict_reset_both', exit: 1, says: [FORGOTTEN, 'answered_with_reset: measured'] },
  { box: 'reset_at_expiry', exit: 1, says: ['reset_at_expiry: measured'] },
  { box: 'keepalive_eater', exit: 1, says: ['keepalives_eaten: measured', FORGOTTEN] },
  // The responder's kernel knows connection tracking and keeps its five days: that speaks against its firewall.
  { box: 'inbound_revives', exit: 1, says: ['inbound_revives: likely', 'responder_firewall_first: hint'] },
  { box: 'inbound_revives_answers_die', exit: 1, says: [FORGOTTEN] },
  { box: 'double_nat', exit: 1, says: [FORGOTTEN] },
  { box: 'firewall', exit: 1, says: [FORGOTTEN, 'no_translation: measured'] },
  {
    box: 'far_end_firewall',
    exit: 1,
    says: ['responder_firewall_first: likely', 'inbound_revives: hint', 'responder_conntrack_near: likely'],
  },
  {
    box: 'client_firewall',
    exit: 1,
    says: ['own_firewall_first: likely', 'revived_from_inside: hint', 'local_conntrack_near: likely'],
  },
];

describeLab('nat-idle-exporter measure behind a kernel NAT', () => {
  it.concurrent.each(BOXES)('$box', async ({ box, exit, says }) => {
    const lab = await createLab({ box, idleTimeout: IDLE_TIMEOUT });
    try {
      const responder = lab.spawn('server', process.execPath, [...PROGRAM, 'responder'], { cwd: ROOT });
      await responder.waitForLine(/responder listens/, 60_000);
      const flags = [`--max-idle=${MAX_IDLE}s`, '--resolution=1s', '--deadline=3s', '--json', '--quiet'];
      const ended = await lab.exec('client', process.execPath, [...PROGRAM, 'measure', SERVER.v4, ...flags], {
        cwd: ROOT,
        mayFail: true,
      });
      expect(ended.stderr).toBe('');
      const document: ReportDocument = documentSchema.parse(JSON.parse(ended.stdout));
      expect(document.explanations.map(({ id, certainty }) => `${id}: ${certainty}`)).toEqual(says);
      expect(document.complete).toBe(true);
      expect(ended.code).toBe(exit);
      for (const mode of document.modes.filter((one) => one.timeout_seconds !== undefined)) {
        expect(mode.lower_bound_seconds, mode.mode).toBeLessThan(IDLE_TIMEOUT);
        expect(mode.upper_bound_seconds, mode.mode).toBeGreaterThanOrEqual(IDLE_TIMEOUT);
      }
    } finally {
      await lab.close();
    }
  });
});
