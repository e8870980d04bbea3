/**
 * A scripted day of a small fleet, told by the exporter's and the responder's own metrics code: a path's search climbs,
 * finds it healthy, its timeout drops to an hour, recovers, then the line fails. Beside it stand a loose box, a path that still
 * climbs, a pool of which a few nodes forget early, a path on which keepalives are eaten, and the embedded target.
 */
import type { Finding } from '../../src/core/finding.js';
import { MODES } from '../../src/core/modes.js';
import type { Verdict } from '../../src/core/verdict.js';
import type { TargetSnapshot } from '../../src/engine/snapshot.js';
import { ExporterMetrics } from '../../src/exporter/metrics.js';
import { registerSiteInfo } from '../../src/web/site-info.js';
import { Announcements } from '../../src/responder/discovery/announcements.js';
import {
  createResponderMetrics,
  registerAnnouncementMetrics,
} from '../../src/responder/responder-metrics.js';
import { BRIDGE_MODEM, CGN, locating, PROFILE } from './located.js';
import {
  ALIVE,
  eatenTarget,
  FakeView,
  makeConfig,
  makeMode,
  makeTarget,
  makeTest,
  pooledTarget,
  PROVEN,
  SILENT,
} from './fake-view.js';

const STEP = 300;
const HOUR = 3600;

/** Moments of the story, seconds after its begin. */
export const CHAPTERS = {
  healthy: 6 * HOUR,
  drop: 12 * HOUR,
  recovered: 18 * HOUR,
  outage: 23 * HOUR,
  end: 24 * HOUR,
};

const DROP = 8 * HOUR;
/** When it turns out that only a share of the connections is forgotten. */
const POOL = 12.5 * HOUR;
const RECOVERY = 14 * HOUR;
const OUTAGE = 22 * HOUR;

/** The longest idle time that is asked about, and as long as nothing dies: how long the first search climbs. */
const LONGEST = 7795;

const UNREACHABLE: Verdict = { kind: 'inconclusive', reason: 'unreachable' };
const LIMIT: Partial<Finding> = { phase: 'track', lower: LONGEST, timeout: LONGEST, compliant: true };
const HOURLY: Partial<Finding> = {
  phase: 'track',
  lower: 3595,
  upper: 3605,
  timeout: 3600,
  compliant: false,
  deaths: 4,
};

const vps = makeConfig('vps', { labels: { site: 'home' } });
const loose = makeConfig('loose', { labels: { site: 'office' } });
const young = makeConfig('young', { labels: { site: 'cabin' } });
const pool = pooledTarget('pool', { labels: { site: 'branch' } });
const eaten = eatenTarget('eaten', { labels: { site: 'shop' } });
const embedded = makeConfig('embedded', { labels: { site: '' } });

function waiting(count: number) {
  return Array.from({ length: count }, (_, id) => ({ id, state: 'idle' as const, age: 60 * id }));
}

const A_FIFTH = { share: 0.2, shareLower: 0.15, shareUpper: 0.26, survived: LONGEST };

/** The same path with its findings confirmed at that moment, Unix seconds. */
function confirmed(target: TargetSnapshot, at: number): TargetSnapshot {
  return { ...target, modes: target.modes.map((mode) => ({ ...mode, confirmedTimestamp: at })) };
}

/** Where the box of `vps` stands while it forgets early. */
const AT_THE_MODEM = locating({ result: BRIDGE_MODEM, profile: PROFILE });

/** Where the loose box stands: it forgets in `recv` only. */
const { modes: asLocated, ...around } = locating({ result: CGN, profile: PROFILE });
const LOCATED = {
  ...around,
  modes: asLocated.filter(({ mode }) => mode === 'send').map((each) => ({ ...each, mode: 'recv' }) as const),
};

/** What is known of the path `vps`. */
function findingOfVps(t: number): Partial<Finding> {
  if (t < LONGEST) return { phase: 'climb', ...(t > 0 ? { lower: t } : {}) };
  if (t < DROP || t >= RECOVERY) return { ...LIMIT, suspect: t >= DROP - 2 * STEP && t < DROP };
  // A fifth of the connections, as it turns out: behind a pool of which some nodes changed.
  if (t >= POOL) return { ...HOURLY, mixture: A_FIFTH };
  if (t >= DROP + HOUR) return HOURLY;
  // The bracket halves at every step; no timeout is published before it is closed.
  const open = 0.5 ** ((t - DROP) / STEP);
  const [lower, upper] = [3595 * (1 - open / 2), 3605 + (LONGEST - 3605) * open];
  return { phase: 'refine', lower, upper, compliant: false, deaths: 4 };
}

