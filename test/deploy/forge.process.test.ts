/** What is published, and the workflow files of a public forge: they agree with what they run. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const text = (path: string): string => readFileSync(join(root, path), 'utf8');
const manifest = JSON.parse(text('package.json')) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
};

describe('the npm package', () => {
  it('carries rules, dashboards, mixin, schemas, units, and what the program reads', () => {
    const listed = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root });
    const [{ files }] = JSON.parse(listed.toString()) as [{ readonly files: readonly { path: string }[] }];
    const packed = files.map(({ path }) => path);
    const all = (folder: string, ending: RegExp): string[] =>
      readdirSync(join(root, folder))
        .filter((name) => ending.test(name))
        .map((name) => `${folder}/${name}`);
    expect(packed).toEqual(
      expect.arrayContaining([
        ...all('prometheus/rules', /./),
        ...all('prometheus/alerts', /./),
        ...all('grafana/dashboards', /./),
        ...all('grafana/import', /./),
        ...all('docs', /\.schema\.json$/),
        ...all('deploy/systemd', /\.service$/),
        'config.schema.json',
        'config.yaml',
        'mixin.libsonnet',
        'docs/RUNBOOK.md',
        'docs/KNOWN-TIMEOUTS.md',
        ...Object.values(manifest.bin),
      ]),
    );
    const imported = [...text('mixin.libsonnet').matchAll(/import '([\w./-]+\.json)'/g)].map(
      ([, file = '']) => file,
    );
    expect(imported).toHaveLength(4);
    expect(packed).toEqual(expect.arrayContaining(imported));
    expect(packed.filter((path) => /^(test|bench|src|node_modules)\//.test(path))).toEqual([]);
  });
});

interface Workflow {
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly needs?: string;
        readonly uses?: string;
        readonly strategy?: { readonly matrix: { readonly node: readonly number[] } };
        readonly steps?: readonly {
          readonly uses?: string;
          readonly run?: string;
          readonly with?: Readonly<Record<string, unknown>>;
        }[];
      }
    >
  >;
}

const workflow = (name: string): Workflow => load(text(`.github/workflows/${name}.yml`)) as Workflow;

describe('the workflow files', () => {
  const workflows = [workflow('ci'), workflow('release')];

  it('test the promised versions of Node, those of .ci/run among them', () => {
    const { node = [] } = workflows[0]?.jobs['node']?.strategy?.matrix ?? {};
    expect(node).toEqual([20, 22, 24]);
    const others = text('.ci/node-versions')
      .trim()
      .split('\n')
      .map((version) => Number(version.split('.')[0]));
    expect(node).toEqual(expect.arrayContaining(others));
  });

  it('run what there is, with actions of a version', () => {
    const steps = workflows.flatMap(({ jobs }) =>
      Object.values(jobs).flatMap(({ steps: each = [] }) => each),
    );
    for (const { uses, run = '' } of steps) {
      if (uses !== undefined) expect(uses).toMatch(/^[\w-]+\/[\w-]+@v\d+$/);
      for (const [, script = ''] of run.matchAll(/npm run ([\w:]+)/g))
        expect(manifest.scripts).toHaveProperty(script);
      for (const [file] of run.matchAll(/^\.ci\/\w+/gm))
        expect(existsSync(join(root, file)), file).toBe(true);
    }
  });

  it('publish only what was checked: the package, and the image for both architectures', () => {
    const { check, package: published, image } = workflow('release').jobs;
    expect(existsSync(join(root, check?.uses ?? ''))).toBe(true);
    for (const job of [published, image]) expect(job?.needs).toBe('check');
    const pushed = image?.steps?.find(({ uses }) => uses?.startsWith('docker/build-push-action') === true);
    expect(pushed?.with).toMatchObject({ platforms: 'linux/amd64,linux/arm64', push: true });
    const args = String(pushed?.with?.['build-args']).match(/^\w+(?==)/gm) ?? [];
    for (const name of args) expect(text('Dockerfile')).toContain(`ARG ${name}=`);
  });
});
