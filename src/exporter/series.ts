/**
 * Metrics of prom-client that write themselves: the labels of a series are put into text once, not at every scrape,
 * which is most of a fleet's scrape; and nothing of a scrape is kept until the next one.
 */
import {
  Counter,
  Gauge,
  type GaugeConfiguration,
  Histogram,
  type MetricObjectWithValues,
  type MetricValue,
} from 'prom-client';
import type { TargetConfig } from '../config/config.js';
import type { Mode } from '../core/modes.js';
import type { TargetSnapshot } from '../engine/snapshot.js';
import { type Exposition, labelText } from './exposition.js';
import type { TellBroken } from './guard.js';

/** A metric that needs no help to be written. */
export interface WritesItself {
  /** Writes the family, and yields whenever something is due. @param snapshots what gauges show */
  write(out: Exposition, snapshots: readonly TargetSnapshot[]): AsyncIterable<void> | Iterable<void>;
}

export function writesItself(metric: object): metric is WritesItself {
  return 'write' in metric;
}

/** A series of which prom-client has only the value left to write. */
interface NamedValue extends MetricValue<string> {
  readonly metricName: string;
  /** One object for all: what prom-client keeps about it is kept once. */
  readonly sharedLabels: typeof NO_LABELS;
}

const NO_LABELS = {};

function named(name: string, labels: string, value: number): NamedValue {
  return { metricName: `${name}{${labels}}`, value, labels: NO_LABELS, sharedLabels: NO_LABELS };
}

/** The texts of a target's labels, made when they are first asked for and kept as long as its configuration. */
export class TargetLabels {
  readonly #texts = new WeakMap<TargetConfig, Map<Mode | '', string>>();

  /** `target` and the target's own labels, with `mode` between them where one is given. */
  text(target: TargetConfig, mode?: Mode): string {
    let texts = this.#texts.get(target);
    if (texts === undefined) this.#texts.set(target, (texts = new Map<Mode | '', string>()));
    let text = texts.get(mode ?? '');
    if (text === undefined) {
      const labels = { target: target.name, ...(mode === undefined ? {} : { mode }), ...target.labels };
      texts.set(mode ?? '', (text = labelText(labels)));
    }
    return text;
  }
}

/** Shows a value unless it is unknown. `labels` is the text between the braces. */
export type Show = (labels: string, value: number | undefined) => void;

export interface SnapshotGaugeOptions extends GaugeConfiguration<string> {
  /** Shows the values of one target. */
  readonly values: (snapshot: TargetSnapshot, show: Show) => void;
  /** What there is to show when nobody else says so. */
  readonly now: () => Iterable<TargetSnapshot>;
  /** Told of a target that cannot be read; it has no series then. */
  readonly broken: TellBroken;
}

/** A gauge that is read anew for every scrape; what nobody shows has no series. */
export class SnapshotGauge extends Gauge implements WritesItself {
  readonly #values: SnapshotGaugeOptions['values'];
  readonly #now: SnapshotGaugeOptions['now'];
  readonly #broken: TellBroken;

  constructor({ values, now, broken, ...configuration }: SnapshotGaugeOptions) {
    super(configuration);
    this.#values = values;
    this.#now = now;
    this.#broken = broken;
  }

  /** For those who let prom-client write: the Pushgateway. */
  override async get(): Promise<MetricObjectWithValues<MetricValue<string>>> {
    const gauge = await super.get();
    const values: NamedValue[] = [];
    for (const snapshot of this.#now())
      this.#read(snapshot, (labels, value) => {
        if (value !== undefined) values.push(named(gauge.name, labels, value));
      });
    return { ...gauge, values };
  }

  async *write(out: Exposition, snapshots: readonly TargetSnapshot[]): AsyncGenerator<void> {
    const gauge = await super.get();
    const { name } = gauge;
    const show: Show = (labels, value) => {
      if (value !== undefined) out.sample(name, labels, value);
    };
    out.family(gauge);
    for (const snapshot of snapshots) {
      this.#read(snapshot, show);
      if (out.due) yield;
    }
  }

  #read(snapshot: TargetSnapshot, show: Show): void {
    try {
      this.#values(snapshot, show);
    } catch (error) {
      this.#broken(snapshot, error);
    }
  }
}

/** The texts of series' labels, by the object that prom-client keeps for as long as the series lives. */
class LabelTexts {
  readonly #texts = new WeakMap<object, string>();

  of(labels: object): string {
    let text = this.#texts.get(labels);
    if (text === undefined)
      this.#texts.set(labels, (text = labelText(labels as Readonly<Record<string, string | number>>)));
    return text;
  }
}

/** A counter as prom-client keeps it, with the text of each series' labels kept beside it. */
export class NamedCounter extends Counter implements WritesItself {
  readonly #texts = new LabelTexts();

  async *write(out: Exposition): AsyncGenerator<void> {
    const counted = await this.get();
    out.family(counted);
    for (const { labels, value } of counted.values) {
      out.sample(counted.name, this.#texts.of(labels), value);
      if (out.due) yield;
    }
  }
}

/**
 * What prom-client's histogram keeps, but has no types for. Its own text is made of an object for each bucket of each
 * series, all at once: ten thousand for a fleet.
 */
interface Kept {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly upperBounds: readonly number[];
  readonly hashMap: Readonly<
    Record<
      string,
      {
        readonly labels: object;
        /** Observations of each bucket alone, by its upper bound. */
        readonly bucketValues: Readonly<Record<number, number>>;
        readonly sum: number;
        readonly count: number;
      }
    >
  >;
}

/** A histogram as prom-client keeps it, with the text of each series' labels kept beside it. */
export class NamedHistogram extends Histogram implements WritesItself {
  readonly #texts = new LabelTexts();

  *write(out: Exposition): Generator<void> {
    const kept = this as unknown as Kept;
    const { name, upperBounds } = kept;
    const buckets = [...upperBounds, Infinity].map((bound) =>
      labelText({ le: bound === Infinity ? '+Inf' : bound }),
    );
    out.family(kept);
    for (const { labels, bucketValues, sum, count } of Object.values(kept.hashMap)) {
      const common = this.#texts.of(labels);
      const rest = common === '' ? '' : `,${common}`;
      let below = 0;
      for (const [index, bucket] of buckets.entries()) {
        const bound = upperBounds[index];
        below = bound === undefined ? count : below + (bucketValues[bound] ?? 0);
        out.sample(`${name}_bucket`, `${bucket}${rest}`, below);
      }
      out.sample(`${name}_sum`, common, sum);
      out.sample(`${name}_count`, common, count);
      if (out.due) yield;
    }
  }
}
