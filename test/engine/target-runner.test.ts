import { beforeEach, describe, expect, it } from 'vitest';
import type { TargetConfig } from '../../src/config/config.js';
import type { StateStore } from '../../src/engine/state-store.js';
import type { TargetRunnerOptions } from '../../src/engine/target-runner.js';
import { createLogger } from '../../src/log.js';
import { InterfaceError } from '../../src/net/interface-address.js';
import type { AskRouter, PathEnds } from '../../src/net/router.js';
import type { FakePath } from '../support/fake-path.js';
import { HOME, measureTarget, stateStore } from '../support/measured-target.js';

/** Of `HOME`. */
const FAR_END = '203.0.113.9';

const TARGET: TargetConfig = { ...HOME, search: { ...HOME.search, connections: 24 } };

interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly explanations?: string;
}

async function start(
  prepare: (path: FakePath) => void = () => undefined,
  askRouter?: AskRouter,
  testsKept = 500,
  more: Partial<TargetRunnerOptions> = {},
) {
  const lines: string[] = [];
  const scene = await measureTarget(prepare, {
    target: TARGET,
    log: createLogger({
      level: 'info',
      format: 'json',
      stream: { write: (line: string) => lines.push(line) },
    }),
    testsKept,
    askRouter: askRouter ?? (() => Promise.resolve(undefined)),
    ...more,
  });
  const { runner } = scene;
  const log = (): LogLine[] => lines.map((line) => JSON.parse(line) as LogLine);
  const ids = (): string[] => runner.snapshot().explanations.map(({ id }) => id);
  const diagnoses = (): LogLine[] => log().filter(({ msg }) => msg.startsWith('diagnosis: '));
  return { ...scene, log, ids, diagnoses };
}

describe('the diagnosis of a TargetRunner', () => {
  it('takes the deaths before a rise for what they were', async () => {
    const { path, runner, live, ids } = await start((path) => {
      path.idleTimeout = 60;
    });
    await live(1800);
    expect(runner.snapshot().modes[0]?.finding.timeout).toBeCloseTo(60, -1);
    expect(ids()).not.toContain('two_answers');
    path.idleTimeout = 120;
    await live(3600);
    expect(runner.snapshot().modes[0]?.finding.timeout).toBeCloseTo(120, -1);
    expect(ids()).not.toContain('two_answers');
    const told = runner.snapshot().events.filter(({ text }) => text.includes('than before'));
    expect(told.map(({ text }) => text).sort()).toEqual(
      ['recv', 'send'].map((mode) => `${mode}: survives longer than before; measuring anew`),
    );
  });

  it('takes the deaths of a drop for what they were', async () => {
    const { path, runner, live, ids } = await start((path) => {
      path.idleTimeout = 120;
    });
    await live(3600);
    path.idleTimeout = 60;
    await live(3600);
    expect(runner.snapshot().modes[0]?.finding.timeout).toBeCloseTo(60, -1);
    expect(ids()).not.toContain('two_answers');
    expect(runner.snapshot().events.map(({ text }) => text)).toContain('send: dies earlier than before');
  });

  it('is told in one line of the log and one event when it changes, whoever reads it', async () => {
    const { path, runner, live, diagnoses, log } = await start((path) => {
      path.idleTimeout = 60;
    });
    await live(1800);
    const first = diagnoses();
    expect(first.map(({ level, explanations }) => [level, explanations])).toEqual([
      ['info', expect.stringMatching(/^mapping_forgotten\b/)],
    ]);
    expect(first[0]?.msg).toContain('forgotten');
    expect(runner.snapshot().events.filter(({ text }) => text === first[0]?.msg)).toHaveLength(1);
    for (let scrape = 0; scrape < 10; scrape++) runner.snapshot();
    await live(1800);
    expect(diagnoses()).toHaveLength(1);
    path.idleTimeout = undefined;
    await live(7200);
    expect(diagnoses().at(-1)?.explanations).toBe('no_expiry_seen');
    for (const { msg } of log()) expect(msg).not.toMatch(/\d+\.\d+\.\d+\.\d+/);
  });
});

