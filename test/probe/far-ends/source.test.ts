/** Where connections start from, for the far ends of all protocols. */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { FarEnd } from '../../../src/config/far-ends.js';
import { FAR_END_KINDS } from '../../../src/config/far-ends.js';
import { DEFAULT_SEARCH } from '../../../src/config/schema.js';
import type { Endpoint } from '../../../src/net/link.js';
import { InterfaceError } from '../../../src/net/interface-address.js';
import { openPath } from '../../../src/probe/far-ends/index.js';
import type { Path } from '../../../src/probe/path.js';
import { FakeClock } from '../../support/fake-clock.js';

const HOST = '203.0.113.9';
const folder = mkdtempSync(join(tmpdir(), 'source-'));
const identity = join(folder, 'identity');
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
writeFileSync(identity, privateKey.export({ type: 'sec1', format: 'pem' }));

afterAll(() => rmSync(folder, { recursive: true }));

const FAR_ENDS: Readonly<Record<Exclude<FarEnd['kind'], 'embedded'>, FarEnd>> = {
  native: { kind: 'native', host: HOST, port: 5382 },
  'nat-tcp-test': { kind: 'nat-tcp-test', host: HOST, echo_port: 31_415, sleep_port: 27_182 },
  ssh: { kind: 'ssh', host: HOST, port: 22, user: 'me', identity_file: identity },
};

/** A path whose connections fail, and where they were to start from. */
function pathOf(far_end: FarEnd, source?: () => string) {
  const tried: Endpoint[] = [];
  const path = openPath({
    target: {
      name: 'wan',
      far_end,
      modes: ['send'],
      family: 4,
      labels: {},
      search: DEFAULT_SEARCH,
      ...(source === undefined ? { local_address: '192.0.2.5' } : { interface: 'wan' }),
    },
    address: HOST,
    clock: new FakeClock(),
    openLink: (endpoint) => {
      tried.push(endpoint);
      return Promise.reject(new Error('no network here'));
    },
    ...(source === undefined ? {} : { source }),
  });
  return { path, tried };
}

const { signal } = new AbortController();
const OPENINGS: readonly ((path: Path) => Promise<unknown>)[] = [
  (path) => path.check(signal),
  (path) => path.openCanary(signal),
  (path) => path.open('send', undefined, signal),
];

describe.each(Object.entries(FAR_ENDS))('connections to a far end that speaks %s', (_kind, farEnd) => {
  it('start from the address that the interface has when they are opened', async () => {
    const leases = ['192.0.2.7', '192.0.2.8', '192.0.2.9'];
    let lease = '';
    const { path, tried } = pathOf(farEnd, () => lease);
    for (const [index, open] of OPENINGS.entries()) {
      lease = leases[index] ?? '';
      await expect(open(path)).rejects.toThrow('no network here');
    }
    expect(tried.map(({ localAddress }) => localAddress)).toEqual(leases);
  });

  it('fail with the reason why it has none', async () => {
    const { path, tried } = pathOf(farEnd, () => {
      throw new InterfaceError('interface wan does not exist');
    });
    const hop = (path: Path): Promise<unknown> => path.hopAddress?.(1, 1, signal) ?? path.check(signal);
    for (const open of [...OPENINGS, hop])
      await expect(open(path)).rejects.toThrow('interface wan does not exist');
    expect(tried).toEqual([]);
  });

  it('start from a fixed address where that is configured', async () => {
    const { path, tried } = pathOf(farEnd);
    await expect(path.check(signal)).rejects.toThrow('no network here');
    expect(tried.map(({ localAddress }) => localAddress)).toEqual(['192.0.2.5']);
  });
});

it('knows every protocol', () => {
  expect([...Object.keys(FAR_ENDS), 'embedded'].sort()).toEqual([...FAR_END_KINDS].sort());
});
