/**
 * The exporter's metrics: gauges are filled from snapshots at scrape time (unknown ones are absent), counters and
 * the histogram grow with the engine's events and survive a reload of the configuration.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Gauge, Registry } from 'prom-client';
import type { TargetConfig } from '../config/config.js';
import { reasonOf } from '../core/verdict.js';
import type { EngineObserver, EngineView, TargetSnapshot } from '../engine/snapshot.js';
import type { Seconds } from '../units.js';
import { Exposition } from './exposition.js';
import type { TellBroken } from './guard.js';
import { HISTOGRAM_TARGET_LIMIT, type MetricDescription, SELF_METRICS } from './metric-names.js';
import { MomentGauge } from './moment-gauge.js';
import { ProbeMetrics } from './probe-metrics.js';
import { registerProcessMetrics } from './process-metrics.js';
import { writesItself } from './series.js';

export interface BuildInfo {
  readonly version: string;
  readonly revision: string;
  /** `process.version` unless given. */
  readonly nodeVersion?: string;
}

export interface ExporterMetricsOptions {
  /** Read at every scrape and reload; never while this factory runs, so that the engine may be made later. */
  readonly view: Pick<EngineView, 'targets' | 'snapshots'>;
  readonly build: BuildInfo;
  /** Told of targets that have no series because they cannot be read. */
  readonly onBroken?: TellBroken;
  /** Adds the `process_*` and `nodejs_*` metrics; on unless said otherwise. */
  readonly defaultMetrics?: boolean;
}

export interface ExporterMetrics {
  readonly registry: Registry;
  /** Give this to the engine. */
  readonly observer: EngineObserver;
  /** Notes an attempt to load the configuration; `at` is the Unix time in seconds. */
  reload(ok: boolean, at: Seconds): void;
  /** Notes how many problems each target file has; files that are not named have no series any more. */
  targetFiles(problems: ReadonlyMap<string, number>): void;
  /** Notes how many open descriptors nothing accounts for, see `DescriptorWatch`. */
  unaccountedDescriptors(count: number): void;
  /** The metrics in text format 0.0.4, gauges as of now, in pieces of some 64 KiB. */
  pieces(): AsyncGenerator<string, void>;
  /** The same in one text: for a fleet it is megabytes. */
  text(): Promise<string>;
  /** The media type of both. */
  readonly contentType: string;
}

export function createExporterMetrics(options: ExporterMetricsOptions): ExporterMetrics {
  const registry = new Registry();
  registerSelf(registry, options.build);
  const successful = withoutValue(registry, SELF_METRICS.reloadSuccessful);
  const timestamp = new MomentGauge(SELF_METRICS.reloadTimestamp, registry);
  const fileErrors = new Gauge({
    name: SELF_METRICS.targetFileErrors.name,
    help: SELF_METRICS.targetFileErrors.help,
    labelNames: [...SELF_METRICS.targetFileErrors.labels],
    registers: [registry],
  });
  const unaccounted = withoutValue(registry, SELF_METRICS.unaccountedDescriptors);
  const processMetrics = options.defaultMetrics === false ? undefined : registerProcessMetrics(registry);

  const now = () => options.view.snapshots?.() ?? options.view.targets();
  let families: ProbeMetrics | undefined;
  /** How often the series were brought in line: what was gathered before the last time may be out of date. */
  let syncs = 0;

  /** Brings the series in line with the configured targets; cheap when nothing changed. */
  const sync = (snapshots: readonly TargetSnapshot[]): ProbeMetrics => {
    syncs += 1;
    const ownLabels = ownLabelNames(snapshots);
    const histogramByTarget = snapshots.length <= HISTOGRAM_TARGET_LIMIT;
    if (families === undefined || !families.fits(ownLabels)) {
      families?.unregister();
      families = new ProbeMetrics(registry, ownLabels, now, options.onBroken);
    }
    families.setHistogramByTarget(histogramByTarget);
    families.follow(snapshots.map((snapshot) => snapshot.config));
    return families;
  };

  /** The families if they know this target; events of targets that are no longer configured are dropped. */
  const familiesOf = (target: TargetConfig): ProbeMetrics | undefined => {
    if (families?.knows(target) !== true) sync(options.view.targets());
    return families?.knows(target) === true ? families : undefined;
  };

  async function* pieces(): AsyncGenerator<string, void> {
    const out = new Exposition();
    const snapshots: TargetSnapshot[] = [];
    const before = syncs;
    for (const snapshot of now()) {
      snapshots.push(snapshot);
      if (out.due) yield* cut(out);
    }
    // After a reload meanwhile these are the targets of before: their counters are not to come back.
    if (syncs === before) sync(snapshots);
    for (const { name } of registry.getMetricsAsArray()) {
      const metric = registry.getSingleMetric(name);
      if (metric === undefined) continue;
      if (!writesItself(metric)) out.whole(await registry.getSingleMetricAsString(name));
      else for await (const _ of metric.write(out, snapshots)) yield* cut(out);
    }
    yield out.take();
  }

  return {
    registry,
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    observer: {
      tested(target, mode, test) {
        familiesOf(target)?.countTest(target, mode, reasonOf(test.verdict), test.idle);
      },
      earlyDeath(target, mode) {
        familiesOf(target)?.countEarlyDeath(target, mode);
      },
      changed(target, mode, change) {
        familiesOf(target)?.countChange(target, mode, change);
      },
      mappingLoss(target) {
        familiesOf(target)?.countMappingLoss(target);
      },
      stepped(step) {
        timestamp.stepped(step);
        processMetrics?.stepped(step);
      },
    },
    reload(ok, at) {
      successful.set({}, ok ? 1 : 0);
      if (ok) timestamp.note(at);
      if (ok) sync(options.view.targets());
    },
    targetFiles(problems) {
      fileErrors.reset();
      for (const [file, count] of problems) fileErrors.set({ file }, count);
    },
    unaccountedDescriptors(count) {
      unaccounted.set(count);
    },
    pieces,
    async text() {
      let text = '';
      for await (const piece of pieces()) text += piece;
      return text;
    },
  };
}

/** What is written so far, after a turn for everybody else. However long the reader takes, it is not our stretch. */
async function* cut(out: Exposition): AsyncGenerator<string> {
  await nextTurn();
  const piece = out.take();
  if (piece !== '') yield piece;
  out.resume();
}

function ownLabelNames(snapshots: readonly TargetSnapshot[]): string[] {
  const names = new Set<string>();
  for (const snapshot of snapshots) for (const name of Object.keys(snapshot.config.labels)) names.add(name);
  return [...names].sort();
}

function registerSelf(registry: Registry, build: BuildInfo): void {
  const { name, help, labels } = SELF_METRICS.buildInfo;
  const info = new Gauge({ name, help, labelNames: [...labels], registers: [registry] });
  const nodeversion = build.nodeVersion ?? process.version;
  info.set({ version: build.version, revision: build.revision, nodeversion }, 1);
}

/** A gauge without labels that starts at 0, which would be a claim, emptied until there is a value. */
function withoutValue(registry: Registry, { name, help }: MetricDescription): Gauge {
  const gauge = new Gauge({ name, help, registers: [registry] });
  gauge.remove({});
  return gauge;
}
