import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { endianness, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { defaultGateway } from '../../src/net/default-gateway.js';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** An address as the kernel prints it in its table of routes. */
function hex(address: string): string {
  const bytes = address.split('.').map((part) => Number(part).toString(16).padStart(2, '0').toUpperCase());
  return (endianness() === 'LE' ? bytes.reverse() : bytes).join('');
}

type Row = readonly [network: string, gateway: string, flags: string, metric: number, mask: string];

function tableOf(...rows: readonly Row[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'routes-'));
  folders.push(folder);
  const file = join(folder, 'route');
  const lines = rows.map(([network, gateway, flags, metric, mask]) =>
    ['eth0', hex(network), hex(gateway), flags, 0, 0, metric, hex(mask), 0, 0, 0].join('\t'),
  );
  writeFileSync(file, `Iface\tDestination\tGateway\n${lines.join('\n')}\n`);
  return file;
}

const DEFAULT: Row = ['0.0.0.0', '192.168.1.1', '0003', 100, '0.0.0.0'];
const NEIGHBOURS: Row = ['192.168.1.0', '0.0.0.0', '0001', 100, '255.255.255.0'];

describe('defaultGateway', () => {
  const far = '203.0.113.9';

  it('is the gateway of the default route', async () => {
    expect(await defaultGateway(far, tableOf(DEFAULT, NEIGHBOURS))).toBe('192.168.1.1');
  });

  it('is that of the default route with the lowest metric', async () => {
    const mobile: Row = ['0.0.0.0', '10.0.0.1', '0003', 600, '0.0.0.0'];
    expect(await defaultGateway(far, tableOf(mobile, DEFAULT))).toBe('192.168.1.1');
  });

  it.each<readonly [what: string, remote: string, rows: readonly Row[]]>([
    ['a neighbour', '192.168.1.7', [DEFAULT, NEIGHBOURS]],
    ['a route of a VPN', far, [DEFAULT, ['128.0.0.0', '10.8.0.1', '0003', 0, '128.0.0.0']]],
    ['a default route without a gateway', far, [['0.0.0.0', '0.0.0.0', '0001', 0, '0.0.0.0']]],
    ['a default route that is down', far, [['0.0.0.0', '192.168.1.1', '0002', 0, '0.0.0.0']]],
    ['no default route', far, [NEIGHBOURS]],
    ['an IPv6 address', '2001:db8::1', [DEFAULT]],
  ])('is unknown for %s', async (_what, remote, rows) => {
    expect(await defaultGateway(remote, tableOf(...rows))).toBeUndefined();
  });

  it('is unknown without a table', async () => {
    expect(await defaultGateway(far, '/nonexistent/route')).toBeUndefined();
  });
});
