/**
 * Proves every box of the lab with plain sockets, in all three modes: the truth table that the product has to read.
 * Idle timeout 10 s, tested at 5 s and 13 s; `+` alive, `-` silence, `R` reset.
 */
import { expect, test } from 'vitest';
import { BOXES, type BoxKind } from './boxes.js';
import { createLab, SERVER } from './lab.js';
import { describeLab } from './requirements.js';
import { columns, sweep } from './sweep.js';

const T = 10;
const IDLE = [5, 13] as const;
/** Connections for each cell of the table; all of them must agree. */
const REPEAT = 3;

type Row = readonly [send: string, recv: string, recvAnswered: string, keepalive: string];

const TRUTH: Readonly<Record<BoxKind, Row>> = {
  no_expiry: ['++', '++', '++', '++'],
  strict: ['+-', '+-', '+-', '+-'],
  double_nat: ['+-', '+-', '+-', '+-'],
  firewall: ['+-', '+-', '+-', '+-'],
  loose: ['++', '+-', '+-', '++'],
  loose_new_port: ['+R', '+-', '+-', '+R'],
  strict_reset_client: ['+R', '+-', '+-', '+R'],
  // The server gets a RST for its late byte; the client hears nothing, so its view of recv is silence.
  strict_reset_both: ['+R', '+-', '+R', '+R'],
  reset_at_expiry: ['+R', '+R', '+R', '+R'],
  keepalive_eater: ['+-', '+-', '+-', '--'],
  inbound_revives: ['+-', '++', '++', '+-'],
  inbound_revives_answers_die: ['+-', '++', '+-', '+-'],
  far_end_firewall: ['+-', '++', '++', '+-'],
  client_firewall: ['++', '+-', '+-', '++'],
};

const PAIRS = (['send', 'recv', 'keepalive'] as const).flatMap((mode) =>
  IDLE.flatMap((idle) => Array.from({ length: REPEAT }, () => [mode, idle] as const)),
);

describeLab('the truth table of the boxes', () => {
  const cases = BOXES.flatMap((box) => (['v4', 'v6'] as const).map((family) => [box, family] as const));

  test.concurrent.each(cases)('%s over IP%s', { timeout: 120_000 }, async (box, family) => {
    // Behind two NATs the one that forgets first counts, whichever it is.
    const [idleTimeout, secondIdleTimeout] = family === 'v4' ? [T, 3 * T] : [3 * T, T];
    const lab = await createLab(
      box === 'double_nat' ? { box, idleTimeout, secondIdleTimeout } : { box, idleTimeout: T },
    );
    try {
      const found = columns(await sweep(lab, SERVER[family], PAIRS), IDLE);
      const [send, recv, recvAnswered, keepalive] = TRUTH[box];
      expect(found).toEqual({ send, recv, 'recv+': recvAnswered, keepalive });
    } finally {
      await lab.close();
    }
  });

  test.concurrent('a RST at expiry reaches both ends at the idle timeout itself', {
    timeout: 120_000,
  }, async () => {
    const lab = await createLab({ box: 'reset_at_expiry', idleTimeout: T });
    try {
      for (const { client, server } of await sweep(lab, SERVER.v4, [
        ['send', 13],
        ['recv', 13],
      ])) {
        expect(client.mark).toBe('R');
        expect(client.at).toBeCloseTo(T, 0);
        if (server !== undefined) expect(server.at).toBeCloseTo(T, 0);
      }
    } finally {
      await lab.close();
    }
  });

  // Not beside the others: many programs that start at once delay a timer by more than is asked here.
  test('the kernel forgets exactly at the idle timeout', { timeout: 120_000 }, async () => {
    const lab = await createLab({ box: 'strict', idleTimeout: T });
    try {
      const early = T - 0.1;
      const late = T + 0.05;
      const pairs = [early, late].flatMap((idle) => Array.from({ length: 8 }, () => ['send', idle] as const));
      const found = columns(await sweep(lab, SERVER.v4, pairs), [early, late]);
      expect(found.send).toBe('+-');
    } finally {
      await lab.close();
    }
  });
});
