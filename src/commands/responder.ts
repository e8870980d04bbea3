/** The responder: the far end on a host with a public address, with a small site of its own. */
import { Gauge } from 'prom-client';
import type { ResponderFlags } from '../cli/responder-flags.js';
import { formatListenAddress, type ListenAddress } from '../config/listen-address.js';
import { ConfigError } from '../config/problem.js';
import { systemClock } from '../clock.js';
import { defined } from '../defined.js';
import { DescriptorWatch, openFileLimit } from '../descriptors.js';
import { createLogger } from '../log.js';
import { siteShare } from '../net/descriptor-shares.js';
import { readTokenFile, TokenError } from '../net/token.js';
import { Announcements } from '../responder/announcements.js';
import { keepNurserySmall } from '../nursery.js';
import { startClusteredResponder } from '../responder/cluster.js';
import { processRoom, WORKER_ROOM } from '../responder/limits.js';
import { isExposed } from '../responder/listener.js';
import { registerAnnouncementMetrics } from '../responder/metrics.js';
import { type Responder, startResponder } from '../responder/responder.js';
import type { Build } from '../version.js';
import { SiteConnections } from '../web/connections.js';
import { createResponderApp } from '../web/responder-site.js';
import { checkWebConfig, startWebServer } from '../web/server.js';
import { registerSiteMetrics } from '../web/site-metrics.js';
import type { Running } from './exporter.js';

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
  const each = processRoom(flags.workers);
  const room = each * flags.workers;
  if (flags.maxConnections > room) {
    log.warn(
      { maxConnections: flags.maxConnections, workers: flags.workers, room },
      flags.workers > 1 && each === WORKER_ROOM
        ? `there is room for ${room} connections only, ${WORKER_ROOM} for each worker: raise --workers`
        : `descriptors suffice for ${room} connections only: raise their limit (ulimit -n, LimitNOFILE) or --workers`,
    );
  }
  const rules = defined({
    configFile: flags.web.configFile,
    authenticate: flags.discovery && READERS_LOG_IN,
  });
  checkWebConfig(rules);
  const announcements = flags.discovery === undefined ? undefined : new Announcements(flags.discovery);
  const { echoAddress, sleepAddress } = flags.legacy;
  const options = {
    native: flags.listenAddresses,
    ...defined({
      legacyEcho: echoAddress && [echoAddress],
      legacySleep: sleepAddress && [sleepAddress],
      token: flags.tokenFile === undefined ? undefined : tokenOf(flags.tokenFile),
      discovery: announcements && { interval: announcements.interval, announcements },
    }),
    limits: {
      maxConnections: flags.maxConnections,
      maxConnectionsPerClient: flags.maxConnectionsPerClient,
    },
    logger: log,
  };
  let responder: Responder;
  try {
    responder = await (flags.workers > 1
      ? startClusteredResponder({ ...options, workers: flags.workers })
      : startResponder(options));
  } catch (error) {
    throw bindProblem(error, [
      ...flags.listenAddresses,
      ...[echoAddress, sleepAddress].filter((address) => address !== undefined),
    ]);
  }
  const { counts, registry } = responder.metrics;
  new Gauge({
    name: 'nat_idle_exporter_build_info',
    help: 'Always 1; the labels tell which program this is.',
    labelNames: ['version', 'revision', 'nodeversion'],
    registers: [registry],
  }).set({ version: build.version, revision: build.revision, nodeversion: process.version }, 1);
  if (announcements !== undefined) registerAnnouncementMetrics(registry, announcements);
  const connections = new SiteConnections(siteShare(openFileLimit()));
  registerSiteMetrics(registry, connections);
  let ready = true;
  try {
    const web = await startWebServer({
      app: createResponderApp({
        registry,
        ready: () => ready,
        version: build.version,
        telemetryPath: flags.web.telemetryPath,
        onError: (error) => log.error({ error }, 'a request failed'),
        ...defined({ targetGroups: announcements && (() => announcements.groups()) }),
      }),
      listen: flags.web.listenAddresses,
      hosts: flags.web,
      log,
      connections,
      ...rules,
    });
    const watch = new DescriptorWatch({
      clock: systemClock,
      log,
      held: () => responder.descriptors() + web.descriptors(),
      show: (unaccounted) => {
        counts.unaccounted = unaccounted;
      },
    });
    for (const url of web.urls) log.info({ url, version: build.version }, 'serving metrics');
    if (!flags.web.listenAddresses.some(isExposed)) {
      log.info('metrics on loopback only: --web.listen-address serves them elsewhere');
    }
    return {
      stop: async () => {
        ready = false;
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

function tokenOf(file: string): string {
  try {
    return readTokenFile(file);
  } catch (error) {
    if (error instanceof TokenError) throw new ConfigError([{ file: '--token-file', rule: error.message }]);
    throw error;
  }
}

/** What the operating system said of a listen address, as one clear line. */
function bindProblem(error: unknown, addresses: readonly ListenAddress[]): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('port' in error)) return error;
  const asked = addresses.find(({ port }) => port === error.port);
  const rule =
    { EADDRINUSE: 'already in use', EACCES: 'not allowed', EADDRNOTAVAIL: 'not an address of this host' }[
      String(error.code)
    ] ?? String(error.code);
  const shown = asked === undefined ? String(error.port) : formatListenAddress(asked);
  return new ConfigError([{ file: `listen address ${shown}`, rule }]);
}
