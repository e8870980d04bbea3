/** What a router tells of its outer address, from a real daemon and through the whole product. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { documentSchema } from '../../src/report/report-document.js';
import { missing } from '../support/requires.js';
import { CLIENT, createLab, type Lab, type LabProcess, SERVER } from './lab.js';
import { EXPORTER_PORT, withProduct } from './product.js';
import { describeLab } from './requirements.js';
import { until } from './until.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const HELPERS = fileURLToPath(new URL('helpers', import.meta.url));
const TSX = ['--import', 'tsx'];

/** The inner address of the lab's first NAT, and the outer one where a second NAT follows. */
const GATEWAY = '10.77.0.1';
const CGN_ADDRESS = '100.64.0.2';

async function natPmp(lab: Lab): Promise<LabProcess> {
  const daemon = lab.spawn('nat', 'python3', [join(HELPERS, 'nat_pmp.py'), GATEWAY, CGN_ADDRESS]);
  await daemon.waitForLine(/^listening$/, 10_000);
  return daemon;
}

describeLab(
  'asking miniupnpd for the outer address',
  () => {
    async function askWith(setting: string): Promise<unknown> {
      const folder = mkdtempSync(join(tmpdir(), 'natlab-'));
      const lab = await createLab({ box: 'strict', idleTimeout: 20 });
      try {
        const file = join(folder, 'miniupnpd.conf');
        writeFileSync(
          file,
          `ext_ifname=wan\nlistening_ip=lan\nenable_natpmp=yes\nenable_upnp=no\n${setting}\n` +
            'uuid=00000000-0000-0000-0000-000000000000\ndeny 0-65535 0.0.0.0/0 0-65535\n',
        );
        const args = ['-d', '-f', file, '-P', join(folder, 'pid')];
        const daemon = lab.spawn('nat', 'env', ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'miniupnpd', ...args]);
        await daemon.waitForLine(/Listening for NAT-PMP/, 10_000);
        const script = join(HELPERS, 'ask_router.ts');
        const asked = await lab.exec('client', process.execPath, [...TSX, script, CLIENT.v4, SERVER.v4], {
          cwd: ROOT,
        });
        await daemon.waitForLine(/NAT-PMP public address request/, 1000);
        return JSON.parse(asked.stdout);
      } finally {
        await lab.close();
        rmSync(folder, { recursive: true, force: true });
      }
    }

    it('learns the address of a router that has a public one', async () => {
      expect(await askWith('ext_ip=8.8.4.1')).toEqual({ address: '8.8.4.1' });
    });

    it('takes the refusal of a router without a public address for no answer', async () => {
      // The lab's outer addresses are reserved for documentation; miniupnpd tells only public ones.
      expect(await askWith('')).toEqual({ address: null });
    });
  },
  missing({ packages: ['miniupnpd-nftables'] }),
);

describeLab('a router behind a carrier-grade NAT', () => {
  it('is what measure names, without the address', async () => {
    const lab = await createLab({ box: 'double_nat', idleTimeout: 9 });
    try {
      const daemon = await natPmp(lab);
      const responder = lab.spawn('server', process.execPath, ['dist/main.js', 'responder'], {
        cwd: ROOT,
      });
      await responder.waitForLine(/responder listens/, 60_000);
      const flags = ['--max-idle=14s', '--resolution=1s', '--deadline=3s', '--json', '--quiet'];
      const argv = ['dist/main.js', 'measure', SERVER.v4, ...flags];
      const ended = await lab.exec('client', process.execPath, argv, { cwd: ROOT, mayFail: true });
      const { explanations } = documentSchema.parse(JSON.parse(ended.stdout));
      expect(explanations.map(({ id, certainty }) => `${id}: ${certainty}`)).toEqual([
        'mapping_forgotten: measured',
        'carrier_grade_nat: likely',
      ]);
      expect(ended.stdout + ended.stderr).not.toContain(CGN_ADDRESS);
      expect(daemon.stdout).toBe('listening\nasked 0000\n');
    } finally {
      await lab.close();
    }
  });

  it('is shown by the API with its address, and by neither metrics nor log', async () => {
    await withProduct({ box: 'double_nat', idleTimeout: 9 }, { responder: false }, async (product) => {
      const daemon = await natPmp(product.lab);
      await product.startResponder();
      const told = await until('the API shows the router', 60_000, async () => {
        const { body } = await product.lab.http('client', `http://127.0.0.1:${EXPORTER_PORT}/api/v1/targets`);
        return (JSON.parse(body) as { targets: { router_address?: string }[] }).targets[0]?.router_address;
      });
      expect(told).toBe(CGN_ADDRESS);
      expect(await product.page()).not.toContain(CGN_ADDRESS);
      expect(product.story()).not.toContain(CGN_ADDRESS);
      expect(daemon.stdout).toBe('listening\nasked 0000\n');
    });
  });
});
