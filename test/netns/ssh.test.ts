/** `measure` over SSH behind a kernel NAT: what happens to the NAT or the server meanwhile, and whether the advice helps. */
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { documentSchema, type ReportDocument } from '../../src/report/report-document.js';
import { type Lab, SERVER } from './lab.js';
import { programsOf, sessionsOf, SSH_PORT } from '../support/sshd.js';
import { measured } from './measured.js';
import { NEVER } from './policies.js';
import { describeLab, hasSshServers } from './requirements.js';
import type { Told } from './told.js';
import { inSshTurn } from './turns.js';
import { until } from './until.js';

const IDLE_TIMEOUT = 10;
/** So many connections are open in the middle of a search. */
const UNDER_WAY = 12;
/** So many are while probe connections are being opened, the canaries among them. */
const OPENING = 6;
const KEEPS = () => ({ box: 'no_expiry', idleTimeout: NEVER }) as const;

/** What `measure` tells of a box and a server to which something happens in the middle of the search. */
async function measuredWhile(
  row: Pick<Told, 'lab' | 'ssh' | 'asks'>,
  happens: (lab: Lab, home: string) => Promise<void>,
  more: readonly string[] = [],
  underWay = UNDER_WAY,
): Promise<ReportDocument> {
  let happening: Promise<void> | undefined;
  const inTheMiddle = async (lab: Lab, home: string): Promise<void> => {
    await until('a search is under way', 120_000, async () => (await lab.mappings()).length >= underWay);
    await happens(lab, home);
  };
  const install = (lab: Lab, _: number, directory: string): Promise<undefined> => {
    happening = inTheMiddle(lab, join(directory, 'home-normal'));
    return Promise.resolve(undefined);
  };
  const ended = await inSshTurn(() => measured({ ...row, install }, IDLE_TIMEOUT, more));
  await happening;
  expect(ended.stderr).toBe('');
  return documentSchema.parse(JSON.parse(ended.stdout));
}

function said({ events }: ReportDocument): string {
  return events.map(({ text }) => text).join('\n');
}

/** The verdicts of a mode's tests, each with its reason, once. */
function reasonsOf({ modes }: ReportDocument, ...only: readonly string[]): readonly string[] {
  const tests = modes.filter(({ mode }) => only.length === 0 || only.includes(mode)).flatMap((m) => m.tests);
  return [...new Set(tests.map(({ verdict, reason }) => `${verdict} ${reason}`))];
}

const isDeath = (reason: string): boolean => reason.startsWith('dead');

function expectBrackets({ modes }: ReportDocument, ...only: readonly string[]): void {
  for (const { mode, lower_bound_seconds: lower, upper_bound_seconds: upper } of modes) {
    if (only.length > 0 && !only.includes(mode)) continue;
    expect(lower, mode).toBeLessThanOrEqual(IDLE_TIMEOUT);
    expect(upper, mode).toBeGreaterThanOrEqual(IDLE_TIMEOUT);
  }
}

/** Where sessions hang, and in which modes a mapping is forgotten there all the same. */
const HANGING = {
  'a NAT that keeps': { row: { lab: KEEPS, ssh: {}, asks: { idleTimeouts: [NEVER], maxIdle: 8 } }, dies: [] },
  'a NAT that keeps, before a server without /proc': {
    row: { lab: KEEPS, ssh: { hidesProc: true }, asks: { idleTimeouts: [NEVER], maxIdle: 8 } },
    dies: [],
  },
  'a box that any packet from outside reminds': {
    row: { lab: () => ({ box: 'inbound_revives', idleTimeout: IDLE_TIMEOUT }) as const, ssh: {} },
    dies: ['send', 'keepalive'],
  },
} as const satisfies Record<
  string,
  { readonly row: Pick<Told, 'lab' | 'ssh' | 'asks'>; readonly dies: readonly string[] }
>;

/** How a server turns new logins away for so many seconds, and what is said of it. */
interface TurningAway {
  readonly config?: readonly string[];
  readonly seconds: number;
  readonly says: RegExp;
  /** It begins before the search, and sees by itself when its moment has come. */
  readonly waits?: true;
  /** @returns what ends it */
  readonly turnAway: (lab: Lab) => Promise<() => Promise<unknown>>;
}

