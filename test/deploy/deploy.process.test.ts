/** The files that run the program elsewhere: they agree with the program and with each other. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashSync } from 'bcryptjs';
import { load, loadAll } from 'js-yaml';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderPrometheusRule } from '../../prometheus/src/render.js';
import { keptOptions } from '../../prometheus/src/generator-options.js';
import { levelsWith } from '../../prometheus/src/recording.js';
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';
import { loadConfig } from '../../src/config/load.js';
import { LabProcess } from '../netns/process.js';
import { makeCa, makeCertificate, type Pair } from '../support/certificates.js';
import { Bench, freePort } from '../support/program.js';
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
    expect(dockerfile).toMatch(/^ARG OMIT="--omit=dev"\nRUN npm ci \$\{OMIT\} --ignore-scripts$/m);
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

describe('the health check of the image', () => {
  /** Runs it as the image does; its exit code. */
  async function check(env: Readonly<Record<string, string | undefined>>): Promise<number | null> {
    const script = new LabProcess([process.execPath, join(root, 'deploy/healthcheck.js')], {
      env: { NODE_EXTRA_CA_CERTS: undefined, ...env },
    });
    return (await script.exited).code;
  }

  it.each([
    [200, 0],
    [401, 0],
    [403, 1],
    [404, 1],
    [429, 1],
    [503, 1],
  ])('takes the answer %i for exit code %i', async (status, code) => {
    const server = createServer((_request, response) => response.writeHead(status).end());
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    try {
      const { port } = server.address() as AddressInfo;
      expect(await check({ HEALTHCHECK_URL: `http://127.0.0.1:${port}/-/healthy` })).toBe(code);
    } finally {
      server.close();
    }
  });

  it('fails where nothing listens', async () => {
    expect(await check({ HEALTHCHECK_URL: `http://127.0.0.1:${await freePort()}/-/healthy` })).toBe(1);
  });

  requires({ packages: ['openssl'] }).describe('with a responder that takes announcements', () => {
    let bench: Bench;
    let ca: Pair;
    beforeAll(async () => {
      bench = await Bench.open();
      ca = makeCa(bench.directory, 'ca');
      makeCertificate(bench.directory, 'server', ca, 'DNS:localhost');
    });
    afterAll(() => bench.close());

    /** Starts one with users and more of a web configuration; the port of its site. */
    async function responder(more: string): Promise<string> {
      const token = await bench.write('token', 'correct horse battery staple');
      const users = `basic_auth_users: {prometheus: ${hashSync('swordfish', 4)}}\n`;
      const config = await bench.write('web.yml', users + more);
      const started = bench.start([
        'responder',
        '--listen-address=127.0.0.1:0',
        '--web.listen-address=127.0.0.1:0',
        `--token-file=${token}`,
        '--discovery',
        `--web.config.file=${config}`,
      ]);
      const [, port = ''] = await started.waitForLine(/serving metrics.* url=\S+:(\d+)/, 20_000);
      return port;
    }

    it('finds it healthy though it asks for a password', async () => {
      const url = `http://127.0.0.1:${await responder('')}/-/healthy`;
      expect((await fetch(url)).status).toBe(401);
      expect(await check({ HEALTHCHECK_URL: url })).toBe(0);
    });

    it('finds it healthy over TLS when it knows the CA, and only then', async () => {
      const port = await responder('tls_server_config: {cert_file: server.pem, key_file: server.key}\n');
      const HEALTHCHECK_URL = `https://localhost:${port}/-/healthy`;
      expect(await check({ HEALTHCHECK_URL, NODE_EXTRA_CA_CERTS: ca.cert })).toBe(0);
      expect(await check({ HEALTHCHECK_URL })).toBe(1);
      // The certificate is for another name.
      const other = `https://127.0.0.1:${port}/-/healthy`;
      expect(await check({ HEALTHCHECK_URL: other, NODE_EXTRA_CA_CERTS: ca.cert })).toBe(1);
    });
  });
});

describe('the Kubernetes manifests', () => {
  const folder = 'deploy/kubernetes';

  it('have a configuration that the program accepts', () => {
    expect(loadConfig(join(root, folder, 'config.yaml')).targets).toHaveLength(1);
  });

  it('have the rules of prometheus/', () => {
    const { by = [], ...told } = keptOptions(new URL('../../', import.meta.url));
    expect(text(`${folder}/prometheus-rule.yaml`)).toBe(
      renderPrometheusRule({ thresholds: SHIPPED_THRESHOLDS, ...told, levels: levelsWith(by) }),
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
      // A reload before the program heeds signals would end it.
      expect(content).toContain('Type=notify\nNotifyAccess=all\n');
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
