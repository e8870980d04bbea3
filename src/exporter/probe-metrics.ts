/** The metrics of the probes: one gauge, counter or histogram for each, and which series a target has. */
import type { Registry } from 'prom-client';
import type { TargetConfig } from '../config/types.js';
import { SEARCH_PHASES } from '../core/finding.js';
import type { Mode } from '../core/mode.js';
import { VERDICT_REASONS, type VerdictReason } from '../core/verdict.js';
import type { ModeSnapshot, TargetSnapshot } from '../engine/snapshot.js';
import type { Seconds } from '../units.js';
import { IDLE_BUCKETS, METRICS, type MetricDescription } from './metric-names.js';
import { NamedCounter, NamedHistogram, SnapshotGauge, TargetLabels } from './series.js';

type Labels = Readonly<Record<string, string>>;

/** The reasons whose verdict counters exist from the start, so that `rate()` sees the first verdict. */
const INITIAL_REASONS: readonly VerdictReason[] = ['answered', 'silence'];
const DIRECTIONS = ['drop', 'rise'] as const;

/** All probe metrics for one set of own label names. */
export class ProbeMetrics {
  readonly #timeout: SnapshotGauge;
  readonly #lowerBound: SnapshotGauge;
  readonly #upperBound: SnapshotGauge;
  readonly #compliant: SnapshotGauge;
  readonly #confirmed: SnapshotGauge;
  readonly #verdicts: NamedCounter;
  readonly #connections: SnapshotGauge;
  readonly #phase: SnapshotGauge;
  readonly #suspect: SnapshotGauge;
  readonly #earlyDeaths: NamedCounter;
  readonly #changes: NamedCounter;
  readonly #conntrack: SnapshotGauge;
  readonly #up: SnapshotGauge;
  readonly #mappingLosses: NamedCounter;
  readonly #detected: SnapshotGauge;
  readonly #announced: SnapshotGauge;
  readonly #recommended: SnapshotGauge;

