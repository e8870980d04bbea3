/** Socket options are optional: whatever keeps the library away, the program says so and measures as it always did. */
import { cp, mkdir, symlink } from 'node:fs/promises';
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Bench } from '../support/program.js';
import { until } from '../netns/until.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

interface LockedPackage {
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}

const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};
/** What is installed where the program runs, by its folder. */
const runtime = Object.entries(packages).filter(([folder, { dev }]) => folder !== '' && dev !== true);

/** The first line of a package in THIRD-PARTY. */
const TITLE = /^\S+ [\d.]+ \([^ ]+\)$/gm;

function thirdParty(folder: string): SpawnSyncReturns<string> {
  const script = join(ROOT, 'deploy/third-party.js');
  return spawnSync(process.execPath, [script, join(folder, 'node_modules')], { encoding: 'utf8' });
}

describe('the packages at run time', () => {
  it('need no script at their installation, but for those that may be left out', () => {
    const scripts = runtime.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    expect(scripts.filter(([, { optional }]) => optional !== true)).toEqual([]);
    // Where no binary fits they would compile one; the image installs without scripts.
    expect(scripts.map(([folder]) => folder)).toContain('node_modules/koffi');
  });

  it('have licenses that let anybody use them, as they are installed', async ({
    onTestFinished: finished,
  }) => {
    const place = await Bench.open();
    finished(() => place.close());
    for (const [folder] of runtime) {
      // What lies deeper comes along; what is for other systems is not here.
      if (folder.lastIndexOf('node_modules/') > 0 || !existsSync(join(ROOT, folder))) continue;
      await mkdir(dirname(join(place.directory, folder)), { recursive: true });
      await symlink(join(ROOT, folder), join(place.directory, folder));
    }
    const { status, stdout, stderr } = thirdParty(place.directory);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout.match(TITLE)?.length).toBeGreaterThan(50);
    expect(stdout).toMatch(/^koffi [\d.]+ \(MIT\)$/m);
    expect(stdout).toContain('THE SOFTWARE IS PROVIDED "AS IS"');
  });

  it('are looked at in the image, where one with another license ends the build', async ({
    onTestFinished: finished,
  }) => {
    const place = await Bench.open();
    finished(() => place.close());
    const put = async (folder: string, manifest: object): Promise<void> => {
      await mkdir(join(place.directory, 'node_modules', folder), { recursive: true });
      await place.write(join('node_modules', folder, 'package.json'), JSON.stringify(manifest));
    };
    await put('a', { name: 'a', version: '1.0.0', licenses: [{ type: 'MIT' }] });
    await put('@b/c', { name: '@b/c', version: '2.0.0', license: 'ISC' });
    await put('@b/c/node_modules/d', { name: 'd', version: '3.0.0', license: 'AGPL-3.0' });
    expect(thirdParty(place.directory)).toMatchObject({
      status: 1,
      stdout: '',
      stderr: 'error: third-party: not allowed: d (AGPL-3.0)\n',
    });
    await put('@b/c/node_modules/d', { name: 'd', version: '3.0.0', license: 'MIT' });
    const { status, stdout } = thirdParty(place.directory);
    expect(status).toBe(0);
    expect(stdout.match(TITLE)).toEqual(['@b/c 2.0.0 (ISC)', 'a 1.0.0 (MIT)', 'd 3.0.0 (MIT)']);
  });

  it('include what may be left out in one exact version, and as an option alone', () => {
    const { optionalDependencies, dependencies } = JSON.parse(
      readFileSync(join(ROOT, 'package.json'), 'utf8'),
    ) as Record<string, Record<string, string>>;
    const options = Object.entries(optionalDependencies ?? {});
    expect(options.map(([name]) => name)).toContain('koffi');
    for (const [name, version] of options) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
      expect(dependencies).not.toHaveProperty(name);
    }
  });
});

/** The program as `npm ci --omit=dev --omit=optional` leaves it. @returns its main file */
async function withoutOptional(folder: string): Promise<string> {
  await cp(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true });
  await cp(join(ROOT, 'package.json'), join(folder, 'package.json'));
  for (const [place, { optional }] of runtime) {
    // What lies deeper comes along.
    if (optional === true || place.lastIndexOf('node_modules/') > 0) continue;
    await mkdir(dirname(join(folder, place)), { recursive: true });
    await symlink(join(ROOT, place), join(folder, place));
  }
  return join(folder, 'dist/main.js');
}

const CONFIG = `
schedule: '* * * * * *'
search: {min_idle: 2s, max_idle: 12s, resolution: 500ms, deadline: 2s, guard: 200ms}
targets:
  - {name: embedded, embedded: {idle_timeout: 1m}, modes: [keepalive]}
`;

describe.runIf(process.platform === 'linux')('without socket options', () => {
  it.concurrent.for<[string, string, readonly string[], string, boolean]>([
    ['nothing is forbidden', 'socket options can be set and read', [], '', true],
    ['they are switched off', 'switched off by --socket-options=off', ['--socket-options=off'], '', false],
    ['Node loads no add-ons', 'Node was started without native add-ons', [], '--no-addons', false],
    ['the package is not installed', 'the package koffi is not installed', [], 'absent', false],
  ])(
    'keepalives are judged, and it is said what cannot be done: %s',
    async ([, words, args, how, available], { onTestFinished: finished }) => {
      const place = await Bench.open();
      const runner =
        how === 'absent' ? await Bench.open(await withoutOptional(join(place.directory, 'program'))) : place;
      finished(async () => {
        await Promise.all([place, runner].map((each) => each.close()));
      });
      const config = await place.write('config.yaml', CONFIG);
      const env = how === '--no-addons' ? { NODE_OPTIONS: '--no-addons' } : {};
      const exporter = await runner.exporter(config, args, env);
      expect(exporter.process.stderr).toContain(words);
      const answered =
        /verdicts_total\{target="embedded",mode="keepalive",verdict="alive",reason="answered"\} [1-9]/;
      const metrics = await until('a keepalive was answered', 40_000, async () => {
        const text = await exporter.metrics();
        return answered.test(text) && text;
      });
      expect(metrics).toContain(
        `nat_localization_available{target="embedded",end="local"} ${available ? 1 : 0}`,
      );
      const page = await (await exporter.get('/')).text();
      expect(page.includes('cannot locate boxes from here')).toBe(!available);
      if (!available) expect(page).toContain(words);
    },
  );
});
