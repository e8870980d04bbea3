/**
 * The exporter's metrics: gauges are filled from snapshots at scrape time (unknown ones are absent), counters and
 * the histogram grow with the engine's events and survive a reload of the configuration.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { TargetConfig } from '../config/types.js';
import { SEARCH_PHASES } from '../core/finding.js';
import type { Mode } from '../core/mode.js';
import { reasonOf, VERDICT_REASONS, type VerdictReason } from '../core/verdict.js';
import type { EngineObserver, EngineView, ModeSnapshot, TargetSnapshot } from '../engine/snapshot.js';
import type { Seconds } from '../units.js';
import {
  HISTOGRAM_TARGET_LIMIT,
  IDLE_BUCKETS,
  METRICS,
  type MetricDescription,
  SELF_METRICS,
} from './metric-names.js';

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
  /** The metrics in text format 0.0.4, gauges as of now. */
  text(): Promise<string>;
  /** The media type of `text()`. */
  readonly contentType: string;
}

type Labels = Readonly<Record<string, string>>;

/** Metrics of prom-client that promtool's lint refuses: a gauge must not end in `_total`. */
const LINT_FAILING_DEFAULTS = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
] as const;

/** The reasons whose verdict counters exist from the start, so that `rate()` sees the first verdict. */
const INITIAL_REASONS: readonly VerdictReason[] = ['answered', 'silence'];
/** Targets that are looked at or written at a stretch: after them the probes get their turn. */
const SLICE = 50;
const DIRECTIONS = ['drop', 'rise'] as const;

export function createExporterMetrics(options: ExporterMetricsOptions): ExporterMetrics {
  const registry = new Registry();
  registerSelf(registry, options.build);
  const self = registerReload(registry);
  const fileErrors = new Gauge({
    name: SELF_METRICS.targetFileErrors.name,
    help: SELF_METRICS.targetFileErrors.help,
    labelNames: [...SELF_METRICS.targetFileErrors.labels],
    registers: [registry],
  });
  if (options.defaultMetrics !== false) {
    collectDefaultMetrics({ register: registry });
    for (const name of LINT_FAILING_DEFAULTS) registry.removeSingleMetric(name);
  }

  let families: Families | undefined;

  /** Brings the series in line with the configured targets; cheap when nothing changed. */
  const sync = (snapshots: readonly TargetSnapshot[]): Families => {
    const ownLabels = ownLabelNames(snapshots);
    const histogramByTarget = snapshots.length <= HISTOGRAM_TARGET_LIMIT;
    if (families === undefined || !families.fits(ownLabels)) {
      families?.unregister();
      families = new Families(registry, ownLabels);
    }
    families.setHistogramByTarget(histogramByTarget);
    families.follow(snapshots.map((snapshot) => snapshot.config));
    return families;
  };

  /** The families if they know this target; events of targets that are no longer configured are dropped. */
  const familiesOf = (target: TargetConfig): Families | undefined => {
    if (families?.knows(target) !== true) sync(options.view.targets());
    return families?.knows(target) === true ? families : undefined;
  };

  let running: Promise<string> | undefined;
  const render = async (): Promise<string> => {
    const snapshots: TargetSnapshot[] = [];
    for (const snapshot of options.view.snapshots?.() ?? options.view.targets()) {
      snapshots.push(snapshot);
      if (snapshots.length % SLICE === 0) await nextTurn();
    }
    const shown = sync(snapshots);
    shown.clear();
    for (let from = 0; from < snapshots.length; from += SLICE) {
      if (from > 0) await nextTurn();
      shown.show(snapshots.slice(from, from + SLICE));
    }
    const parts: string[] = [];
    for (const { name } of registry.getMetricsAsArray()) {
      // A fleet's metrics take long to write: after each one the probes get their turn.
      await nextTurn();
      if (registry.getSingleMetric(name) !== undefined)
        parts.push(await registry.getSingleMetricAsString(name));
    }
    return `${parts.join('\n\n')}\n`;
  };

  return {
    registry,
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    observer: {
      tested(target, mode, test) {
        familiesOf(target)?.countTest(target, mode, reasonOf(test.verdict), test.idle);
      },
      earlyDeath(target, mode) {
        familiesOf(target)?.earlyDeaths.inc(modeLabels(target, mode));
      },
      changed(target, mode, change) {
        familiesOf(target)?.changes.inc({ ...modeLabels(target, mode), direction: change });
      },
      mappingLoss(target) {
        familiesOf(target)?.mappingLosses.inc(targetLabels(target));
      },
    },
    reload(ok, at) {
      self.successful.set({}, ok ? 1 : 0);
      if (ok) self.timestamp.set({}, at);
      if (ok) sync(options.view.targets());
    },
    targetFiles(problems) {
      fileErrors.reset();
      for (const [file, count] of problems) fileErrors.set({ file }, count);
    },
    text() {
      // Scrapes at the same moment share one text: gauges must not be emptied under a running one.
      running ??= render().finally(() => {
        running = undefined;
      });
      return running;
    },
  };
}

