/**
 * Exporters that announce themselves, a responder with TLS and a password, and a real Prometheus that finds and scrapes
 * them with the configuration that the handbook shows.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashSync } from 'bcryptjs';
import { dump, load } from 'js-yaml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createLab, type Lab, type LabProcess, SERVER } from '../netns/lab.js';
import { describeLab } from '../netns/requirements.js';
import { publicAddress } from '../netns/topology.js';
import { until } from '../netns/until.js';
import { makeCa, makeCertificate } from '../support/certificates.js';
import { prometheusApi } from '../support/prometheus.js';
import { missing } from '../support/requires.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const HANDBOOK = readFileSync(new URL('../../docs/OPERATORS.md', import.meta.url), 'utf8');
const PROMETHEUS = 'http://127.0.0.1:9090';
const PASSWORD = 'swordfish-and-chips';
const TOKEN = 'correct horse battery staple';
const LIST = `https://${SERVER.v4}:15383/api/v1/http_sd`;
const TTL = 6;

/** Where the two exporters can be scraped: one beside the responder, one on the router. */
const NEAR = `${SERVER.v4}:15401`;
const FAR = `${publicAddress(0).v4}:15402`;
/** Announced by the far one besides, and not its own. */
const FOREIGN = '203.0.113.99:9100';

interface ScrapeConfigs {
  readonly scrape_configs: readonly {
    readonly http_sd_configs: {
      url: string;
      refresh_interval: string;
      basic_auth: { username: string; password_file: string };
      tls_config: { ca_file: string };
    }[];
  }[];
}

/** The handbook's configuration of Prometheus with the places of this test, and quicker. */
function prometheusConfig(passwordFile: string, caFile: string): string {
  const section = HANDBOOK.split('## Exporters that can be reached: discovery')[1] ?? '';
  const block = /```yaml\n(scrape_configs:[^]*?)```/.exec(section)?.[1] ?? '';
  const config = load(block) as ScrapeConfigs;
  const [discovery] = config.scrape_configs[0]?.http_sd_configs ?? [];
  if (discovery === undefined) throw new Error('the handbook shows no http_sd_configs');
  expect(discovery.url).toBe('https://responder.example:15383/api/v1/http_sd');
  discovery.url = LIST;
  discovery.refresh_interval = '1s';
  discovery.basic_auth.password_file = passwordFile;
  discovery.tls_config.ca_file = caFile;
  return dump({ global: { scrape_interval: '1s' }, ...config });
}

/** Asks for the list as curl would. */
const ASK = `fetch(process.argv[1], { headers: process.argv[2] ? { authorization: process.argv[2] } : {} })
  .then(async (answer) => console.log(JSON.stringify({
    status: answer.status, type: answer.headers.get('content-type'), body: await answer.text() })));`;

const lacking = missing({ packages: ['prometheus', 'openssl'] });

