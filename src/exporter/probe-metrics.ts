/** The metrics of the probes: which series the configured targets have, and how the families are written. */
import type { TargetConfig } from '../config/types.js';
import type { Mode } from '../core/modes.js';
import type { TargetSnapshot, TestRecord } from '../engine/snapshot.js';
import { Counter, Histogram } from './counters.js';
import type { Exposition } from './exposition.js';
import { type EngineEvents, FAMILIES, type GaugeFamily, type Show } from './families.js';
import { guarded, type TellBroken } from './guard.js';
import { type LabelSet, labelSet, sameLabels } from './labels.js';

/** With more targets than this the histograms have no `target` label. */
export const HISTOGRAM_TARGET_LIMIT = 200;

export class ProbeMetrics {
  readonly #broken: TellBroken;
  readonly #families = FAMILIES.map((family) => {
    if (family.type === 'gauge') return family;
    return family.type === 'counter' ? new Counter(family) : new Histogram(family);
  });
  readonly #counters = this.#families.filter((family) => family instanceof Counter);
  readonly #histograms = this.#families.filter((family) => family instanceof Histogram);
  /** The labels of a target and its modes, made when they are first asked for and kept with its configuration. */
  readonly #labels = new WeakMap<TargetConfig, Map<Mode | undefined, LabelSet>>();
  #known: ReadonlyMap<string, TargetConfig> = new Map();
  #histogramByTarget = true;

  /** @param broken told of targets that a gauge cannot read */
  constructor(broken: TellBroken = () => undefined) {
    this.#broken = broken;
  }

  /** Whether events of the target can be counted: it is configured, with these labels. */
  knows(target: TargetConfig): boolean {
    const known = this.#known.get(target.name);
    return known === target || (known !== undefined && sameLabels(known.labels, target.labels));
  }

  /** Removes what was counted of targets that are gone, begins that of new ones, keeps that of unchanged ones. */
  follow(configs: readonly TargetConfig[]): void {
    const before = this.#known;
    if (configs.length === before.size && configs.every((config) => before.get(config.name) === config))
      return;
    for (const config of configs) {
      const old = before.get(config.name);
      const labels = old && this.#labels.get(old);
      if (labels !== undefined && this.knows(config)) this.#labels.set(config, labels);
    }
    this.#known = new Map(configs.map((config) => [config.name, config]));
    this.#histogramByTarget = configs.length <= HISTOGRAM_TARGET_LIMIT;
    const counted = new Set<string>();
    const observed = new Set<string>();
    for (const config of configs) {
      counted.add(this.#labelsOf(config).text);
      for (const mode of config.modes) {
        counted.add(this.#labelsOf(config, mode).text);
        observed.add(this.#histogramOwner(config, mode));
      }
    }
    for (const counter of this.#counters) {
      counter.keep(counted);
      const ofModes = counter.family.labels.includes('mode');
      for (const config of configs)
        for (const mode of ofModes ? config.modes : [undefined]) counter.begin(this.#labelsOf(config, mode));
    }
    for (const histogram of this.#histograms) histogram.keep(observed);
  }

  /** Counts what befell a known target, or one of its modes. */
  count<Event extends keyof EngineEvents>(
    event: Event,
    what: EngineEvents[Event],
    target: TargetConfig,
    mode?: Mode,
  ): void {
    const labels = this.#labelsOf(this.#known.get(target.name) ?? target, mode);
    for (const counter of this.#counters) counter.count(labels, event, what);
  }

  /** Takes in a finished test of a known target. */
  observe(test: TestRecord, target: TargetConfig, mode: Mode): void {
    const byTarget = this.#histogramByTarget ? { target: target.name } : {};
    for (const histogram of this.#histograms)
      histogram.observe(this.#histogramOwner(target, mode), test, (more) =>
        labelSet({ ...target.labels, mode, ...more.pairs, ...byTarget }),
      );
  }

  /** Writes every family, and yields whenever something is due. @param snapshots what gauges show */
  *write(out: Exposition, snapshots: readonly TargetSnapshot[]): Generator<void> {
    for (const family of this.#families) {
      if ('write' in family) yield* family.write(out);
      else yield* this.#writeGauge(family, out, snapshots);
    }
  }

  *#writeGauge(family: GaugeFamily, out: Exposition, snapshots: readonly TargetSnapshot[]): Generator<void> {
    out.family(family);
    for (const snapshot of snapshots) {
      const show: Show = (value, mode, more) => {
        if (value !== undefined)
          out.sample(family.name, Number(value), this.#labelsOf(snapshot.config, mode), more);
      };
      guarded(
        snapshot,
        this.#broken,
        () => family.read(snapshot, show),
        () => undefined,
      );
      if (out.due) yield;
    }
  }

  /** `target` and the target's own labels, with `mode` between them where one is given. */
  #labelsOf(target: TargetConfig, mode?: Mode): LabelSet {
    let known = this.#labels.get(target);
    if (known === undefined) this.#labels.set(target, (known = new Map<Mode | undefined, LabelSet>()));
    let labels = known.get(mode);
    if (labels === undefined) {
      const ofMode = mode === undefined ? {} : { mode };
      known.set(mode, (labels = labelSet({ target: target.name, ...ofMode, ...target.labels })));
    }
    return labels;
  }

  /** What a histogram is kept for: a mode of one target, or of all that have the same labels. */
  #histogramOwner(target: TargetConfig, mode: Mode): string {
    return this.#histogramByTarget
      ? this.#labelsOf(target, mode).text
      : JSON.stringify([mode, Object.entries(target.labels).sort()]);
  }
}
