/** `measure` over SSH behind a kernel NAT: what happens to the NAT meanwhile, and whether the advice helps. */
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { documentSchema } from '../../src/report/report-document.js';
import type { Lab } from './lab.js';
import { programsOf, sessionsOf } from '../support/sshd.js';
import { measured } from './measured.js';
import { NEVER } from './policies.js';
import { describeLab, hasSshServers } from './requirements.js';
import { inSshTurn } from './turns.js';
import { until } from './until.js';

const IDLE_TIMEOUT = 10;
/** So many connections are open in the middle of a search. */
const UNDER_WAY = 12;

describeLab(
  'nat-idle-exporter measure over SSH',
  () => {
    it('is not misled by a reboot of the NAT, and proves its advice', { timeout: 400_000 }, async () => {
      let rebooting: Promise<void> | undefined;
      const reboot = async (lab: Lab): Promise<void> => {
        await until('a search is under way', 120_000, async () => (await lab.mappings()).length >= UNDER_WAY);
        await sleep(5000);
        await lab.reboot();
      };
      const row = {
        lab: () => ({ box: 'strict', idleTimeout: IDLE_TIMEOUT }) as const,
        ssh: {},
        install: (lab: Lab) => {
          rebooting = reboot(lab);
          return Promise.resolve(undefined);
        },
      };
      const ended = await inSshTurn(() => measured(row, IDLE_TIMEOUT, ['--verify']));
      await rebooting;
      expect(ended.stderr).toBe('');
      const document = documentSchema.parse(JSON.parse(ended.stdout));
      expect(document.verdict.result).toBe('not_compliant');
      const losses = document.events.filter(({ text }) =>
        text.startsWith('every mapping of the path vanished'),
      );
      expect(losses).toHaveLength(1);
      for (const { mode, lower_bound_seconds: lower, upper_bound_seconds: upper } of document.modes) {
        expect(lower, mode).toBeLessThanOrEqual(IDLE_TIMEOUT);
        expect(upper, mode).toBeGreaterThanOrEqual(IDLE_TIMEOUT);
      }
      const shown = document.keepalive_tried.map(({ kind, held }) => [kind, held]);
      expect(Object.fromEntries(shown)).toEqual({ keepalive: true, data: true });
    });

    it('takes no session that hangs at the server for a forgotten one', { timeout: 300_000 }, async () => {
      const stopped: number[] = [];
      /** Stops every second session, as they are in the middle of a search: those that watch the path, too, perhaps. */
      const stopSome = async (lab: Lab, home: string): Promise<void> => {
        await until('a search is under way', 120_000, async () => (await lab.mappings()).length >= UNDER_WAY);
        stopped.push(...sessionsOf(programsOf(home)).filter((_, index) => index % 2 === 0));
        for (const id of stopped) process.kill(id, 'SIGSTOP');
      };
      let stopping: Promise<void> | undefined;
      const row = {
        lab: () => ({ box: 'no_expiry', idleTimeout: NEVER }) as const,
        ssh: {},
        asks: { idleTimeouts: [NEVER], maxIdle: 8 } as const,
        install: (lab: Lab, _: number, directory: string) => {
          stopping = stopSome(lab, join(directory, 'home-normal'));
          return Promise.resolve(undefined);
        },
      };
      try {
        const ended = await inSshTurn(() => measured(row, NEVER));
        await stopping;
        expect(stopped.length).toBeGreaterThan(3);
        const document = documentSchema.parse(JSON.parse(ended.stdout));
        const tests = document.modes.flatMap((mode) => mode.tests);
        const reasons = new Set(tests.map(({ verdict, reason }) => `${verdict} ${reason}`));
        expect(reasons).toContain('inconclusive control_failed');
        expect([...reasons].filter((reason) => reason.startsWith('dead'))).toEqual([]);
        expect(document.events.map(({ text }) => text).join()).not.toContain('vanished');
        for (const { mode, lower_bound_seconds: lower } of document.modes)
          expect(lower, mode).toBeGreaterThanOrEqual(7);
      } finally {
        for (const id of stopped) process.kill(id, 'SIGKILL');
      }
    });
  },
  hasSshServers() ? [] : ['root, openssh-server and dropbear-bin'],
);