describe('the addresses of a TargetRunner', () => {
  it('are not several when the NAT got a new one and lost its mappings', async () => {
    const { path, runner, live, ids } = await start();
    await live(1800);
    expect(ids()).toEqual(['no_expiry_seen']);
    path.seenAddress = '198.51.100.2';
    path.reboot();
    for (let minute = 0; minute < 30; minute++) {
      await live(60);
      expect(ids()).not.toContain('several_addresses');
    }
    const { events, seenAddress } = runner.snapshot();
    expect(seenAddress).toBe('198.51.100.2');
    expect(events.map(({ text }) => text)).toContain('this host has a new address, as the far end sees it');
  });

  it('are several when another one is seen while the mappings live', async () => {
    const { path, live, ids } = await start();
    await live(1800);
    path.seenAddress = '198.51.100.2';
    const [evicted] = path.canaries;
    if (evicted !== undefined) evicted.forgotten = true;
    await live(600);
    expect(ids()).toContain('several_addresses');
  });
});

describe('the interface of a TargetRunner', () => {
  const [BEFORE, AFTER] = ['192.0.2.7', '192.0.2.8'] as const;
  const REASON = 'interface wan has no IPv4 address';

  /** Behind a NAT that forgets after 60 s, from an interface whose address the test changes. */
  async function onInterface() {
    const lease = { address: BEFORE as string | undefined };
    let fake: FakePath | undefined;
    const prepare = (path: FakePath): void => {
      path.idleTimeout = 60;
      fake = path;
    };
    const begun = await start(prepare, undefined, 500, {
      target: { ...TARGET, interface: 'wan' },
      addressOf: () => {
        if (lease.address === undefined) throw new InterfaceError(REASON);
        return lease.address;
      },
      openPath: ({ source }) => {
        if (fake === undefined) throw new Error('prepared before');
        fake.source = source;
        return fake;
      },
    });
    /** What was on the way before reaches nobody any more. */
    const renew = (address: string | undefined): void => {
      lease.address = address;
      begun.path.reboot();
    };
    const told = (): string[] => begun.runner.snapshot().events.map(({ text }) => text);
    const timeouts = () => begun.runner.snapshot().modes.map(({ finding }) => finding.timeout);
    return { ...begun, renew, lease, told, timeouts };
  }

  it('may get another lease: told, nothing counts as dead, and what was found is asked anew', async () => {
    const { runner, live, renew, told, timeouts } = await onInterface();
    await live(1800);
    const before = runner.snapshot().modes.map(({ confirmedTimestamp = 0 }) => confirmedTimestamp);
    expect(before).toHaveLength(TARGET.modes.length);
    renew(AFTER);
    await live(3);
    expect(told()).toContain(`interface wan has another address: ${AFTER} instead of ${BEFORE}`);
    await live(900);
    const { modes, up, localAddress } = runner.snapshot();
    expect([up, localAddress]).toEqual([true, AFTER]);
    for (const timeout of timeouts()) expect(timeout).toBeCloseTo(60, -1);
    for (const [index, { confirmedTimestamp = 0 }] of modes.entries())
      expect(confirmedTimestamp).toBeGreaterThan(before[index] ?? Infinity);
    expect(told().join()).not.toMatch(/dies earlier|every mapping|does not answer/);
  });

  it('is why the target is down while it has no address, within seconds', async () => {
    const { runner, live, lease, told, timeouts } = await onInterface();
    await live(1800);
    lease.address = undefined;
    await live(6);
    expect(runner.snapshot()).toMatchObject({ up: false, downReason: REASON });
    lease.address = BEFORE;
    await live(60);
    expect(runner.snapshot().up).toBe(true);
    expect(told().join()).not.toMatch(/another address|every mapping|gone/);
    for (const timeout of timeouts()) expect(timeout).toBeCloseTo(60, -1);
  });
});

