/**
 * A real Prometheus renders the link to the runbook of every shipped alert, and every link is followed: in a plain
 * set-up, with TLS below a prefix, behind a proxy that takes the prefix away, and with relabelled instances.
 */
import { spawn } from 'node:child_process';
import { createServer, get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import type { AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dump, load } from 'js-yaml';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { renderAlerts } from '../../prometheus/src/render.js';
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';
import { until } from '../netns/until.js';
import { makeCa, makeCertificate } from '../support/certificates.js';
import { prometheusApi } from '../support/prometheus.js';
import { Bench, freePort } from '../support/program.js';
import { requires } from '../support/requires.js';

/** How both roles are started, and how Prometheus calls them. */
interface SetUp {
  readonly tls?: true;
  readonly prefix?: string;
  /** A proxy in front of the exporter that takes a part of the path away. */
  readonly proxied?: true;
  /** The instances are no addresses. */
  readonly relabelled?: true;
  /** Both roles are told where people reach them. */
  readonly externalUrl?: true;
  /** Which roles Prometheus scrapes; both unless given. */
  readonly jobs?: readonly Job[];
}

type Job = 'exporter' | 'responder';

/** Every link can be followed. */
const FOLLOWED: Readonly<Record<string, SetUp>> = {
  plain: {},
  'TLS and a prefix': { tls: true, prefix: '/nat-idle' },
  'a proxy that takes the prefix away': { proxied: true, externalUrl: true },
  relabelled: { relabelled: true, externalUrl: true },
  'relabelled, TLS and a prefix': { relabelled: true, tls: true, prefix: '/nat-idle', externalUrl: true },
};

/** Links that cannot be followed; docs/OPERATORS.md names the same. */
const EXCEPTIONS: Readonly<Record<string, SetUp & { readonly link: string }>> = {
  'nobody knows where a site is whose instance is no address and that has no external_url': {
    relabelled: true,
    link: 'http://the "exporter"/runbook#natidletargetdown',
  },
  'an absence has no link where neither exporter nor responder is left': { jobs: [], link: '' },
};

interface Rules {
  readonly groups: readonly { readonly rules: { readonly alert: string; expr: string; for?: string }[] }[];
}

const SHIPPED = load(renderAlerts({ thresholds: SHIPPED_THRESHOLDS })) as Rules;

/** Alerts about responders; all others are about exporters. */
const OF_RESPONDERS = ['NatIdleResponderRejecting'];

/** The shipped alerts with conditions that hold at once; what an alert says is the shipped file's. */
function firing(): string {
  const rules = structuredClone(SHIPPED);
  for (const rule of rules.groups.flatMap((group) => group.rules)) {
    const job: Job = OF_RESPONDERS.includes(rule.alert) ? 'responder' : 'exporter';
    rule.expr =
      rule.alert === 'NatIdleExporterAbsent'
        ? 'absent(up{job="nobody"})'
        : `label_replace(up{job="${job}"}, "target", "vps", "", "")`;
    delete rule.for;
  }
  return dump(rules);
}

interface Firing {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Follows a link as a browser does that trusts the CA. */
function fetchPage(url: string, ca: string): Promise<{ status: number | undefined; body: string }> {
  return new Promise((done, failed) => {
    const get = url.startsWith('https:') ? httpsGet : httpGet;
    get(url, { ca }, (answer) => {
      let body = '';
      answer.on('data', (piece: Buffer) => (body += piece.toString()));
      answer.on('end', () => done({ status: answer.statusCode, body }));
    }).on('error', failed);
  });
}

requires({ packages: ['prometheus', 'openssl'] }).describe('the links to the runbook', () => {
  let bench: Bench;
  let ca = '';
  let webConfig = '';

  beforeAll(async () => {
    bench = await Bench.open();
    const authority = makeCa(bench.directory, 'ca');
    const server = makeCertificate(bench.directory, 'server', authority, 'IP:127.0.0.1');
    ca = readFileSync(authority.cert, 'utf8');
    webConfig = await bench.write(
      'web.yaml',
      `tls_server_config: {cert_file: ${server.cert}, key_file: ${server.key}}\n`,
    );
  });

  afterAll(() => bench.close());

  /** A proxy that takes `/proxied` away and says the path's rest to `to`. */
  async function proxyTo(to: number): Promise<string> {
    const server = createServer((request, response) => {
      const path = (request.url ?? '').replace(/^\/proxied/, '');
      httpGet({ port: to, host: '127.0.0.1', path, headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
    }).unref();
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/proxied/`;
  }

  /** Starts both roles and a Prometheus that scrapes them; the links of the alerts that fire, by their names. */
  async function linksOf(setUp: SetUp, id: string): Promise<ReadonlyMap<string, string>> {
    const { tls, prefix = '', proxied, relabelled, externalUrl, jobs = ['exporter', 'responder'] } = setUp;
    const ports = { exporter: await freePort(), responder: await freePort() };
    const scheme = tls === undefined ? 'http' : 'https';
    const urlOf = (job: Job): string => `${scheme}://127.0.0.1:${ports[job]}${prefix}`;
    const site = proxied === undefined ? urlOf('exporter') : await proxyTo(ports.exporter);
    const config = await bench.write(
      `${id}.yaml`,
      `${externalUrl === undefined ? '' : `external_url: ${site}\n`}targets: [{name: embedded, embedded: {}}]\n`,
    );
    const webOf = (job: Job): string[] => [
      `--web.listen-address=127.0.0.1:${ports[job]}`,
      `--web.route-prefix=${prefix || '/'}`,
      ...(tls === undefined ? [] : [`--web.config.file=${webConfig}`]),
    ];
    const exporter = bench.start([`--config.file=${config}`, ...webOf('exporter')]);
    const responder = bench.start([
      'responder',
      `--listen-address=127.0.0.1:${await freePort()}`,
      ...webOf('responder'),
      ...(externalUrl === undefined ? [] : [`--web.external-url=${urlOf('responder')}`]),
    ]);
    await Promise.all([exporter, responder].map((each) => each.waitForLine(/serving/, 20_000)));
    const prometheus = await bench.write(
      `${id}.prometheus.yml`,
      dump({
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: [await bench.write(`${id}.rules.yml`, firing())],
        scrape_configs: jobs.map((job) => ({
          job_name: job,
          scheme,
          metrics_path: `${prefix}/metrics`,
          tls_config: { ca_file: join(bench.directory, 'ca.pem') },
          static_configs: [
            {
              targets: [`127.0.0.1:${ports[job]}`],
              ...(relabelled && { labels: { instance: `the "${job}"` } }),
            },
          ],
        })),
      }),
    );
    const port = await freePort();
    const data = join(bench.directory, `${id}.data`);
    const server = spawn(
      'prometheus',
      [
        `--config.file=${prometheus}`,
        `--storage.tsdb.path=${data}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: 'ignore' },
    );
    const ended = new Promise((resolve) => server.once('exit', resolve));
    try {
      const api = prometheusApi(`http://127.0.0.1:${port}`);
      // The rules have been evaluated since the sites were scraped.
      const told =
        jobs.length === 0 ? 'ALERTS' : `count(nat_idle_exporter_site_info offset 3s) == ${jobs.length}`;
      await until('the sites told where they are', 60_000, async () => {
        const found = await api.query(told, Date.now() / 1000).catch(() => []);
        return found.length > 0;
      });
      const answer = await fetch(`${api.url}/api/v1/alerts`);
      const { alerts } = ((await answer.json()) as { data: { alerts: readonly Firing[] } }).data;
      return new Map(
        alerts.map(({ labels, annotations }) => [
          labels['alertname'] ?? '',
          annotations['runbook_url'] ?? '',
        ]),
      );
    } finally {
      server.kill('SIGTERM');
      await ended;
    }
  }

  it.for(Object.entries(FOLLOWED))('lead to their headings: %s', async ([name, setUp]) => {
    const links = await linksOf(setUp, name.replaceAll(/\W+/g, '-'));
    const shipped = SHIPPED.groups.flatMap(({ rules }) => rules.map(({ alert }) => alert));
    expect([...links.keys()].sort()).toEqual([...shipped].sort());
    for (const [alert, link] of links) {
      const { hash } = new URL(link);
      expect(hash, alert).toBe(`#${alert.toLowerCase()}`);
      const { status, body } = await fetchPage(link, ca);
      expect(status, link).toBe(200);
      expect(body, link).toContain(` id="${hash.slice(1)}"`);
    }
  });

  it.for(Object.entries(EXCEPTIONS))('cannot be followed: %s', async ([name, { link, ...setUp }]) => {
    const links = await linksOf(setUp, name.replaceAll(/\W+/g, '-'));
    expect([...links.values()]).toContain(link);
  });
});
