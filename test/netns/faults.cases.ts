/**
 * Faults in the middle of a search and in steady state: nothing false is published, the right counter goes up, and
 * the search goes on by itself.
 */
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { expectBracket, type Ground } from './expectations.js';
import { SERVER } from './lab.js';
import { series, total } from './metrics.js';
import {
  hasFindings,
  hasVerdicts,
  HUNG,
  isConfirmedAfter,
  MODES,
  published,
  reasonsOf,
  withProduct,
  type Mode,
  type Product,
  type ProductOptions,
} from './product.js';
import { run } from './process.js';
import { until } from './until.js';
import { Watcher } from './watch.js';

const GROUND: Ground = { idleTimeout: 20, resolution: 1, minIdle: 5, maxIdle: 40 };
const BOX = { box: 'strict', idleTimeout: GROUND.idleTimeout } as const;

/** Every mode has survived something, none has a finding: the search is on its way up. */
function isClimbing(page: string): boolean {
  return MODES.every((mode) => (published(page, mode).lower ?? 0) >= 7);
}

interface Faulty {
  /** What goes wrong, and its end. */
  readonly happen: (product: Product) => Promise<unknown>;
  /** Looked at after the search went on; `page` is newer than the fault. */
  readonly expected?: (page: string, product: Product) => void;
  readonly options?: ProductOptions;
  /** Seconds that the search may take to go on after the fault. */
  readonly patience?: number;
  /** Whether the fault also happens while the search climbs. */
  readonly whileClimbing?: boolean;
  /** By how much a bound may be wrong, seconds. */
  readonly tolerance?: number;
}

/** Lets a fault happen while the search climbs and again in steady state, and watches what is published. */
async function survive({
  happen,
  expected,
  options = {},
  patience = 150,
  whileClimbing = true,
  tolerance,
}: Faulty): Promise<void> {
  const ground: Ground = tolerance === undefined ? GROUND : { ...GROUND, tolerance };
  await withProduct(BOX, options, async (product) => {
    const watcher = new Watcher(product, MODES, GROUND.idleTimeout, tolerance).start();
    try {
      if (whileClimbing) {
        await product.until('the search climbs', 60, isClimbing);
        await happen(product);
      }
      // The check with few connections, in which nothing else is asked, is over then.
      const found = await product.until('every mode has a verdict', patience + 60, (page) =>
        hasVerdicts(page),
      );
      for (const mode of MODES) expectBracket(found, mode, GROUND);
      await happen(product);
      const before = await product.page();
      const after = await product.until('the findings are confirmed again', patience, (page) =>
        isConfirmedAfter(before, page),
      );
      for (const mode of MODES) expectBracket(after, mode, ground);
      expect(series(after, 'nat_target_up')).toBe(1);
      expected?.(after, product);
    } finally {
      watcher.stop();
    }
    expect(watcher.violations).toEqual([]);
    expect(watcher.polls).toBeGreaterThan(20);
  });
}

/** How many tests of a mode have ended in any way. */
function tests(page: string, mode: Mode): number {
  return total(page, 'nat_probe_verdicts_total', { mode });
}

/** When anything in a folder was last written, milliseconds. */
function savedAt(directory: string): number {
  return Math.max(...readdirSync(directory).map((name) => statSync(join(directory, name)).mtimeMs));
}

function losses(page: string): number {
  return total(page, 'nat_mapping_losses_total');
}

