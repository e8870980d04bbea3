/**
 * What families are written into: text format 0.0.4, or series as remote write sends them. Both are filled piece by
 * piece: the metrics of a fleet are megabytes, which are neither written at a stretch nor, as text, kept until the last
 * line is there.
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
import type { MetricValueWithName, Registry } from 'prom-client';
import type { Series } from '../remote-write/encode.js';
import type { LabelSet } from './label-set.js';

/** Characters of a piece. */
const PIECE = 65_536;
/** The probes get their turn after so long, milliseconds. */
const LONGEST_STRETCH = 4;

/** What stands in front of a family's samples. */
export interface FamilyHead {
  readonly name: string;
  readonly help: string;
  readonly type: 'gauge' | 'counter' | 'histogram';
}

/** Takes samples, family by family. Who writes looks at `due` now and then, waits a turn, and says when it resumes. */
export abstract class Exposition {
  #since = performance.now();

  /** Begins a family. */
  abstract family(head: FamilyHead): void;

  /** Takes a sample of the family. @param more labels that stand behind the others */
  abstract sample(name: string, value: number, labels: LabelSet, more?: LabelSet): void;

  /** Takes all that prom-client keeps. */
  abstract registry(registry: Registry): Promise<void>;

  /** Whether there is a piece to take, or others have waited long enough. */
  get due(): boolean {
    return performance.now() - this.#since >= LONGEST_STRETCH;
  }

  /** The others had their turn: a new stretch begins. */
  resume(): void {
    this.#since = performance.now();
  }
}

/** Metrics as text. */
export class TextExposition extends Exposition {
  #text = '';
  #empty = true;

  family({ name, help, type }: FamilyHead): void {
    const escapedHelp = help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n');
    this.#whole(`# HELP ${name} ${escapedHelp}\n# TYPE ${name} ${type}`);
  }

  sample(name: string, value: number, labels: LabelSet, more?: LabelSet): void {
    const rest = more === undefined ? '' : `,${more.text}`;
    this.#text += `${name}{${labels.text}${rest}} ${numberText(value)}\n`;
  }

  async registry(registry: Registry): Promise<void> {
    for (const { name } of registry.getMetricsAsArray()) {
      // It may have been taken out while another one was read.
      if (registry.getSingleMetric(name) === undefined) continue;
      this.#whole(await registry.getSingleMetricAsString(name));
    }
  }

  override get due(): boolean {
    return this.#text.length >= PIECE || super.due;
  }

  /** What was written since it was last called. */
  take(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }

  /** Begins a family with what is there of it: without a line break at its end. */
  #whole(family: string): void {
    this.#text += this.#empty ? `${family}\n` : `\n${family}\n`;
    this.#empty = false;
  }
}

/** Metrics as series for remote write, the same ones as in the text. */
export class SeriesExposition extends Exposition {
  readonly series: Series[] = [];

  family(): void {
    // A series says everything itself.
  }

  sample(name: string, value: number, labels: LabelSet, more?: LabelSet): void {
    this.series.push({ labels: { __name__: name, ...labels.pairs, ...more?.pairs }, value });
  }

  async registry(registry: Registry): Promise<void> {
    for (const { name, values } of await registry.getMetricsAsJSON())
      for (const sample of values as readonly MetricValueWithName<string>[]) {
        // Samples of a histogram or a summary have names of their own.
        const labels: Record<string, string> = { __name__: sample.metricName ?? name };
        for (const [label, value] of Object.entries(sample.labels)) labels[label] = String(value);
        this.series.push({ labels, value: sample.value });
      }
  }
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
