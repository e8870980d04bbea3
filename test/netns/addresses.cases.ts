/** The addresses of a far end: several far ends behind one of them, dead ones, and answers that change. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { expectBracket, type Ground } from './expectations.js';
import { CLIENT, type Lab, SERVER } from './lab.js';
import { series, total } from './metrics.js';
import {
  EXPORTER_PORT,
  hasFindings,
  hasVerdicts,
  HUNG,
  isConfirmedAfter,
  MODES,
  published,
  withProduct,
} from './product.js';
import { until } from './until.js';
import { Watcher } from './watch.js';

const GROUND: Ground = { idleTimeout: 14, resolution: 1, minIdle: 5, maxIdle: 24 };
const BOX = { box: 'strict', idleTimeout: GROUND.idleTimeout } as const;
const SEARCH = { max_idle: `${GROUND.maxIdle}s` };

/** A second responder, and a balancer before the NAT that sends every other connection to it. */
async function addFarEnd(lab: Lab): Promise<void> {
  const args = [
    'dist/main.js',
    'responder',
    '--listen-address=:5383',
    '--web.listen-address=127.0.0.1:25383',
  ];
  await lab.spawn('server', process.execPath, args).waitForLine(/responder listens/, 60_000);
  const rules = `
table ip balancer {
  chain destination {
    type nat hook prerouting priority dstnat; policy accept;
    iifname "lan" ip daddr ${SERVER.v4} tcp dport 5382 numgen inc mod 2 == 1 dnat to ${SERVER.v4}:5383
  }
}`;
  await lab.exec('nat', 'nft', ['-f', '-'], { input: rules });
}

/** Lets the box drop the TCP segments of one family, of all that pass, or lets them pass again. */
async function blackHole(lab: Lab, family: 'ip' | 'ip6', on: boolean): Promise<void> {
  const table = `hole_${family}`;
  const rules = `
table ${family} ${table} {
  chain forward { type filter hook forward priority filter - 10; policy accept; meta l4proto tcp drop; }
}`;
  if (on) await lab.exec('nat', 'nft', ['-f', '-'], { input: rules });
  else await lab.exec('nat', 'nft', ['delete', 'table', family, table]);
}

