/** The packed file, installed into an empty folder and called by `npx`, as README.md says: nothing of the clone is there. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { series } from '../netns/metrics.js';
import { LabProcess } from '../netns/process.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string };
/** What npm says where no registry can be reached. */
const NO_REGISTRY = /npm error code (?:ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH)/i;
/** What an npm that runs these tests would tell the one that is tried: where this repository is, for one. */
const ENV = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => /^npm_|^INIT_CWD$/i.test(name))
    .map((name) => [name, undefined]),
);

let folder: string;
/** Why nothing could be installed. */
let offline: string | undefined;

async function run(argv: readonly string[], cwd = folder) {
  const ran = new LabProcess(argv, { cwd, env: ENV });
  const { code } = await ran.exited;
  return { code, stdout: ran.stdout, stderr: ran.stderr };
}

const npx = (...args: readonly string[]) => run(['npx', '--no-install', 'nat-idle-exporter', ...args]);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'npx-'));
  const packed = await run(
    ['npm', 'pack', '--silent', '--ignore-scripts', `--pack-destination=${folder}`],
    ROOT,
  );
  const install = ['npm', 'install', '--prefer-offline', '--no-audit', '--no-fund'];
  const installed = await run([...install, `./${packed.stdout.trim()}`]);
  if (NO_REGISTRY.test(installed.stderr)) offline = installed.stderr.split('\n')[0];
  else expect(installed).toMatchObject({ code: 0 });
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the packed file in an empty folder', () => {
  it('is the program that npx runs', { timeout: 60_000 }, async (context) => {
    context.skip(offline !== undefined, `no registry: ${offline}`);
    expect(await npx('--version')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(version) as string,
    });
    expect((await npx('--help')).stdout).toMatch(/^ {2}measure /m);
  });

  it('measures the built-in target', { timeout: 60_000 }, async (context) => {
    context.skip(offline !== undefined, `no registry: ${offline}`);
    const flags = ['--mode=send', '--max-idle=2s', '--resolution=1s', '--deadline=1s', '--quiet'];
    const { code, stdout } = await npx('measure', 'embedded', '--report=report.html', ...flags);
    expect(stdout).toMatch(/^ {2}send +survived [12]/m);
    expect(code).toBe(3);
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('</html>');
  });

  it('demonstrates itself, and writes nothing', { timeout: 60_000 }, async (context) => {
    context.skip(offline !== undefined, `no registry: ${offline}`);
    const before = readdirSync(folder);
    const command = ['node_modules/.bin/nat-idle-exporter', '--web.listen-address=127.0.0.1:0'];
    const demo = new LabProcess(command, { cwd: folder, env: ENV });
    try {
      const [, url = ''] = await demo.waitForLine(/^ {2}status page {2}(http:\S+)\/$/, 30_000);
      const page = await (await fetch(`${url}/metrics`)).text();
      expect(series(page, 'nat_idle_exporter_demo', {})).toBe(1);
    } finally {
      await demo.stop();
    }
    expect(readdirSync(folder)).toEqual(before);
  });
});
