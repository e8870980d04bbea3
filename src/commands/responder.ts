/** The responder: the far end on a host with a public address, with a small site of its own. */
import { Gauge } from 'prom-client';
import type { ResponderFlags } from '../cli/responder-flags.js';
import { systemClock } from '../clock.js';
import { ConfigError } from '../config/problem.js';
import { defined } from '../defined.js';
import { DescriptorWatch, openFileLimit } from '../descriptors.js';
import { createLogger, type Logger } from '../log.js';
import { siteShare } from '../net/descriptor-shares.js';
import { listenProblem } from '../net/listen-problem.js';
import { readTokenFile, TokenError } from '../net/token.js';
import { keepNurserySmall } from '../nursery.js';
import { startClusteredResponder } from '../responder/cluster/primary.js';
import { Announcements } from '../responder/discovery/announcements.js';
import { processRoom, WORKER_ROOM } from '../responder/limits.js';
import { isExposed } from '../responder/listener.js';
import { type Responder, startResponder } from '../responder/responder.js';
import { registerAnnouncementMetrics } from '../responder/responder-metrics.js';
import { allAddresses } from '../responder/servers.js';
import type { Build } from '../version.js';
import { createResponderApp } from '../web/responder-site.js';
import { checkWebConfig, startWebServer, type WebRules, type WebServer } from '../web/server.js';
import { SiteConnections } from '../web/site-connections.js';
import { hostOf, openableUrl, registerSiteInfo, schemeOf } from '../web/site-info.js';
import { registerSiteMetrics } from '../web/site-metrics.js';
import type { Running } from './exporter.js';
import { useSocketOptions } from './use-socket-options.js';

/** Why a responder that lists exporters lets nobody read without a password or a certificate. */
const READERS_LOG_IN = '--discovery tells where exporters are';

/** @throws ConfigError when the token, the web configuration or a listen address cannot be used */
export async function startResponderCommand(
  flags: ResponderFlags,
  build: Build,
  warnings: readonly string[],
): Promise<Running> {
  const log = createLogger(flags.log);
  for (const warning of warnings) log.warn(warning);
  keepNurserySmall();
  warnOfLittleRoom(flags, log);
  const authenticate = flags.discovery && READERS_LOG_IN;
  const rules = defined({ configFile: flags.web.configFile, authenticate });
  checkWebConfig(rules);
  await useSocketOptions(flags.socketOptions, log);
  const announcements = flags.discovery && new Announcements(flags.discovery);
  const responder = await startFarEnd(flags, announcements, log);
  const site: Site = { responder, announcements, ready: true };
  try {
    const web = await startSite(site, flags, rules, build, log);
    const watch = new DescriptorWatch({
      clock: systemClock,
      log,
      held: () => responder.descriptors() + web.descriptors(),
      show: (unaccounted) => {
        responder.metrics.counts.unaccounted = unaccounted;
      },
    });
    return {
      stop: async () => {
        site.ready = false;
        log.info('stopping');
        watch.stop();
        await Promise.all([web.close(), responder.close()]);
      },
      reload: () => {
        web.reload();
        return Promise.resolve();
      },
    };
  } catch (error) {
    await responder.close();
    throw error;
  }
}

function warnOfLittleRoom({ maxConnections, workers }: ResponderFlags, log: Logger): void {
  const each = processRoom(workers);
  const room = each * workers;
  if (maxConnections <= room) return;
  log.warn(
    { maxConnections, workers, room },
    workers > 1 && each === WORKER_ROOM
      ? `there is room for ${room} connections only, ${WORKER_ROOM} for each worker: raise --workers`
      : `descriptors suffice for ${room} connections only: raise their limit (ulimit -n, LimitNOFILE) or --workers`,
  );
}

/** Starts the servers, in this process or in workers. */
async function startFarEnd(
  { listen, maxConnections, maxConnectionsPerClient, socketOptions, tokenFile, workers }: ResponderFlags,
  announcements: Announcements | undefined,
  logger: Logger,
): Promise<Responder> {
  const options = defined({
    ...listen,
    token: tokenFile === undefined ? undefined : tokenOf(tokenFile),
    discovery: announcements && { interval: announcements.interval, announcements },
    limits: { maxConnections, maxConnectionsPerClient },
    logger,
  });
  try {
    return await (workers > 1
      ? startClusteredResponder({ ...options, workers, socketOptions })
      : startResponder(options));
  } catch (error) {
    const { port } = error as { port?: number };
    if (!(error instanceof Error) || port === undefined) throw error;
    const asked = allAddresses(listen).find((address) => address.port === port);
    throw new ConfigError([listenProblem(error, asked ?? { port })]);
  }
}

/** What the site shows. */
interface Site {
  readonly responder: Responder;
  readonly announcements: Announcements | undefined;
  ready: boolean;
}

/** Serves metrics, health and, with announcements, the list of exporters. */
async function startSite(
  site: Site,
  { web: { listenAddresses, routePrefix, externalUrl, ...hosts } }: ResponderFlags,
  rules: WebRules,
  { version, revision }: Build,
  log: Logger,
): Promise<WebServer> {
  const { announcements } = site;
  const { registry } = site.responder.metrics;
  new Gauge({
    name: 'nat_idle_exporter_build_info',
    help: 'Always 1; the labels tell which program this is.',
    labelNames: ['version', 'revision', 'nodeversion'],
    registers: [registry],
  }).set({ version, revision, nodeversion: process.version }, 1);
  if (announcements !== undefined) registerAnnouncementMetrics(registry, announcements);
  const connections = new SiteConnections(siteShare(openFileLimit()));
  registerSiteMetrics(registry, connections);
  const app = createResponderApp(
    defined({
      registry,
      ready: () => site.ready,
      version,
      telemetryPath: hosts.telemetryPath,
      onError: (error: unknown) => log.error({ error }, 'a request failed'),
      targetGroups: announcements && (() => announcements.groups()),
    }),
  );
  const web = await startWebServer({
    ...{ app, listen: listenAddresses, routePrefix, log, connections, ...rules },
    hosts: { ...hosts, externalHost: () => hostOf(externalUrl) },
  });
  registerSiteInfo(registry, defined({ scheme: schemeOf(web.urls[0]), routePrefix, externalUrl }));
  for (const url of web.urls.map((each) => openableUrl(each, routePrefix)))
    log.info({ url, version }, 'serving metrics');
  if (!listenAddresses.some(isExposed)) {
    log.info('metrics on loopback only: --web.listen-address serves them elsewhere');
  }
  return web;
}

function tokenOf(file: string): string {
  try {
    return readTokenFile(file);
  } catch (error) {
    if (error instanceof TokenError) throw new ConfigError([{ file: '--token-file', rule: error.message }]);
    throw error;
  }
}