/** Runs `body` with a file of names that the exporter sees in place of /etc/hosts. */
async function withHosts(body: (hosts: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'natlab-'));
  try {
    await body(join(directory, 'hosts'));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

const LEASES = [CLIENT.v4, '10.77.0.31', '10.77.0.32'] as const;

/** The client's interface gives a lease back; its default route goes with it. */
async function giveBack(lab: Lab, lease: string): Promise<void> {
  await lab.exec('client', 'ip', ['addr', 'del', `${lease}/24`, 'dev', 'eth0']);
}

/** The client's interface gets a lease. */
async function take(lab: Lab, lease: string): Promise<void> {
  await lab.exec('client', 'ip', ['addr', 'add', `${lease}/24`, 'dev', 'eth0']);
  await lab.exec('client', 'ip', ['route', 'add', 'default', 'via', '10.77.0.1']);
}

export function describeAddresses(): void {
  test.concurrent(
    'an interface whose lease changes in the middle of the search, and again later: told, and nothing is false',
    { timeout: HUNG },
    () =>
      withProduct(BOX, { interface: 'eth0', search: SEARCH }, async (product) => {
        const { lab } = product;
        const watcher = new Watcher(product, MODES, GROUND.idleTimeout).start();
        const up = (text: string): boolean => series(text, 'nat_target_up') === 1;
        const status = async (): Promise<string> =>
          (await lab.http('client', `http://127.0.0.1:${EXPORTER_PORT}/api/v1/targets`)).body;
        try {
          const died = (text: string): boolean =>
            total(text, 'nat_probe_verdicts_total', { verdict: 'dead' }) > 0;
          await product.until('something has died', 60, died);
          await giveBack(lab, LEASES[0]);
          await product.until('it is down', 15, (text) => !up(text));
          expect(await status()).toContain('interface eth0 has no IPv4 address');
          await take(lab, LEASES[1]);
          await until('the new lease is told', 30_000, async () => (await status()).includes(LEASES[1]));
          const page = await product.until('all modes have a finding', 120, (text) => hasFindings(text));
          for (const mode of MODES) expectBracket(page, mode, GROUND);

          await giveBack(lab, LEASES[1]);
          await take(lab, LEASES[2]);
          const later = await product.until('the finding is confirmed from there', 90, (text) =>
            isConfirmedAfter(page, text, GROUND.idleTimeout),
          );
          expect(total(later, 'nat_mapping_losses_total')).toBe(0);
          for (const mode of MODES) expectBracket(later, mode, GROUND);
        } finally {
          watcher.stop();
        }
        for (const [index, lease] of LEASES.slice(1).entries())
          expect(product.story()).toContain(
            `interface eth0 has another address: ${lease} instead of ${LEASES[index] ?? ''}`,
          );
        expect(watcher.violations).toEqual([]);
      }),
  );

  test.concurrent(
    'two far ends behind one address: told, and the bracket is right or absent',
    { timeout: HUNG },
    () =>
      withProduct(BOX, { search: SEARCH, prepare: addFarEnd }, async (product) => {
        const watcher = new Watcher(product, MODES, GROUND.idleTimeout).start();
        try {
          const page = await product.until(
            'several far ends are told, and all modes have a finding',
            240,
            (text) => {
              const told = series(text, 'nat_path_condition', { condition: 'several_far_ends' }) === 1;
              return told && MODES.every((mode) => published(text, mode).timeout !== undefined);
            },
          );
          for (const mode of MODES) expectBracket(page, mode, GROUND);
        } finally {
          watcher.stop();
        }
        expect(watcher.violations).toEqual([]);
      }),
  );

  test.concurrent(
    'a dead IPv6 beside IPv4 at start, and later the other way round: the target comes up where it can',
    { timeout: HUNG },
    () =>
      withHosts(async (hosts) => {
        writeFileSync(hosts, `${SERVER.v6} far.example\n${SERVER.v4} far.example\n`);
        const prepare = async (lab: Lab): Promise<void> => {
          await blackHole(lab, 'ip6', true);
          await blackHole(lab, 'ip', true);
        };
        const options = { host: 'far.example', search: SEARCH, exporter: { hosts }, prepare };
        await withProduct(BOX, options, async (product) => {
          const { lab } = product;
          const up = (text: string): boolean => series(text, 'nat_target_up') === 1;
          await sleep(12_000);
          expect(up(await product.page())).toBe(false);
          await blackHole(lab, 'ip', false);
          await product.until('it is up over IPv4', 45, up);
          await blackHole(lab, 'ip6', false);
          await blackHole(lab, 'ip', true);
          await product.until('IPv4 is given up', 60, (text) => !up(text));
          const page = await product.until('it is up over IPv6', 90, up);
          expect(total(page, 'nat_mapping_losses_total')).toBe(0);
          for (const mode of MODES) expect(published(page, mode).upper ?? Infinity).toBe(Infinity);
        });
      }),
  );

  test.concurrent(
    'a name with another answer each time, both of which answer: nothing is interrupted',
    {
      timeout: HUNG,
    },
    () =>
      withHosts(async (hosts) => {
        const addresses = [SERVER.v4, '203.0.113.201'] as const;
        const answer = (turn: number): void => {
          writeFileSync(hosts, `${addresses[turn % 2] ?? ''} far.example\n`);
        };
        answer(0);
        const prepare = async (lab: Lab): Promise<void> => {
          await lab.exec('server', 'ip', ['addr', 'add', `${addresses[1]}/24`, 'dev', 'eth0']);
        };
        const options = { host: 'far.example', search: SEARCH, exporter: { hosts }, prepare };
        await withProduct(BOX, options, async (product) => {
          await product.until('it is up', 30, (text) => series(text, 'nat_target_up') === 1);
          // The name is looked up each minute.
          answer(1);
          await sleep(70_000);
          answer(0);
          // What few connections answer is checked before, in which no search asks anything.
          await product.until('all modes have a verdict', 180, (text) => hasVerdicts(text));
          answer(1);
          await sleep(70_000);
          const page = await product.page();
          expect(total(page, 'nat_probe_verdicts_total', { reason: 'interrupted' })).toBe(0);
          expect(product.story()).not.toContain('has a new address');
          for (const mode of MODES) expectBracket(page, mode, GROUND);
        });
      }),
  );
}
