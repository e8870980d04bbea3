/** The files that run the program elsewhere: they agree with the program and with each other. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load, loadAll } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { renderPrometheusRule } from '../../prometheus/src/render.js';
import { runbookAddress } from '../../prometheus/src/runbook.js';
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';
import { loadConfig } from '../../src/config/load.js';
import { requires } from '../support/requires.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const text = (path: string): string => readFileSync(join(root, path), 'utf8');

interface Service {
  readonly network_mode: string;
  readonly volumes?: readonly string[];
  readonly command?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
}
const services = (file: string): [string, Service][] =>
  Object.entries((load(text(file)) as { services: Record<string, Service> }).services);
const composed = ['deploy/compose.yaml', 'deploy/compose.responder.yaml'];

describe('the compose files', () => {
  it('mount only files that the repository has, or that their head tells the reader to make', () => {
    for (const file of composed) {
      for (const [name, { volumes = [] }] of services(file)) {
        for (const source of volumes.map((volume) => volume.split(':')[0] ?? '')) {
          if (!source.startsWith('.')) continue;
          const path = join('deploy', source);
          const told = text(file).includes(`> ${path}`);
          expect(told || existsSync(join(root, path)), `${name} mounts ${path}`).toBe(true);
        }
      }
    }
  });

  it("keep Docker's own NAT out of the path, and our image without rights", () => {
    for (const [name, service] of composed.flatMap(services)) {
      expect(service.network_mode, name).toBe('host');
      if (name === 'exporter' || name === 'responder') {
        expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
      }
    }
  });

  it('serve every page on the loopback only', () => {
    for (const [name, { command = [] }] of composed.flatMap(services)) {
      const addresses = command.filter((argument) => argument.startsWith('--web.listen-address='));
      for (const address of addresses) expect(address, name).toContain('=127.0.0.1:');
    }
  });

  it('let Prometheus scrape where exporter and responder listen', () => {
    const scraped = text('prometheus/prometheus.yml');
    for (const port of ['15382', '15383']) {
      expect(scraped).toContain(`localhost:${port}`);
      expect(composed.map(text).join('')).toContain(`--web.listen-address=127.0.0.1:${port}`);
    }
  });
});

requires({ packages: ['prometheus-alertmanager'] }).describe('deploy/alertmanager.yml', () => {
  it('is accepted by amtool', () => {
    const { status, stdout } = spawnSync('amtool', ['check-config', 'deploy/alertmanager.yml'], {
      cwd: root,
      encoding: 'utf8',
    });
    expect([status, stdout]).toEqual([0, expect.stringContaining('SUCCESS')]);
  });
});

describe('the image', () => {
  const dockerfile = text('Dockerfile');

  it('runs as a numeric user, checks its health without a shell, on the newest LTS', () => {
    expect(dockerfile).toMatch(/^USER \d+:\d+$/m);
    expect(dockerfile).toMatch(/HEALTHCHECK .*CMD \["node"/);
    expect(dockerfile).toMatch(/NODE_IMAGE=\S+node:24/);
    expect(dockerfile).toMatch(/"ci", "--omit=dev"/);
    expect(dockerfile).toMatch(/^ENTRYPOINT \["node"/m);
  });

  it('gets every file that it copies past .dockerignore', () => {
    const allowed = text('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'));
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      ([, files]) => files?.split(' ') ?? [],
    );
    expect(copied.length).toBeGreaterThan(8);
    for (const file of copied) {
      expect(allowed, file).toContain(`!${file}`);
      expect(existsSync(join(root, file)), file).toBe(true);
    }
  });

  it('carries the version of the package', () => {
    const { version } = JSON.parse(text('package.json')) as { version: string };
    expect(dockerfile).toContain(`ARG VERSION=${version}`);
    expect(text('deploy/kubernetes/kustomization.yaml')).toContain(`newTag: ${version}`);
  });
});

describe('the Kubernetes manifests', () => {
  const folder = 'deploy/kubernetes';

  it('have a configuration that the program accepts', () => {
    expect(loadConfig(join(root, folder, 'config.yaml')).targets).toHaveLength(1);
  });

  it('have the rules of prometheus/', () => {
    const runbook = runbookAddress(text('package.json'));
    expect(text(`${folder}/prometheus-rule.yaml`)).toBe(
      renderPrometheusRule({ thresholds: SHIPPED_THRESHOLDS, runbook }),
    );
  });

  it('ship every dashboard', () => {
    const listed = (load(text('grafana/kustomization.yaml')) as { configMapGenerator: { files: string[] }[] })
      .configMapGenerator[0]?.files;
    expect(listed?.map((file) => file.replace('dashboards/', '')).sort()).toEqual(
      readdirSync(join(root, 'grafana/dashboards')).sort(),
    );
  });

  it('run on the network of the node, without rights', () => {
    const [deployment] = loadAll(text(`${folder}/deployment.yaml`)) as [
      { spec: { template: { spec: { hostNetwork: boolean; containers: object[] } } } },
    ];
    expect(deployment.spec.template.spec).toMatchObject({
      hostNetwork: true,
      automountServiceAccountToken: false,
      securityContext: { runAsNonRoot: true, runAsUser: 65532 },
    });
    expect(deployment.spec.template.spec.containers[0]).toMatchObject({
      securityContext: {
        readOnlyRootFilesystem: true,
        allowPrivilegeEscalation: false,
        capabilities: { drop: ['ALL'] },
      },
    });
  });

  // Debian has no kubectl that is new enough; where there is one it has its say.
  const kubectl = spawnSync('kubectl', ['version', '--client']).status === 0;
  if (!kubectl) console.warn('kubectl is not installed: the manifests are checked without kustomize');
  if (kubectl) {
    it('are one consistent set for kustomize', () => {
      const built = loadAll(
        execFileSync('kubectl', ['kustomize', folder], { cwd: root, encoding: 'utf8' }),
      ) as {
        kind: string;
        metadata: { namespace?: string; labels?: Record<string, string> };
      }[];
      expect(built.map(({ kind }) => kind).sort()).toEqual(
        ['ConfigMap', 'ConfigMap', 'Deployment', 'PrometheusRule', 'Service', 'ServiceMonitor'].sort(),
      );
      for (const { kind, metadata } of built) expect(metadata.namespace, kind).toBe('monitoring');
      expect(built.some(({ metadata }) => metadata.labels?.['grafana_dashboard'] === '1')).toBe(true);
    });
  }
});

describe('the systemd units', () => {
  const units = readdirSync(join(root, 'deploy/systemd'));

  it('start both roles of the program and stop trying after a mistake in the configuration', () => {
    expect(units).toEqual(['nat-idle-exporter.service', 'nat-idle-responder.service']);
    for (const unit of units) {
      const content = text(`deploy/systemd/${unit}`);
      expect(content).toMatch(/^ExecStart=\/usr\/bin\/env nat-idle-exporter /m);
      expect(content).toContain('RestartPreventExitStatus=2');
    }
  });
});

requires({ packages: ['systemd'] }).describe('systemd-analyze', () => {
  it.each(['exporter', 'responder'])('finds the unit of the %s well protected', (role) => {
    const report = execFileSync(
      'systemd-analyze',
      ['security', '--offline=true', `deploy/systemd/nat-idle-${role}.service`],
      { cwd: root, encoding: 'utf8' },
    );
    const exposure = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(report)?.[1]);
    expect(exposure).toBeLessThanOrEqual(2);
    expect(exposure).toBeGreaterThan(0);
  });

  it.each(['exporter', 'responder'])('knows every line of the unit of the %s', (role) => {
    const { stderr } = spawnSync('systemd-analyze', ['verify', `deploy/systemd/nat-idle-${role}.service`], {
      cwd: root,
      encoding: 'utf8',
    });
    const ours = stderr.split('\n').filter((line) => line.includes(`nat-idle-${role}.service`));
    expect(ours).toEqual([]);
  });
});