function targetLabels(target: TargetConfig): Labels {
  return { target: target.name, ...target.labels };
}

function modeLabels(target: TargetConfig, mode: Mode): Labels {
  return { target: target.name, mode, ...target.labels };
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

function registerReload(registry: Registry): { successful: Gauge; timestamp: Gauge } {
  // An unlabelled gauge starts at 0, which would be a claim: both are emptied until a load was tried.
  const make = ({ name, help }: MetricDescription): Gauge => {
    const gauge = new Gauge({ name, help, registers: [registry] });
    gauge.remove({});
    return gauge;
  };
  return { successful: make(SELF_METRICS.reloadSuccessful), timestamp: make(SELF_METRICS.reloadTimestamp) };
}

/** All probe metrics for one set of own label names. */
class Families {
  readonly timeout: Gauge;
  readonly lowerBound: Gauge;
  readonly upperBound: Gauge;
  readonly compliant: Gauge;
  readonly confirmed: Gauge;
  readonly verdicts: Counter;
  readonly connections: Gauge;
  readonly phase: Gauge;
  readonly suspect: Gauge;
  readonly earlyDeaths: Counter;
  readonly changes: Counter;
  readonly conntrack: Gauge;
  readonly up: Gauge;
  readonly mappingLosses: Counter;
  readonly detected: Gauge;
  readonly announced: Gauge;
  readonly recommended: Gauge;

  readonly #registry: Registry;
  readonly #gauges: Gauge[] = [];
  readonly #ownLabels: readonly string[];
  #idle: Histogram;
  #histogramByTarget = true;
  #known = new Map<string, TargetConfig>();

  constructor(registry: Registry, ownLabels: readonly string[]) {
    this.#registry = registry;
    this.#ownLabels = ownLabels;
    const common = ({ name, help, labels }: MetricDescription) => ({
      name,
      help,
      labelNames: [...labels, ...ownLabels],
      registers: [registry],
    });
    const gauge = (description: MetricDescription): Gauge => {
      const made = new Gauge(common(description));
      this.#gauges.push(made);
      return made;
    };
    const counter = (description: MetricDescription): Counter => new Counter(common(description));
    this.timeout = gauge(METRICS.timeout);
    this.lowerBound = gauge(METRICS.lowerBound);
    this.upperBound = gauge(METRICS.upperBound);
    this.compliant = gauge(METRICS.compliant);
    this.confirmed = gauge(METRICS.confirmed);
    this.verdicts = counter(METRICS.verdicts);
    this.#idle = this.#makeHistogram();
    this.connections = gauge(METRICS.connections);
    this.phase = gauge(METRICS.phase);
    this.suspect = gauge(METRICS.suspect);
    this.earlyDeaths = counter(METRICS.earlyDeaths);
    this.changes = counter(METRICS.changes);
    this.conntrack = gauge(METRICS.conntrack);
    this.up = gauge(METRICS.up);
    this.mappingLosses = counter(METRICS.mappingLosses);
    this.detected = gauge(METRICS.detected);
    this.announced = gauge(METRICS.announced);
    this.recommended = gauge(METRICS.recommended);
  }

  fits(ownLabels: readonly string[]): boolean {
    return (
      ownLabels.length === this.#ownLabels.length &&
      ownLabels.every((name, index) => name === this.#ownLabels[index])
    );
  }

  /** Starts the histogram anew when its labels change; the counters go on. */
  setHistogramByTarget(byTarget: boolean): void {
    if (byTarget === this.#histogramByTarget) return;
    this.#histogramByTarget = byTarget;
    this.#registry.removeSingleMetric(METRICS.idle.name);
    this.#idle = this.#makeHistogram();
  }

  unregister(): void {
    for (const { name } of Object.values(METRICS)) this.#registry.removeSingleMetric(name);
  }

  knows(target: TargetConfig): boolean {
    const known = this.#known.get(target.name);
    return known === target || (known !== undefined && sameLabels(known.labels, target.labels));
  }

  /** Removes the counters of targets that are gone, makes those of new ones, keeps those of unchanged ones. */
  follow(configs: readonly TargetConfig[]): void {
    if (
      configs.length === this.#known.size &&
      configs.every((config) => this.#known.get(config.name) === config)
    ) {
      return;
    }
    const before = this.#known;
    this.#known = new Map(configs.map((config) => [config.name, config]));
    for (const old of before.values()) {
      const now = this.#known.get(old.name);
      const kept = now !== undefined && sameLabels(now.labels, old.labels);
      if (!kept) this.mappingLosses.remove(targetLabels(old));
      for (const mode of old.modes) if (!kept || !now.modes.includes(mode)) this.#removeCounters(old, mode);
    }
    for (const config of configs) {
      this.mappingLosses.inc(targetLabels(config), 0);
      for (const mode of config.modes) this.#initialiseCounters(config, mode);
    }
    if (!this.#histogramByTarget) this.#removeOrphanedHistograms(before.values());
  }

  countTest(target: TargetConfig, mode: Mode, reason: VerdictReason, idle: Seconds): void {
    const verdict = VERDICT_REASONS[reason];
    this.verdicts.inc({ ...modeLabels(target, mode), verdict, reason });
    if (Number.isFinite(idle) && idle >= 0)
      this.#idle.observe(this.#histogramLabels(target, mode, verdict), idle);
  }

  /** Empties every gauge. */
  clear(): void {
    for (const gauge of this.#gauges) gauge.reset();
  }

  /** Adds the snapshots to the gauges; what is unknown stays away. */
  show(snapshots: readonly TargetSnapshot[]): void {
    for (const snapshot of snapshots) {
      const labels = targetLabels(snapshot.config);
      setKnown(this.up, labels, asNumber(snapshot.up));
      setKnown(this.detected, labels, asNumber(snapshot.natDetected));
      setKnown(this.announced, labels, asNumber(snapshot.announced));
      setKnown(this.recommended, labels, snapshot.keepaliveRecommended);
      setKnown(this.conntrack, { ...labels, end: 'local' }, snapshot.conntrack.local);
      setKnown(this.conntrack, { ...labels, end: 'responder' }, snapshot.conntrack.responder);
      for (const mode of snapshot.modes) this.#showMode(modeLabels(snapshot.config, mode.mode), mode);
    }
  }

  #showMode(labels: Labels, { finding, confirmedTimestamp, waiting }: ModeSnapshot): void {
    setKnown(this.timeout, labels, finding.timeout);
    setKnown(this.lowerBound, labels, finding.lower);
    setKnown(this.upperBound, labels, finding.upper ?? (finding.lower === undefined ? undefined : Infinity));
    setKnown(this.compliant, labels, asNumber(finding.compliant));
    setKnown(this.confirmed, labels, confirmedTimestamp);
    this.connections.set(labels, waiting.filter((connection) => connection.state !== 'opening').length);
    for (const phase of SEARCH_PHASES) this.phase.set({ ...labels, phase }, phase === finding.phase ? 1 : 0);
    this.suspect.set(labels, finding.suspect ? 1 : 0);
  }

  #makeHistogram(): Histogram {
    const { name, help, labels } = METRICS.idle;
    const kept = labels.filter((label) => this.#histogramByTarget || label !== 'target');
    return new Histogram({
      name,
      help,
      labelNames: [...kept, ...this.#ownLabels],
      buckets: [...IDLE_BUCKETS],
      registers: [this.#registry],
    });
  }

  #initialiseCounters(target: TargetConfig, mode: Mode): void {
    const labels = modeLabels(target, mode);
    this.earlyDeaths.inc(labels, 0);
    for (const direction of DIRECTIONS) this.changes.inc({ ...labels, direction }, 0);
    for (const reason of INITIAL_REASONS) {
      this.verdicts.inc({ ...labels, verdict: VERDICT_REASONS[reason], reason }, 0);
    }
  }

  #removeCounters(target: TargetConfig, mode: Mode): void {
    const labels = modeLabels(target, mode);
    this.earlyDeaths.remove(labels);
    for (const direction of DIRECTIONS) this.changes.remove({ ...labels, direction });
    for (const [reason, verdict] of Object.entries(VERDICT_REASONS)) {
      this.verdicts.remove({ ...labels, verdict, reason });
    }
    if (this.#histogramByTarget) this.#removeHistogram(target, mode);
  }

  #histogramLabels(target: TargetConfig, mode: Mode, verdict: string): Labels {
    const labels = { ...target.labels, mode, verdict };
    return this.#histogramByTarget ? { ...labels, target: target.name } : labels;
  }

  #removeHistogram(target: TargetConfig, mode: Mode): void {
    for (const verdict of new Set(Object.values(VERDICT_REASONS))) {
      this.#idle.remove(this.#histogramLabels(target, mode, verdict));
    }
  }

  /** Series without a target label are shared: one goes when the last target with its labels is gone. */
  #removeOrphanedHistograms(before: Iterable<TargetConfig>): void {
    const key = (target: TargetConfig, mode: Mode): string =>
      JSON.stringify([mode, ...this.#ownLabels.map((name) => target.labels[name])]);
    const used = new Set<string>();
    for (const target of this.#known.values()) for (const mode of target.modes) used.add(key(target, mode));
    for (const target of before) {
      for (const mode of target.modes) if (!used.has(key(target, mode))) this.#removeHistogram(target, mode);
    }
  }
}

function sameLabels(a: Labels, b: Labels): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** Unknown is absent, never 0. */
function setKnown(gauge: Gauge, labels: Labels, value: number | undefined): void {
  if (value !== undefined) gauge.set(labels, value);
}

function asNumber(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : value ? 1 : 0;
}
