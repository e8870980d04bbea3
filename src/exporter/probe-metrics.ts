/** The metrics of the probes: which series the configured targets have, and how the families are written. */
import type { TargetConfig } from '../config/config.js';
import type { Mode } from '../core/modes.js';
import type { EngineObserver, EngineView, TargetSnapshot, TestRecord } from '../engine/snapshot.js';
import { Counter, Histogram } from './counters.js';
import type { Exposition } from './exposition.js';
import { type EngineEvents, FAMILIES, type GaugeFamily, type Show } from './families.js';
import { guarded, type TellBroken } from './guard.js';
import { type LabelSet, labelSet, sameLabels } from './label-set.js';

/** With more targets than this the histograms have no `target` label. */
const HISTOGRAM_TARGET_LIMIT = 200;

export class ProbeMetrics {
  readonly #view: Pick<EngineView, 'targets' | 'snapshots'>;
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
  /** How often the targets were looked at: what was gathered before the last time may be out of date. */
  #looks = 0;

  /**
   * @param view read at every scrape and event, not before
   * @param broken told of targets that a gauge cannot read
   */
  constructor(view: Pick<EngineView, 'targets' | 'snapshots'>, broken: TellBroken) {
    this.#view = view;
    this.#broken = broken;
  }

  /** Counts the engine's events; those of targets that are not configured, or not any more, are dropped. */
  readonly observer: EngineObserver = {
    tested: (target, mode, test) => {
      this.#count('tested', test, target, mode);
      this.#observe(test, target, mode);
    },
    earlyDeath: (target, mode, idle) => this.#count('earlyDeath', idle, target, mode),
    changed: (target, mode, change) => this.#count('changed', change, target, mode),
    localized: (target, mode, side, verdict) => this.#count('localized', { side, verdict }, target, mode),
    mappingLoss: (target) => this.#count('mappingLoss', undefined, target),
  };

  /** Brings the counted series in line with the configured targets; cheap when nothing changed. */
  follow(): void {
    this.#follow(this.#view.targets().map(({ config }) => config));
  }

  /** Writes every family, gauges as of now, and yields whenever something is due. */
  *write(out: Exposition): Generator<void> {
    const snapshots: TargetSnapshot[] = [];
    const looks = this.#looks;
    for (const snapshot of this.#view.snapshots?.() ?? this.#view.targets()) {
      snapshots.push(snapshot);
      if (out.due) yield;
    }
    // After a reload meanwhile these are the targets of before: their counters are not to come back.
    if (this.#looks === looks) this.#follow(snapshots.map(({ config }) => config));
    for (const family of this.#families) {
      if ('write' in family) yield* family.write(out);
      else yield* this.#writeGauge(family, out, snapshots);
    }
  }

  /** Removes what was counted of targets that are gone, begins that of new ones, keeps that of unchanged ones. */
  #follow(configs: readonly TargetConfig[]): void {
    this.#looks += 1;
    const before = this.#known;
    if (configs.length === before.size && configs.every((config) => before.get(config.name) === config))
      return;
    for (const config of configs) {
      const old = before.get(config.name);
      const labels = old && this.#labels.get(old);
      if (labels !== undefined && this.#knows(config)) this.#labels.set(config, labels);
    }
    this.#known = new Map(configs.map((config) => [config.name, config]));
    this.#histogramByTarget = configs.length <= HISTOGRAM_TARGET_LIMIT;
    const ofModes = configs.flatMap((config) => config.modes.map((mode) => ({ config, mode })));
    const labelsOfTargets = configs.map((config) => this.#labelsOf(config));
    const labelsOfModes = ofModes.map(({ config, mode }) => this.#labelsOf(config, mode));
    const counted = new Set([...labelsOfTargets, ...labelsOfModes].map(({ text }) => text));
    for (const counter of this.#counters) {
      counter.keep(counted);
      const byMode = counter.family.labels.includes('mode');
      for (const labels of byMode ? labelsOfModes : labelsOfTargets) counter.begin(labels);
    }
    const observed = new Set(ofModes.map(({ config, mode }) => this.#histogramOwner(config, mode)));
    for (const histogram of this.#histograms) histogram.keep(observed);
  }

  /** Whether the target is configured, with these labels. */
  #knows(target: TargetConfig): boolean {
    const known = this.#known.get(target.name);
    return known === target || (known !== undefined && sameLabels(known.labels, target.labels));
  }

  /** The configuration of a target that is known; one that is new since is looked for. */
  #find(target: TargetConfig): TargetConfig | undefined {
    if (!this.#knows(target)) this.follow();
    return this.#knows(target) ? this.#known.get(target.name) : undefined;
  }

  #count<Event extends keyof EngineEvents>(
    event: Event,
    what: EngineEvents[Event],
    target: TargetConfig,
    mode?: Mode,
  ): void {
    const known = this.#find(target);
    if (known === undefined) return;
    for (const counter of this.#counters) counter.count(this.#labelsOf(known, mode), event, what);
  }

  #observe(test: TestRecord, target: TargetConfig, mode: Mode): void {
    const known = this.#find(target);
    if (known === undefined) return;
    const byTarget = this.#histogramByTarget ? { target: known.name } : {};
    for (const histogram of this.#histograms)
      histogram.observe(this.#histogramOwner(known, mode), test, (more) =>
        labelSet({ ...known.labels, mode, ...more.pairs, ...byTarget }),
      );
  }

  *#writeGauge(family: GaugeFamily, out: Exposition, snapshots: readonly TargetSnapshot[]): Generator<void> {
    out.family(family);
    for (const snapshot of snapshots) {
      const show: Show = (value, mode, more) => {
        if (value !== undefined)
          out.sample(family.name, Number(value), this.#labelsOf(snapshot.config, mode), more);
      };
      const read = (): void => family.read(snapshot, show);
      guarded(snapshot, this.#broken, read, () => undefined);
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