  readonly #registry: Registry;
  readonly #labels = new TargetLabels();
  readonly #gauges: SnapshotGauge[] = [];
  readonly #ownLabels: readonly string[];
  #idle: NamedHistogram;
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
    const gauge = (description: MetricDescription): SnapshotGauge => {
      const made = new SnapshotGauge(common(description));
      this.#gauges.push(made);
      return made;
    };
    const counter = (description: MetricDescription): NamedCounter => new NamedCounter(common(description));
    this.#timeout = gauge(METRICS.timeout);
    this.#lowerBound = gauge(METRICS.lowerBound);
    this.#upperBound = gauge(METRICS.upperBound);
    this.#compliant = gauge(METRICS.compliant);
    this.#confirmed = gauge(METRICS.confirmed);
    this.#verdicts = counter(METRICS.verdicts);
    this.#idle = this.#makeHistogram();
    this.#connections = gauge(METRICS.connections);
    this.#phase = gauge(METRICS.phase);
    this.#suspect = gauge(METRICS.suspect);
    this.#earlyDeaths = counter(METRICS.earlyDeaths);
    this.#changes = counter(METRICS.changes);
    this.#conntrack = gauge(METRICS.conntrack);
    this.#up = gauge(METRICS.up);
    this.#mappingLosses = counter(METRICS.mappingLosses);
    this.#detected = gauge(METRICS.detected);
    this.#announced = gauge(METRICS.announced);
    this.#recommended = gauge(METRICS.recommended);
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
      if (!kept) this.#mappingLosses.remove(targetLabels(old));
      for (const mode of old.modes) if (!kept || !now.modes.includes(mode)) this.#removeCounters(old, mode);
    }
    for (const config of configs) {
      this.#mappingLosses.inc(targetLabels(config), 0);
      for (const mode of config.modes) this.#initialiseCounters(config, mode);
    }
    if (!this.#histogramByTarget) this.#removeOrphanedHistograms(before.values());
  }

  countTest(target: TargetConfig, mode: Mode, reason: VerdictReason, idle: Seconds): void {
    const verdict = VERDICT_REASONS[reason];
    this.#verdicts.inc({ ...modeLabels(target, mode), verdict, reason });
    if (Number.isFinite(idle) && idle >= 0)
      this.#idle.observe(this.#histogramLabels(target, mode, verdict), idle);
  }

  /** Counts what befell a connection or a target; what it befell must be known. */
  countEarlyDeath(target: TargetConfig, mode: Mode): void {
    this.#earlyDeaths.inc(modeLabels(target, mode));
  }

  countChange(target: TargetConfig, mode: Mode, direction: 'drop' | 'rise'): void {
    this.#changes.inc({ ...modeLabels(target, mode), direction });
  }

  countMappingLoss(target: TargetConfig): void {
    this.#mappingLosses.inc(targetLabels(target));
  }

  /** Empties every gauge. */
  clear(): void {
    for (const gauge of this.#gauges) gauge.clear();
  }

  /** Adds a snapshot to the gauges; what is unknown stays away. */
  show(snapshot: TargetSnapshot): void {
    const { config, conntrack } = snapshot;
    const labels = this.#labels.text(config);
    this.#up.show(labels, asNumber(snapshot.up));
    this.#detected.show(labels, asNumber(snapshot.natDetected));
    this.#announced.show(labels, asNumber(snapshot.announced));
    this.#recommended.show(labels, snapshot.keepaliveRecommended);
    this.#conntrack.show(`${labels},end="local"`, conntrack.local);
    this.#conntrack.show(`${labels},end="responder"`, conntrack.responder);
    for (const mode of snapshot.modes) this.#showMode(this.#labels.text(config, mode.mode), mode);
  }

  #showMode(labels: string, { finding, confirmedTimestamp, connections }: ModeSnapshot): void {
    this.#timeout.show(labels, finding.timeout);
    this.#lowerBound.show(labels, finding.lower);
    this.#upperBound.show(labels, finding.upper ?? (finding.lower === undefined ? undefined : Infinity));
    this.#compliant.show(labels, asNumber(finding.compliant));
    this.#confirmed.show(labels, confirmedTimestamp);
    this.#connections.show(labels, connections);
    for (const phase of SEARCH_PHASES)
      this.#phase.show(`${labels},phase="${phase}"`, phase === finding.phase ? 1 : 0);
    this.#suspect.show(labels, finding.suspect ? 1 : 0);
  }

  #makeHistogram(): NamedHistogram {
    const { name, help, labels } = METRICS.idle;
    const kept = labels.filter((label) => this.#histogramByTarget || label !== 'target');
    return new NamedHistogram({
      name,
      help,
      labelNames: [...kept, ...this.#ownLabels],
      buckets: [...IDLE_BUCKETS],
      registers: [this.#registry],
    });
  }

  #initialiseCounters(target: TargetConfig, mode: Mode): void {
    const labels = modeLabels(target, mode);
    this.#earlyDeaths.inc(labels, 0);
    for (const direction of DIRECTIONS) this.#changes.inc({ ...labels, direction }, 0);
    for (const reason of INITIAL_REASONS) {
      this.#verdicts.inc({ ...labels, verdict: VERDICT_REASONS[reason], reason }, 0);
    }
  }

  #removeCounters(target: TargetConfig, mode: Mode): void {
    const labels = modeLabels(target, mode);
    this.#earlyDeaths.remove(labels);
    for (const direction of DIRECTIONS) this.#changes.remove({ ...labels, direction });
    for (const [reason, verdict] of Object.entries(VERDICT_REASONS)) {
      this.#verdicts.remove({ ...labels, verdict, reason });
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

function asNumber(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : value ? 1 : 0;
}

function targetLabels(target: TargetConfig): Labels {
  return { target: target.name, ...target.labels };
}

function modeLabels(target: TargetConfig, mode: Mode): Labels {
  return { target: target.name, mode, ...target.labels };
}