export function describeFaults(): void {
  const fault = (title: string, faulty: Faulty): void => {
    test.concurrent(title, { timeout: HUNG }, () => survive(faulty));
  };

  for (const [seconds, patience] of [
    [300, 200],
    [30, 200],
    [5, 150],
  ] as const)
    fault(`a silent outage of ${seconds} s kills nothing that lived`, {
      happen: async ({ lab }) => {
        await lab.outage(true);
        await sleep(seconds * 1000);
        await lab.outage(false);
      },
      patience,
      // Five minutes once are enough.
      whileClimbing: seconds < 300,
      expected: (page) => {
        for (const mode of MODES)
          for (const reason of reasonsOf(page, mode, 'dead')) expect(reason).toBe('silence');
      },
    });

  fault('a reboot of the NAT is an event of its own', {
    happen: ({ lab }) => lab.reboot(),
    expected: (page) => {
      expect(losses(page)).toBe(2);
    },
  });

  fault('a new public address is a loss of all mappings', {
    happen: ({ lab }) => lab.changePublicAddress(),
    expected: (page) => {
      expect(losses(page)).toBe(2);
    },
  });

  fault('a pulled cable takes the mappings with it', {
    happen: async ({ lab }) => {
      await lab.link('down');
      await sleep(5000);
      await lab.link('up');
    },
    expected: (page) => {
      expect(losses(page)).toBeGreaterThanOrEqual(1);
    },
  });

  fault('evicted mappings are early deaths, not a new timeout', {
    // A connection that is evicted and then tested inside the bracket looks like any other death there.
    tolerance: GROUND.resolution,
    whileClimbing: false,
    happen: async (product) => {
      const { lab } = product;
      // Two a mode within two idle timeouts; never a canary, whose mapping is not idle: both lost at once would be an
      // event of its own.
      // On a busy machine most are tested before it is their turn: then some more.
      const died = (product: Product): Promise<number> => product.total('nat_probe_early_deaths_total');
      for (let round = 0; round < 6 || (round < 30 && (await died(product)) === 0); round += 1) {
        const idle = (await lab.mappings()).filter((mapping) => mapping.idle >= 8);
        const victim = idle[Math.floor(idle.length / 2)];
        if (victim !== undefined) await lab.evict([victim.clientPort]);
        await sleep(6000);
      }
    },
    expected: (page) => {
      expect(total(page, 'nat_probe_early_deaths_total')).toBeGreaterThanOrEqual(1);
      expect(losses(page)).toBe(0);
    },
  });

  fault('a killed responder is no NAT that forgets', {
    happen: async (product) => {
      await product.responder.stop('SIGKILL');
      await product.until('the target is down', 60, (page) => series(page, 'nat_target_up') === 0);
      await sleep(5000);
      await product.startResponder();
      await product.until('the target is up again', 60, (page) => series(page, 'nat_target_up') === 1);
    },
    expected: (page) => {
      expect(losses(page)).toBe(0);
      for (const mode of MODES)
        for (const reason of reasonsOf(page, mode, 'dead')) expect(reason).toBe('silence');
    },
  });

  fault('a process that was stopped for 8 s discards what it missed', {
    happen: async ({ exporter }) => {
      exporter.signal('SIGSTOP');
      await sleep(8000);
      exporter.signal('SIGCONT');
    },
  });

  fault('a blocked event loop discards what it missed', {
    options: {
      exporter: {
        node: [
          '--import',
          'data:text/javascript,process.on("SIGUSR2",()=>{const end=Date.now()+5000;while(Date.now()<end);})',
        ],
      },
    },
    happen: async ({ exporter }) => {
      exporter.signal('SIGUSR2');
      await sleep(6000);
    },
  });

  test.concurrent('a responder that is unreachable from the start', { timeout: HUNG }, () =>
    withProduct(BOX, { responder: false }, async (product) => {
      const down = await product.until(
        'the target is down',
        60,
        (page) => series(page, 'nat_target_up') === 0,
      );
      for (const mode of MODES)
        expect(published(down, mode)).toMatchObject({
          timeout: undefined,
          lower: undefined,
          compliant: undefined,
        });
      await sleep(5000);
      expect(series(await product.page(), 'nat_target_up')).toBe(0);
      await product.startResponder();
      const page = await product.until('every mode has a finding', 150, (text) => hasFindings(text));
      for (const mode of MODES) expectBracket(page, mode, GROUND);
      expect(losses(page)).toBe(0);
    }),
  );

  test.concurrent('a killed exporter resumes what it knew and invents nothing', { timeout: HUNG }, () =>
    withProduct(BOX, {}, async (product) => {
      await product.until('the search climbs', 60, isClimbing);
      await sleep(2000);
      await product.exporter.stop('SIGKILL');
      await product.startExporter();
      for (const mode of MODES) {
        const { timeout, lower = NaN, upper = Infinity } = published(await product.page(), mode);
        expect({ timeout, upper }).toEqual({ timeout: undefined, upper: Infinity });
        expect(lower).toBeLessThanOrEqual(GROUND.idleTimeout);
      }
      const found = await product.until('every mode has a finding', 150, (page) => hasFindings(page));
      const foundAt = Date.now();
      // What is no news is written within a minute.
      await until('what was found is saved', 90_000, () => savedAt(product.stateDir) > foundAt);
      const before = await product.page();
      await product.exporter.stop('SIGKILL');
      await product.startExporter();
      const resumed = await product.page();
      for (const mode of MODES) {
        const [old, now] = [published(before, mode), published(resumed, mode)];
        expect(now.timeout, mode).toBeDefined();
        expect(now.confirmed, mode).toBeLessThanOrEqual((old.confirmed ?? NaN) + 1);
        expect(now.confirmed, mode).toBeGreaterThanOrEqual((published(found, mode).confirmed ?? NaN) - 1);
        expectBracket(resumed, mode, GROUND);
      }
      const after = await product.until('the findings are confirmed again', 150, (page) =>
        isConfirmedAfter(resumed, page),
      );
      for (const mode of MODES) expectBracket(after, mode, GROUND);
    }),
  );

  test.concurrent('a stepped wall clock moves nothing', { timeout: HUNG }, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'natlab-'));
    const file = join(directory, 'faketime');
    writeFileSync(file, '+0');
    const options: ProductOptions = {
      exporter: {
        env: {
          LD_PRELOAD: (await run(['faketime', '-f', '+0', 'sh', '-c', 'printf %s "$LD_PRELOAD"'])).stdout,
          FAKETIME_TIMESTAMP_FILE: file,
          FAKETIME_NO_CACHE: '1',
          FAKETIME_DONT_FAKE_MONOTONIC: '1',
          NO_FAKE_STAT: '1',
        },
      },
    };
    try {
      await withProduct(BOX, options, async (product) => {
        const watcher = new Watcher(product, MODES, GROUND.idleTimeout).start();
        await product.until('the search climbs', 60, isClimbing);
        writeFileSync(file, '+3600');
        await product.until('every mode has a finding', 150, (page) => hasFindings(page));
        writeFileSync(file, '-7200');
        const before = await product.page();
        const after = await product.until('every mode went on', 150, (page) =>
          MODES.every((mode) => tests(page, mode) >= tests(before, mode) + 5),
        );
        for (const mode of MODES) {
          expectBracket(after, mode, GROUND);
          // Only the timestamps follow the wall clock, and so prove that it was stepped.
          expect(published(after, mode).confirmed).toBeLessThan(Date.now() / 1000 - 7000);
        }
        expect(losses(after)).toBe(0);
        watcher.stop();
        expect(watcher.violations).toEqual([]);
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  fault('file descriptors run out and come back', {
    happen: async ({ lab, exporter }) => {
      const limits = await lab.exec('client', 'prlimit', [
        '--pid',
        String(exporter.pid),
        '--nofile',
        '--output=SOFT',
        '--noheadings',
      ]);
      const limit = (soft: string): Promise<unknown> =>
        lab.exec('client', 'prlimit', ['--pid', String(exporter.pid), `--nofile=${soft}:`]);
      await limit('24');
      await sleep(15_000);
      await limit(limits.stdout.trim());
    },
    expected: (page) => {
      for (const mode of MODES)
        for (const reason of reasonsOf(page, mode, 'dead')) expect(reason).toBe('silence');
    },
  });

  test.concurrent.each([
    ['full', 'size=4k', /ENOSPC/],
    ['read-only', 'ro', /EROFS/],
  ] as const)(
    'a state directory on a %s disk costs the memory, not the search',
    { timeout: HUNG },
    async (_, mount, message) => {
      const stateDir = mkdtempSync(join(tmpdir(), 'natlab-'));
      const script = `mount -t tmpfs -o ${mount} tmpfs "$0" && exec "$@"`;
      try {
        await survive({
          options: { stateDir, exporter: { before: ['unshare', '-m', 'sh', '-c', script, stateDir] } },
          happen: () => Promise.resolve(),
          expected: (_page, product) => {
            expect(product.story()).toMatch(message);
          },
        });
      } finally {
        rmSync(stateDir, { recursive: true });
      }
    },
  );

  test.concurrent('a changed DNS answer, the old address gone: interrupts, moves no bound, and the search goes on', {
    timeout: HUNG,
  }, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'natlab-'));
    const hosts = join(directory, 'hosts');
    const addresses = [SERVER.v4, '203.0.113.201'] as const;
    let answer = 0;
    writeFileSync(hosts, `${addresses[0]} far.example\n`);
    try {
      await survive({
        options: { host: 'far.example', exporter: { hosts } },
        happen: async ({ lab }) => {
          const gone = addresses[answer] ?? '';
          answer = 1 - answer;
          const address = addresses[answer] ?? '';
          await lab.exec('server', 'ip', ['addr', 'del', `${gone}/24`, 'dev', 'eth0']);
          await lab.exec('server', 'ip', ['addr', 'add', `${address}/24`, 'dev', 'eth0']);
          writeFileSync(hosts, `${address} far.example\n`);
          await until(`connections to ${address}`, 120_000, async () => {
            const { stdout } = await lab.exec('server', 'ss', [
              '-Htn',
              'state',
              'established',
              'sport',
              '=',
              ':5382',
            ]);
            return stdout.includes(`${address}]:5382`) || stdout.includes(`${address}:5382`);
          });
        },
        expected: (page, product) => {
          expect(product.story()).toContain(`far.example has a new address: ${addresses[1]}`);
          expect(total(page, 'nat_probe_verdicts_total', { reason: 'interrupted' })).toBeGreaterThanOrEqual(
            1,
          );
          expect(losses(page)).toBe(0);
        },
      });
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
}