describeLab(
  'discovery',
  () => {
    let lab: Lab;
    let near: LabProcess;
    let responder: LabProcess;
    const folder = mkdtempSync(join(tmpdir(), 'nat-idle-discovery-'));
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const api = prometheusApi(PROMETHEUS, async (url) => (await lab.http('server', url)).body);

    const startResponder = async (): Promise<void> => {
      responder = lab.spawn('server', process.execPath, [
        MAIN,
        'responder',
        `--token-file=${join(folder, 'token')}`,
        `--web.config.file=${join(folder, 'web.yml')}`,
        '--web.listen-address=:15383',
        '--discovery',
        `--discovery.ttl=${TTL}s`,
        '--workers=2',
      ]);
      await responder.waitForLine(/serving metrics/, 30_000);
    };

    const startExporter = async (
      where: 'server' | 'nat',
      name: string,
      announced: readonly string[],
      port: number,
    ): Promise<LabProcess> => {
      const targets = announced.map((address, index) => ({
        name: `${name}${index}`,
        host: SERVER.v4,
        token_file: join(folder, 'token'),
        modes: ['send'],
        announce: { address, labels: { site: name } },
      }));
      const config = file(
        `${name}.yaml`,
        dump({ search: { min_idle: '1s', max_idle: '30s', resolution: '1s' }, targets }),
      );
      const started = lab.spawn(where, process.execPath, [
        MAIN,
        `--config.file=${config}`,
        `--web.listen-address=:${port}`,
      ]);
      await started.waitForLine(/serving the status page/, 30_000);
      return started;
    };

    const ask = async (login?: string): Promise<{ status: number; type: string; body: string }> => {
      const header = login === undefined ? [] : [`Basic ${Buffer.from(login).toString('base64')}`];
      const { stdout } = await lab.exec('server', process.execPath, ['-e', ASK, LIST, ...header], {
        env: { NODE_EXTRA_CA_CERTS: join(folder, 'ca.pem') },
      });
      return JSON.parse(stdout) as { status: number; type: string; body: string };
    };
    const listed = async (): Promise<{ targets: string[]; labels: Record<string, string> }[]> =>
      JSON.parse((await ask(`prometheus:${PASSWORD}`)).body) as {
        targets: string[];
        labels: Record<string, string>;
      }[];
    const addresses = async (): Promise<string[]> => (await listed()).flatMap(({ targets }) => targets);

    /** The exporters that Prometheus scrapes with success. */
    const scraped = async (): Promise<string[]> =>
      (await api.query('up == 1', Date.now() / 1000)).map(({ metric }) => metric['instance'] ?? '').sort();

    /** The exporters that Prometheus knows, whether or not the newest scrape of them went well. */
    const known = async (): Promise<string[]> =>
      (await api.query('up', Date.now() / 1000)).map(({ metric }) => metric['instance'] ?? '').sort();

    beforeAll(async () => {
      const ca = makeCa(folder, 'ca');
      const { cert, key } = makeCertificate(folder, 'server', ca, `IP:${SERVER.v4}`);
      const users = { prometheus: hashSync(PASSWORD, 4) };
      file(
        'web.yml',
        dump({ tls_server_config: { cert_file: cert, key_file: key }, basic_auth_users: users }),
      );
      file('token', `${TOKEN}\n`);
      const config = prometheusConfig(file('password', PASSWORD), ca.cert);
      lab = await createLab({ box: 'strict', idleTimeout: 300 });
      // The far exporter lives on the router itself, which lets nobody in by default.
      await lab.exec('nat', 'nft', ['insert', 'rule', 'inet', 'box', 'input', 'accept']);
      await startResponder();
      lab.spawn('server', 'prometheus', [
        `--config.file=${file('prometheus.yml', config)}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        '--web.listen-address=127.0.0.1:9090',
      ]);
      await until(
        'Prometheus is ready',
        30_000,
        async () => (await lab.http('server', `${PROMETHEUS}/-/ready`)).status === 200,
      );
    }, 120_000);

    afterAll(async () => {
      await lab?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    it('tells the list to those who log in, and nobody is in it yet', async () => {
      expect((await ask()).status).toBe(401);
      expect((await ask('prometheus:wrong')).status).toBe(401);
      const answer = await ask(`prometheus:${PASSWORD}`);
      expect(answer).toEqual({ status: 200, type: 'application/json; charset=utf-8', body: '[]' });
    }, 60_000);

    it('lets Prometheus find and scrape both exporters, and nothing else that is announced', async () => {
      near = await startExporter('server', 'near', [':15401'], 15_401);
      await startExporter('nat', 'far', [FAR, FOREIGN], 15_402);
      await until(
        'both are scraped',
        60_000,
        async () => (await scraped()).join() === [FAR, NEAR].sort().join(),
      );
      expect(await listed()).toMatchObject([
        { targets: [FAR], labels: { __meta_nat_idle_label_site: 'far', __metrics_path__: '/metrics' } },
        { targets: [NEAR], labels: { __meta_nat_idle_label_site: 'near', __scheme__: 'http' } },
        { targets: [FOREIGN], labels: { __meta_nat_idle_seen_address: publicAddress(0).v4 } },
      ]);
      // What was announced for another host is known to Prometheus and never scraped; labels are taken over.
      const all = await api.query('up', Date.now() / 1000);
      expect(all.map(({ metric }) => [metric['instance'], metric['site']]).sort()).toEqual([
        [FAR, 'far'],
        [NEAR, 'near'],
      ]);
      const known = await api.query('nat_target_announced', Date.now() / 1000);
      expect(known.map(({ value }) => value?.[1])).toEqual(['1', '1', '1']);
      expect(near.stderr).toContain('this exporter is announced as :15401');
    }, 90_000);

    it('has the list again within seconds after the responder was killed and started', async () => {
      await responder.stop('SIGKILL');
      await startResponder();
      await until('all are listed', 15_000, async () => (await addresses()).length === 3);
      await until('both are scraped', 30_000, async () => (await scraped()).length === 2);
    }, 90_000);

    it('forgets an exporter that was stopped, and keeps the other', async () => {
      await near.stop('SIGTERM');
      await until('one is left', 30_000, async () => (await addresses()).join() === `${FAR},${FOREIGN}`);
      // A scrape of the one that stays may fail for a moment beside others' tests.
      await until(
        'Prometheus has given it up and scrapes the other',
        30_000,
        async () => (await known()).join() === FAR && (await scraped()).join() === FAR,
      );
    }, 90_000);
  },
  lacking,
);