describe('the router of a TargetRunner', () => {
  const behindNat = (path: FakePath): void => {
    path.localAddress = '192.168.1.2';
    path.seenAddress = '8.8.4.1';
  };

  it('shows a carrier-grade NAT, and its address in the snapshot only', async () => {
    const asked: PathEnds[] = [];
    const { runner, live, ids, log } = await start(behindNat, (ends) => {
      asked.push(ends);
      return Promise.resolve({ address: '100.64.7.9', askedAt: 1000 });
    });
    await live(1800);
    expect(asked[0]).toEqual({ local: '192.168.1.2', remote: FAR_END });
    expect(runner.snapshot().routerAddress).toBe('100.64.7.9');
    expect(ids()).toContain('carrier_grade_nat');
    expect(JSON.stringify(log())).not.toContain('100.64.7.9');
  });

  it('shows a second NAT when its outer address is not the seen one', async () => {
    const answer = { address: '8.8.4.2', askedAt: 1000 };
    const { live, ids } = await start(behindNat, () => Promise.resolve(answer));
    await live(1800);
    expect(ids()).toContain('second_nat');
  });

  it('shows nothing when its outer address is the seen one', async () => {
    const answer = { address: '8.8.4.1', askedAt: 1000 };
    const { runner, live, ids } = await start(behindNat, () => Promise.resolve(answer));
    await live(1800);
    expect(runner.snapshot().routerAddress).toBe('8.8.4.1');
    expect(ids()).toEqual(['no_expiry_seen']);
  });

  it('is not believed about an address from before the last change', async () => {
    let answer = { address: '8.8.4.1', askedAt: 1000 };
    const { clock, path, runner, live, ids } = await start(behindNat, () => Promise.resolve(answer));
    await live(1800);
    path.seenAddress = '8.8.4.9';
    path.reboot();
    await live(600);
    expect(runner.snapshot().routerAddress).toBeUndefined();
    expect(ids()).toEqual(['no_expiry_seen']);
    answer = { address: '8.8.4.9', askedAt: clock.monotonic() };
    await live(60);
    expect(runner.snapshot().routerAddress).toBe('8.8.4.9');
  });

  it.each(['127.0.0.1', '100.64.0.2', '8.8.8.8', 'fd77::2'])('is not asked from %s', async (local) => {
    let asked = 0;
    const { live } = await start(
      (path) => {
        path.localAddress = local;
      },
      () => {
        asked += 1;
        return Promise.resolve(undefined);
      },
    );
    await live(120);
    // A unique local IPv6 address is private too: there the inquiry itself knows that no router is to be asked.
    expect(asked > 0).toBe(local.startsWith('fd'));
  });
});

describe('the tests of a TargetRunner', () => {
  it('are kept in their order, the newest ones only', async () => {
    const all = await start();
    const few = await start(undefined, undefined, 7);
    await all.live(1200);
    await few.live(1200);
    const idles = ({ runner }: typeof all) =>
      runner.snapshot().modes.map(({ tests }) => tests.map(({ idle }) => idle));
    expect(idles(all)[0]?.length).toBeGreaterThan(7);
    expect(idles(few)).toEqual(idles(all).map((tests) => tests.slice(-7)));
  });
});

describe('the findings of a TargetRunner', () => {
  it('are the same objects until something else is found, so that nothing is derived anew', async () => {
    const { runner, live } = await start();
    let same = 0;
    let others = 0;
    let before = runner.snapshot();
    for (let round = 0; round < 20; round++) {
      await live(3);
      const now = runner.snapshot();
      for (const [index, { finding }] of now.modes.entries()) {
        const known = before.modes[index]?.finding;
        if (finding === known) same += 1;
        else {
          others += 1;
          expect(finding).not.toEqual(known);
        }
      }
      before = now;
    }
    expect(same).toBeGreaterThan(0);
    expect(others).toBeGreaterThan(0);
  });
});

describe('the saved state of a TargetRunner', () => {
  let store: StateStore;
  beforeEach(() => {
    store = stateStore();
  });

  const startStored = (target: TargetConfig) => start(undefined, undefined, undefined, { target, store });
  const lowerOf = ({ runner }: Awaited<ReturnType<typeof start>>): number | undefined =>
    runner.snapshot().modes[0]?.finding.lower;

  /** What a target with these changes knows at its start, after one that has measured for an hour was stopped. */
  async function knownTo(changes: Partial<TargetConfig>): Promise<number | undefined> {
    const first = await startStored(TARGET);
    await first.live(1200);
    expect(lowerOf(first)).toBeGreaterThan(50);
    await first.stop();
    return lowerOf(await startStored({ ...TARGET, ...changes }));
  }

  it('is believed by the same path, whatever else of the target has changed', async () => {
    expect(await knownTo({ labels: { site: 'other' } })).toBeGreaterThan(50);
  });

  it('holds what the other modes told each of them', async () => {
    const { live, stop } = await startStored(TARGET);
    await live(120);
    await stop();
    const saved = await store.load(TARGET.name);
    const told = JSON.stringify(saved).match(/"others":\[\{"idle":/g);
    expect(told).toHaveLength(TARGET.modes.length);
  });

  it.each<[string, Partial<TargetConfig>]>([
    ['far end', { far_end: { kind: 'native', host: '203.0.113.10', port: 5382 } }],
    ['port', { far_end: { kind: 'native', host: FAR_END, port: 5383 } }],
    ['local address', { local_address: '192.0.2.7' }],
    ['interface', { interface: 'wan' }],
    ['address family', { family: 4 }],
  ])('is not believed by a path with another %s', async (_what, changes) => {
    expect(await knownTo(changes)).toBeUndefined();
  });
});