/** What is known `t` seconds after the begin, which is at the Unix time `begin`. */
function scene(t: number, begin: number): TargetSnapshot[] {
  const now = begin + t;
  const finding = findingOfVps(t);
  const known = finding.timeout !== undefined;
  const common = { address: '198.51.100.7', natDetected: true, conntrack: { local: 432000, responder: 350 } };
  return [
    makeTarget(vps, {
      ...common,
      up: t < OUTAGE,
      ...(t < OUTAGE ? { announced: true } : {}),
      ...(known ? { keepaliveRecommended: finding.timeout === 3600 ? 1797 : 3600 } : {}),
      ...(finding.timeout === 3600 ? { proving: PROVEN } : {}),
      ...(finding.timeout === 3600 && finding.mixture === undefined ? { locating: AT_THE_MODEM } : {}),
      modes: MODES.map((mode) =>
        makeMode(mode, finding, {
          waiting: t < OUTAGE ? waiting(24) : [],
          ...(known ? { confirmedTimestamp: Math.min(now, begin + OUTAGE) - 120 } : {}),
        }),
      ),
    }),
    makeTarget(loose, {
      ...common,
      up: true,
      keepaliveRecommended: 149,
      locating: LOCATED,
      modes: MODES.map((mode) =>
        makeMode(
          mode,
          mode === 'recv'
            ? { phase: 'track', lower: 299, upper: 301, timeout: 300, compliant: false, deaths: 4 }
            : LIMIT,
          { waiting: waiting(24), confirmedTimestamp: now - 60 },
        ),
      ),
    }),
    makeTarget(young, {
      ...common,
      up: true,
      modes: MODES.map((mode) =>
        makeMode(mode, { phase: 'climb', lower: 15 + t / 24 }, { waiting: waiting(12) }),
      ),
    }),
    confirmed({ ...pool, up: true }, now - 60),
    confirmed(eaten, now - 60),
    makeTarget(embedded, {
      up: true,
      natDetected: true,
      keepaliveRecommended: 29,
      modes: MODES.map((mode) =>
        makeMode(
          mode,
          { phase: 'track', lower: 59, upper: 61, timeout: 60, compliant: false, deaths: 4 },
          { waiting: waiting(8), confirmedTimestamp: now - 5 },
        ),
      ),
    }),
  ];
}

/** Adds what a server like Prometheus adds, and the moment, to every sample of a metrics page. */
function stamp(text: string, job: string, instance: string, at: number): string[] {
  const labels = `job="${job}",instance="${instance}"`;
  const lines = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const end = line.lastIndexOf(' ');
      const [series, value] = [line.slice(0, end), line.slice(end + 1)];
      const labelled = series.endsWith('}')
        ? `${series.slice(0, -1)}${series.endsWith('{}') ? '' : ','}${labels}}`
        : `${series}{${labels}}`;
      return `${labelled} ${value} ${at}`;
    });
  return [
    ...lines,
    `up{${labels}} 1 ${at}`,
    `scrape_duration_seconds{${labels}} 0.01 ${at}`,
    `scrape_samples_scraped{${labels}} ${lines.length} ${at}`,
  ];
}

/** The whole day as OpenMetrics text; `begin` is a Unix time. */
export async function tellStory(begin: number): Promise<string> {
  const view = new FakeView(scene(0, begin));
  const metrics = new ExporterMetrics({ view, build: { version: '0.1.0', revision: 'story' } });
  metrics.reload(true, begin);
  metrics.unaccountedDescriptors(0);
  registerSiteInfo(metrics.registry, { scheme: 'http', routePrefix: '' });
  const responder = createResponderMetrics();
  registerAnnouncementMetrics(responder.registry, new Announcements({ ttl: 900 }));
  const lines: string[] = [];
  for (let t = 0; t <= CHAPTERS.end; t += STEP) {
    view.show(scene(t, begin));
    happen(t, metrics.observer);
    const { open, opened, rejected } = responder.counts;
    Object.assign(open, { control: 3, probe: t < OUTAGE ? 144 : 72, check: 1 });
    opened.probe += 6;
    opened.check += 1;
    rejected.syntax += 1;
    if (t > DROP) rejected.auth += 2;
    lines.push(...stamp(await metrics.text(), 'nat-idle-exporter', 'home:15382', begin + t));
    // The responder's command tells its build itself.
    const built = `nat_idle_exporter_build_info{version="0.1.0",revision="story",nodeversion="${process.version}"} 1\n`;
    lines.push(
      ...stamp(built + (await responder.registry.metrics()), 'nat-idle-responder', 'vps:15383', begin + t),
    );
  }
  return `${lines.join('\n')}\n# EOF\n`;
}

function happen(t: number, observer: ExporterMetrics['observer']): void {
  for (const mode of MODES) {
    const dropped = t >= DROP - 2 * STEP && t < RECOVERY;
    const verdict = t >= OUTAGE ? UNREACHABLE : dropped ? SILENT : ALIVE;
    observer.tested?.(vps, mode, makeTest(t, dropped ? 3605 : Math.min(Math.max(t, 15), LONGEST), verdict));
    if (dropped) observer.tested?.(vps, mode, makeTest(t, 3595, ALIVE));
    observer.tested?.(
      loose,
      mode,
      makeTest(t, mode === 'recv' ? 301 : LONGEST, mode === 'recv' ? SILENT : ALIVE),
    );
    if (mode === 'send' && t >= DROP + HOUR && t < POOL) observer.localized?.(vps, mode, 'responder', SILENT);
    if (mode === 'recv') observer.localized?.(loose, mode, 'client', SILENT);
    if (t === DROP) observer.changed?.(vps, mode, 'drop');
    if (t === RECOVERY) observer.changed?.(vps, mode, 'rise');
    if (t === DROP - STEP) observer.earlyDeath?.(vps, mode, 3605);
  }
  if (t === 3 * HOUR || t === OUTAGE) observer.mappingLoss?.(vps);
}
