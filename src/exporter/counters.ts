/** What grows with the engine's events and survives a reload: counters and histograms, in plain maps by label text. */
import type { TestRecord } from '../engine/snapshot.js';
import type { Exposition } from './exposition.js';
import type { CounterFamily, EngineEvents, HistogramFamily } from './families.js';
import { type LabelSet, labelSet } from './label-set.js';

/** One number of a counter. */
interface Counted {
  readonly labels: LabelSet;
  readonly more: LabelSet | undefined;
  value: number;
}

/** The series of one counter family. */
export class Counter {
  readonly family: CounterFamily;
  readonly #series = new Map<string, Counted>();

  constructor(family: CounterFamily) {
    this.family = family;
  }

  /** Shows the series of a target, or of one of its modes, that are there from the start. */
  begin(labels: LabelSet): void {
    for (const more of this.family.initial) this.#add(labels, more, 0);
  }

  /** Counts an event if the family is about it. */
  count<Event extends keyof EngineEvents>(labels: LabelSet, event: Event, what: EngineEvents[Event]): void {
    const counts = this.family.counts[event];
    if (counts !== undefined) this.#add(labels, counts(what), 1);
  }

  /** Forgets the series of all others. @param owners texts of the labels of targets and modes */
  keep(owners: ReadonlySet<string>): void {
    for (const [text, { labels }] of this.#series) if (!owners.has(labels.text)) this.#series.delete(text);
  }

  /** Writes the family, and yields whenever something is due. */
  *write(out: Exposition): Generator<void> {
    out.family(this.family);
    for (const { value, labels, more } of this.#series.values()) {
      out.sample(this.family.name, value, labels, more);
      if (out.due) yield;
    }
  }

  #add(labels: LabelSet, more: LabelSet | undefined, by: number): void {
    const text = `${labels.text},${more?.text ?? ''}`;
    const series = this.#series.get(text);
    if (series === undefined) this.#series.set(text, { labels, more, value: by });
    else series.value += by;
  }
}

/** One distribution of a histogram. */
interface Observed {
  /** Text of the labels of the mode that it belongs to. */
  readonly owner: string;
  readonly labels: LabelSet;
  /** Observations of each bucket alone, the last one up to +Inf. */
  readonly buckets: number[];
  sum: number;
}

/** The series of one histogram family. */
export class Histogram {
  readonly family: HistogramFamily;
  readonly #series = new Map<string, Observed>();
  /** The label `le` of each bucket. */
  readonly #bounds: readonly LabelSet[];

  constructor(family: HistogramFamily) {
    this.family = family;
    this.#bounds = [...family.buckets, '+Inf'].map((bound) => labelSet({ le: String(bound) }));
  }

  /**
   * Takes a finished test in.
   *
   * @param owner what the series is kept for, see `keep`
   * @param labelsOf the labels of the series from those that tell it apart from others of its owner
   */
  observe(owner: string, test: TestRecord, labelsOf: (more: LabelSet) => LabelSet): void {
    const [value, more] = this.family.observe(test);
    if (!Number.isFinite(value) || value < 0) return;
    const key = `${owner},${more.text}`;
    let series = this.#series.get(key);
    if (series === undefined) {
      series = { owner, labels: labelsOf(more), buckets: this.#bounds.map(() => 0), sum: 0 };
      this.#series.set(key, series);
    }
    const found = this.family.buckets.findIndex((bound) => value <= bound);
    const index = found === -1 ? this.family.buckets.length : found;
    series.buckets[index] = (series.buckets[index] ?? 0) + 1;
    series.sum += value;
  }

  /** Forgets the series of all others. @param owners as given to `observe` */
  keep(owners: ReadonlySet<string>): void {
    for (const [text, { owner }] of this.#series) if (!owners.has(owner)) this.#series.delete(text);
  }

  /** Writes the family, and yields whenever something is due. */
  *write(out: Exposition): Generator<void> {
    const { name } = this.family;
    out.family(this.family);
    for (const { labels, buckets, sum } of this.#series.values()) {
      let count = 0;
      for (const [index, bound] of this.#bounds.entries()) {
        count += buckets[index] ?? 0;
        out.sample(`${name}_bucket`, count, bound, labels);
      }
      out.sample(`${name}_sum`, sum, labels);
      out.sample(`${name}_count`, count, labels);
      if (out.due) yield;
    }
  }
}
