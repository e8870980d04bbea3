/**
 * Gauges and counters whose series' names are written once. prom-client writes the labels of every series at every
 * scrape, which is most of a fleet's scrape; these hand them over ready.
 */
import { Counter, Gauge, type MetricObjectWithValues, type MetricValue } from 'prom-client';
import type { TargetConfig } from '../config/types.js';
import type { Mode } from '../core/mode.js';

/** A series of which prom-client has only the value left to write. */
interface NamedValue extends MetricValue<string> {
  readonly metricName: string;
  /** One object for all: what prom-client keeps about it is kept once. */
  readonly sharedLabels: typeof NO_LABELS;
}

const NO_LABELS = {};

/**
 * The labels of a series as they stand between its braces.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
function labelText(labels: Readonly<Record<string, string | number>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escaped(String(value))}"`)
    .join(',');
}

function escaped(value: string): string {
  return value.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
}

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

/** A gauge that is filled anew for every scrape; what nobody shows has no series. */
export class SnapshotGauge extends Gauge {
  #shown: { readonly labels: string; readonly value: number }[] = [];

  /** Shows nothing any more. */
  clear(): void {
    this.#shown = [];
  }

  /**
   * Shows a value unless it is unknown.
   * @param labels the text between the braces
   */
  show(labels: string, value: number | undefined): void {
    if (value !== undefined) this.#shown.push({ labels, value });
  }

  override async get(): Promise<MetricObjectWithValues<MetricValue<string>>> {
    const gauge = await super.get();
    return { ...gauge, values: this.#shown.map(({ labels, value }) => named(gauge.name, labels, value)) };
  }
}

/** A counter as prom-client keeps it, with the text of each series' labels kept beside it. */
export class NamedCounter extends Counter {
  /** By the labels of a series: prom-client keeps the object for as long as the series lives. */
  readonly #texts = new WeakMap<object, string>();

  override async get(): Promise<MetricObjectWithValues<MetricValue<string>>> {
    const counted = await super.get();
    return {
      ...counted,
      values: counted.values.map(({ labels, value }) => named(counted.name, this.#text(labels), value)),
    };
  }

  #text(labels: Partial<Record<string, string | number>>): string {
    let text = this.#texts.get(labels);
    if (text === undefined)
      this.#texts.set(labels, (text = labelText(labels as Readonly<Record<string, string | number>>)));
    return text;
  }
}
