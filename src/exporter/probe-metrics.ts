/** The metrics of the probes: one gauge, counter or histogram for each, and which series a target has. */
import type { Registry } from 'prom-client';
import type { TargetConfig } from '../config/config.js';
import { SEARCH_PHASES } from '../core/finding.js';
import type { Mode } from '../core/modes.js';
import { VERDICT_REASONS, type VerdictReason } from '../core/verdict.js';
import type { ModeSnapshot, TargetSnapshot } from '../engine/snapshot.js';
import type { Seconds } from '../units.js';
import type { TellBroken } from './guard.js';
import { IDLE_BUCKETS, METRICS, type MetricDescription } from './metric-names.js';
import {
  NamedCounter,
  NamedHistogram,
  SnapshotGauge,
  type SnapshotGaugeOptions,
  TargetLabels,
} from './series.js';

type Labels = Readonly<Record<string, string>>;

/** The reasons whose verdict counters exist from the start, so that `rate()` sees the first verdict. */
const INITIAL_REASONS: readonly VerdictReason[] = ['answered', 'silence'];
const DIRECTIONS = ['drop', 'rise'] as const;

/** All probe metrics for one set of own label names. */
export class ProbeMetrics {
  readonly #verdicts: NamedCounter;
  readonly #earlyDeaths: NamedCounter;
  readonly #changes: NamedCounter;
  readonly #mappingLosses: NamedCounter;

  readonly #registry: Registry;
  readonly #ownLabels: readonly string[];
  #idle: NamedHistogram;
  #histogramByTarget = true;
  #known = new Map<string, TargetConfig>();

  /**
   * @param now what the gauges show to those who do not bring snapshots of their own
   * @param broken told of targets that a gauge cannot read
   */
  constructor(
    registry: Registry,
    ownLabels: readonly string[],
    now: () => Iterable<TargetSnapshot>,
    broken: TellBroken = () => undefined,
  ) {
    this.#registry = registry;
    this.#ownLabels = ownLabels;
    const texts = new TargetLabels();
    const common = ({ name, help, labels }: MetricDescription) => ({
      name,
      help,
      labelNames: [...labels, ...ownLabels],
      registers: [registry],
    });
    const counter = (description: MetricDescription): NamedCounter => new NamedCounter(common(description));
    const gauge = (description: MetricDescription, values: SnapshotGaugeOptions['values']): SnapshotGauge =>
      new SnapshotGauge({ values, now, broken, ...common(description) });
    const ofTarget = (
      description: MetricDescription,
      read: (snapshot: TargetSnapshot) => number | undefined,
    ): SnapshotGauge =>
      gauge(description, (snapshot, show) => show(texts.text(snapshot.config), read(snapshot)));
    const ofMode = (
      description: MetricDescription,
      read: (snapshot: ModeSnapshot) => number | undefined,
    ): SnapshotGauge =>
      gauge(description, ({ config, modes }, show) => {
        for (const each of modes) show(texts.text(config, each.mode), read(each));
      });

    ofMode(METRICS.timeout, ({ finding }) => finding.timeout);
    ofMode(METRICS.lowerBound, ({ finding }) => finding.lower);
    ofMode(
      METRICS.upperBound,
      ({ finding }) => finding.upper ?? (finding.lower === undefined ? undefined : Infinity),
    );
    ofMode(METRICS.compliant, ({ finding }) => asNumber(finding.compliant));
    ofMode(METRICS.confirmed, ({ confirmedTimestamp }) => confirmedTimestamp);
    this.#verdicts = counter(METRICS.verdicts);
    this.#idle = this.#makeHistogram();
    ofMode(METRICS.connections, ({ connections }) => connections);
    gauge(METRICS.phase, ({ config, modes }, show) => {
      for (const { mode, finding } of modes)
        for (const phase of SEARCH_PHASES)
          show(`${texts.text(config, mode)},phase="${phase}"`, phase === finding.phase ? 1 : 0);
    });
    ofMode(METRICS.suspect, ({ finding }) => (finding.suspect ? 1 : 0));
    this.#earlyDeaths = counter(METRICS.earlyDeaths);
    this.#changes = counter(METRICS.changes);
    gauge(METRICS.conntrack, ({ config, conntrack }, show) => {
      show(`${texts.text(config)},end="local"`, conntrack.local);
      show(`${texts.text(config)},end="responder"`, conntrack.responder);
    });
    ofTarget(METRICS.up, ({ up }) => asNumber(up));
    this.#mappingLosses = counter(METRICS.mappingLosses);
    ofTarget(METRICS.detected, ({ natDetected }) => asNumber(natDetected));
    ofTarget(METRICS.announced, ({ announced }) => asNumber(announced));
    gauge(METRICS.condition, ({ config, verdict }, show) => {
      for (const condition of verdict.conditions) show(`${texts.text(config)},condition="${condition}"`, 1);
    });
    ofTarget(METRICS.recommended, ({ keepaliveRecommended }) => keepaliveRecommended);
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
    this.#verdicts.inc(modeLabels(target, mode, { verdict, reason }));
    if (Number.isFinite(idle) && idle >= 0)
      this.#idle.observe(this.#histogramLabels(target, mode, verdict), idle);
  }

  /** Counts what befell a connection or a target; what it befell must be known. */
  countEarlyDeath(target: TargetConfig, mode: Mode): void {
    this.#earlyDeaths.inc(modeLabels(target, mode));
  }

  countChange(target: TargetConfig, mode: Mode, direction: 'drop' | 'rise'): void {
    this.#changes.inc(modeLabels(target, mode, { direction }));
  }

  countMappingLoss(target: TargetConfig): void {
    this.#mappingLosses.inc(targetLabels(target));
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
    this.#earlyDeaths.inc(modeLabels(target, mode), 0);
    for (const direction of DIRECTIONS) this.#changes.inc(modeLabels(target, mode, { direction }), 0);
    for (const reason of INITIAL_REASONS) {
      const verdict = VERDICT_REASONS[reason];
      this.#verdicts.inc(modeLabels(target, mode, { verdict, reason }), 0);
    }
  }

  #removeCounters(target: TargetConfig, mode: Mode): void {
    this.#earlyDeaths.remove(modeLabels(target, mode));
    for (const direction of DIRECTIONS) this.#changes.remove(modeLabels(target, mode, { direction }));
    for (const [reason, verdict] of Object.entries(VERDICT_REASONS)) {
      this.#verdicts.remove(modeLabels(target, mode, { verdict, reason }));
    }
    if (this.#histogramByTarget) this.#removeHistogram(target, mode);
  }

  #histogramLabels(target: TargetConfig, mode: Mode, verdict: string): Labels {
    const byTarget = this.#histogramByTarget ? { target: target.name } : {};
    return Object.assign({}, target.labels, { mode, verdict }, byTarget);
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

function modeLabels(target: TargetConfig, mode: Mode, more?: Labels): Labels {
  return { target: target.name, mode, ...target.labels, ...more };
}
