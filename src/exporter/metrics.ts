/**
 * The exporter's metrics: gauges are filled from snapshots at scrape time (unknown ones are absent), counters and
 * the histogram grow with the engine's events and survive a reload of the configuration.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { afterStep } from '../clock.js';
import type { EngineObserver, EngineView } from '../engine/snapshot.js';
import type { Series } from '../remote-write/encode.js';
import type { RemoteWriteStats } from '../remote-write/writer.js';
import type { Seconds } from '../units.js';
import { type Exposition, SeriesExposition, TextExposition } from './exposition.js';
import type { TellBroken } from './guard.js';
import { ProbeMetrics } from './probe-metrics.js';
import {
  type BuildInfo,
  REMOTE_WRITE_FAMILIES,
  registerFamilies,
  registerProcessFamilies,
  SELF_FAMILIES,
  type SelfState,
} from './self-families.js';

export interface ExporterMetricsOptions {
  /** Read at every scrape and reload; never by the constructor, so that the engine may be made later. */
  readonly view: Pick<EngineView, 'targets' | 'snapshots'>;
  readonly build: BuildInfo;
  /** Told of targets that have no series because they cannot be read. */
  readonly onBroken?: TellBroken;
  /** Adds the `process_*` and `nodejs_*` metrics; on unless said otherwise. */
  readonly defaultMetrics?: boolean;
}

export class ExporterMetrics {
  /** What others show of themselves beside the exporter's own metrics: it comes last. */
  readonly registry = new Registry();
  /** Give this to the engine. */
  readonly observer: EngineObserver;
  /** The media type of the text. */
  readonly contentType: string = Registry.PROMETHEUS_CONTENT_TYPE;
  readonly #own = new Registry();
  readonly #probes: ProbeMetrics;
  readonly #state: SelfState;

  constructor({ view, build, onBroken = () => undefined, defaultMetrics = true }: ExporterMetricsOptions) {
    const startedAt = Math.round(Date.now() / 1000 - process.uptime());
    const state: SelfState = { build, startedAt, fileProblems: new Map() };
    this.#state = state;
    registerFamilies(this.#own, SELF_FAMILIES, () => state);
    if (defaultMetrics) registerProcessFamilies(this.#own, () => state);
    this.#probes = new ProbeMetrics(view, onBroken);
    this.observer = {
      ...this.#probes.observer,
      stepped(step) {
        state.startedAt = afterStep(state.startedAt, step);
        if (state.loadedAt !== undefined) state.loadedAt = afterStep(state.loadedAt, step);
      },
    };
  }

  /** Notes an attempt to load the configuration; `at` is the Unix time in seconds. */
  reload(ok: boolean, at: Seconds): void {
    this.#state.loaded = ok;
    if (!ok) return;
    this.#state.loadedAt = at;
    this.#probes.follow();
  }

  /** Notes how many problems each target file has; files that are not named have no series any more. */
  targetFiles(problems: ReadonlyMap<string, number>): void {
    this.#state.fileProblems = problems;
  }

  /** Notes how many open descriptors nothing accounts for, see `DescriptorWatch`. */
  unaccountedDescriptors(count: number): void {
    this.#state.unaccounted = count;
  }

  /** Shows what remote write has done, in the place of an earlier one; undefined: it is not configured, no series. */
  remoteWrite(read: (() => RemoteWriteStats) | undefined): void {
    for (const { name } of REMOTE_WRITE_FAMILIES) this.registry.removeSingleMetric(name);
    if (read !== undefined) registerFamilies(this.registry, REMOTE_WRITE_FAMILIES, read);
  }

  /** The metrics in text format 0.0.4, gauges as of now, in pieces of some 64 KiB. */
  async *pieces(): AsyncGenerator<string, void> {
    const out = new TextExposition();
    for await (const _ of this.#write(out)) {
      const piece = out.take();
      if (piece !== '') yield piece;
    }
    yield out.take();
  }

  /** The same in one text: for a fleet it is megabytes. */
  async text(): Promise<string> {
    let text = '';
    for await (const piece of this.pieces()) text += piece;
    return text;
  }

  /** The same as series. */
  async series(): Promise<readonly Series[]> {
    const out = new SeriesExposition();
    for await (const _ of this.#write(out));
    return out.series;
  }

  /** Writes everything; yields whenever something is due, and all others have had a turn. */
  async *#write(out: Exposition): AsyncGenerator<void> {
    await out.registry(this.#own);
    for (const _ of this.#probes.write(out)) {
      await nextTurn();
      yield;
      // However long the reader took, it was not our stretch.
      out.resume();
    }
    await out.registry(this.registry);
  }
}
