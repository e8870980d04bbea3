/**
 * Metrics of prom-client that write themselves: the labels of a series are put into text once, not at every scrape,
 * which is most of a fleet's scrape.
 */
import { Counter, Gauge, Histogram, type MetricObjectWithValues, type MetricValue } from 'prom-client';
import type { TargetConfig } from '../config/types.js';
import type { Mode } from '../core/mode.js';

/** A metric that needs no help to be written. */
export interface WritesItself {
  /** The family in text format 0.0.4. */
  text(): Promise<string>;
}

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

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

/** A whole family, without a line break at its end. */
function familyText(
  { name, help, type }: { readonly name: string; readonly help: string; readonly type: unknown },
  lines: readonly string[],
): string {
  const escapedHelp = help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
  return [`# HELP ${name} ${escapedHelp}`, `# TYPE ${name} ${String(type)}`, ...lines].join('\n');
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
export class SnapshotGauge extends Gauge implements WritesItself {
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

  /** For those who let prom-client write: the Pushgateway. */
  override async get(): Promise<MetricObjectWithValues<MetricValue<string>>> {
    const gauge = await super.get();
    return { ...gauge, values: this.#shown.map(({ labels, value }) => named(gauge.name, labels, value)) };
  }

  /** The family in text format 0.0.4. */
  async text(): Promise<string> {
    const gauge = await super.get();
    return familyText(
      gauge,
      this.#shown.map(({ labels, value }) => `${gauge.name}{${labels}} ${numberText(value)}`),
    );
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

  /** The family in text format 0.0.4. */
  async text(): Promise<string> {
    const counted = await this.get();
    return familyText(
      counted,
      counted.values.map(
        ({ labels, value }) => `${counted.name}{${this.#texts.of(labels)}} ${numberText(value)}`,
      ),
    );
  }
}

/** What prom-client's histogram has for its own text, but not in its types: the common labels are kept apart. */
interface Buckets {
  getForPromString(): Promise<{
    readonly name: string;
    readonly help: string;
    readonly type: string;
    readonly values: readonly {
      readonly metricName: string;
      readonly value: number;
      readonly labels: { readonly le?: string | number };
      readonly sharedLabels: object;
    }[];
  }>;
}

/** A histogram as prom-client keeps it, with the text of each series' labels kept beside it. */
export class NamedHistogram extends Histogram implements WritesItself {
  readonly #texts = new LabelTexts();

  /** The family in text format 0.0.4. */
  async text(): Promise<string> {
    const observed = await (this as unknown as Buckets).getForPromString();
    return familyText(
      observed,
      observed.values.map(({ metricName, value, labels: { le }, sharedLabels }) => {
        const common = this.#texts.of(sharedLabels);
        const bucket = le === undefined ? '' : `le="${le}"${common === '' ? '' : ','}`;
        return `${metricName}{${bucket}${common}} ${numberText(value)}`;
      }),
    );
  }
}