const TURNING_AWAY: Readonly<Record<string, TurningAway>> = {
  // A login that is under way is waited for, and one that shows whether anybody answers.
  'bans us silently': {
    seconds: 50,
    says: /does not answer: cannot connect to \S+: no answer within 20 s/,
    turnAway: (lab) => ban(lab, 'drop'),
  },
  'bans us as fail2ban does': {
    seconds: 25,
    says: /does not answer: cannot connect to \S+: connection refused/,
    turnAway: (lab) => ban(lab, 'reject'),
  },
  'has its MaxStartups taken by others': {
    config: ['MaxStartups 3:100:3'],
    seconds: 25,
    waits: true,
    says: /no new probe connection is let in, while old ones live \(\S+ closed the connection before the login\)/,
    turnAway: async (lab) => {
      // It acts while the first connections are opened, however busy the machine is: once all are, nobody is turned away.
      // A place that one of our own logins has at this moment is taken when it is free: whoever is turned away hears
      // "Exceeded MaxStartups", and not "SSH-2.0".
      const hold = `import socket, time
def established():
    lines = [line.split() for table in ("tcp", "tcp6") for line in open("/proc/net/" + table)]
    return sum(line[3] == "01" and line[1].endswith(":%04X" % ${SSH_PORT}) for line in lines)
while established() < ${OPENING}: time.sleep(0.02)
held = []
while len(held) < 3:
    each = socket.create_connection(("127.0.0.1", ${SSH_PORT}))
    if each.recv(1) == b"S": held.append(each)
    else: time.sleep(0.02)
print("ready", flush=True)
time.sleep(600)`;
      const others = lab.spawn('server', 'python3', ['-c', hold]);
      await others.waitForLine(/^ready$/, 240_000);
      return () => others.stop('SIGKILL');
    },
  },
};

/** The rule that fail2ban's action `nftables` sets, or a silent one. */
async function ban(lab: Lab, verdict: 'drop' | 'reject'): Promise<() => Promise<unknown>> {
  const rules = `
table inet f2b-table {
  chain f2b-chain {
    type filter hook input priority -1; policy accept;
    ip daddr ${SERVER.v4} tcp dport ${SSH_PORT} ${verdict}
  }
}`;
  await lab.exec('server', 'nft', ['-f', '-'], { input: rules });
  return () => lab.exec('server', 'nft', ['delete', 'table', 'inet', 'f2b-table']);
}

describeLab(
  'nat-idle-exporter measure over SSH',
  () => {
    it.concurrent('is not misled by a reboot of the NAT, and proves its advice', {
      timeout: 400_000,
    }, async () => {
      const strict = { lab: () => ({ box: 'strict', idleTimeout: IDLE_TIMEOUT }) as const, ssh: {} };
      const reboot = async (lab: Lab): Promise<void> => {
        await sleep(5000);
        await lab.reboot();
      };
      const document = await measuredWhile(strict, reboot, ['--verify']);
      expect(document.verdict.result).toBe('not_compliant');
      expect(said(document).match(/^every mapping of the path vanished/gm)).toHaveLength(1);
      expectBrackets(document);
      const shown = document.keepalive_tried.map(({ kind, held }) => [kind, held]);
      expect(Object.fromEntries(shown)).toEqual({ keepalive: true, data: true });
    });

    it.concurrent.each(Object.entries(HANGING))(
      'takes no session that hangs at the server for a forgotten one: behind %s',
      { timeout: 300_000 },
      async (_name, { row, dies }) => {
        const stopped: number[] = [];
        /** Stops every second session: those that watch the path, too, perhaps. */
        const stopSome = async (_lab: Lab, home: string): Promise<void> => {
          stopped.push(...sessionsOf(programsOf(home)).filter((_id, index) => index % 2 === 0));
          for (const id of stopped) process.kill(id, 'SIGSTOP');
          await Promise.resolve();
        };
        try {
          const document = await measuredWhile(row, stopSome);
          expect(stopped.length).toBeGreaterThan(3);
          expect(reasonsOf(document)).toContain('inconclusive control_failed');
          expect(said(document)).not.toContain('vanished');
          expect(reasonsOf(document, ...dies).some(isDeath)).toBe(dies.length > 0);
          if (dies.length > 0) expectBrackets(document, ...dies);
          for (const { mode, tests, lower_bound_seconds: lower } of document.modes) {
            if ((dies as readonly string[]).includes(mode)) continue;
            expect(tests.filter(({ verdict }) => verdict === 'dead')).toEqual([]);
            expect(lower, mode).toBeGreaterThanOrEqual(7);
          }
        } finally {
          for (const id of stopped) process.kill(id, 'SIGKILL');
        }
      },
    );

    it.concurrent.each(Object.entries(TURNING_AWAY))(
      'learns nothing wrong of a server that %s for a while, says why, and goes on afterwards',
      { timeout: 400_000 },
      async (_name, { config = [], seconds, says, turnAway, waits }) => {
        const row = { lab: KEEPS, ssh: { config }, asks: { idleTimeouts: [NEVER], maxIdle: 20 } } as const;
        const turnedAway = async (lab: Lab): Promise<void> => {
          const letIn = await turnAway(lab);
          await sleep(1000 * seconds);
          await letIn();
        };
        const document = await measuredWhile(row, turnedAway, [], waits ? 0 : UNDER_WAY);
        expect(reasonsOf(document).filter(isDeath)).toEqual([]);
        expect(said(document)).not.toContain('vanished');
        expect(said(document)).toMatch(says);
        for (const { mode, lower_bound_seconds: lower } of document.modes)
          expect(lower, mode).toBeGreaterThanOrEqual(19);
      },
    );
  },
  hasSshServers() ? [] : ['root, openssh-server and dropbear-bin'],
);
