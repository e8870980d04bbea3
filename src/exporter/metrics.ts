/**
 * The exporter's metrics: gauges are filled from snapshots at scrape time (unknown ones are absent), counters and
 * the histogram grow with the engine's events and survive a reload of the configuration.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Registry } from 'prom-client';
import { afterStep } from '../clock.js';
import type { TargetConfig } from '../config/types.js';
import type { EngineObserver, EngineView, TargetSnapshot } from '../engine/snapshot.js';
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
  /** Read at every scrape and reload; never while this factory runs, so that the engine may be made later. */
  readonly view: Pick<EngineView, 'targets' | 'snapshots'>;
  readonly build: BuildInfo;
  /** Told of targets that have no series because they cannot be read. */
  readonly onBroken?: TellBroken;
  /** Adds the `process_*` and `nodejs_*` metrics; on unless said otherwise. */
  readonly defaultMetrics?: boolean;
}

export interface ExporterMetrics {
  /** What others show of themselves beside the exporter's own metrics: it comes last. */
  readonly registry: Registry;
  /** Give this to the engine. */
  readonly observer: EngineObserver;
  /** Notes an attempt to load the configuration; `at` is the Unix time in seconds. */
  reload(ok: boolean, at: Seconds): void;
  /** Notes how many problems each target file has; files that are not named have no series any more. */
  targetFiles(problems: ReadonlyMap<string, number>): void;
  /** Notes how many open descriptors nothing accounts for, see `DescriptorWatch`. */
  unaccountedDescriptors(count: number): void;
  /** Shows what remote write has done, in the place of an earlier one; undefined: it is not configured, no series. */
  remoteWrite(read: (() => RemoteWriteStats) | undefined): void;
  /** The metrics in text format 0.0.4, gauges as of now, in pieces of some 64 KiB. */
  pieces(): AsyncGenerator<string, void>;
  /** The same in one text: for a fleet it is megabytes. */
  text(): Promise<string>;
  /** The same as series. */
  series(): Promise<readonly Series[]>;
  /** The media type of the text. */
  readonly contentType: string;
}

export function createExporterMetrics(options: ExporterMetricsOptions): ExporterMetrics {
  const { view, build } = options;
  const state: SelfState = {
    build,
    startedAt: Math.round(Date.now() / 1000 - process.uptime()),
    fileProblems: new Map(),
  };
  const own = new Registry();
  registerFamilies(own, SELF_FAMILIES, () => state);
  if (options.defaultMetrics !== false) registerProcessFamilies(own, () => state);
  const others = new Registry();
  const probes = new ProbeMetrics(options.onBroken);
  /** How often the series were brought in line: what was gathered before the last time may be out of date. */
  let syncs = 0;

  /** Brings the series in line with the configured targets; cheap when nothing changed. */
  const sync = (snapshots: readonly TargetSnapshot[]): void => {
    syncs += 1;
    probes.follow(snapshots.map(({ config }) => config));
  };

  /** Whether events of this target count: those of targets that are no longer configured are dropped. */
  const counts = (target: TargetConfig): boolean => {
    if (!probes.knows(target)) sync(view.targets());
    return probes.knows(target);
  };

  /** Writes everything; yields whenever a piece is due, and all others have had a turn. */
  async function* write(out: Exposition): AsyncGenerator<void> {
    const snapshots: TargetSnapshot[] = [];
    const before = syncs;
    for (const snapshot of view.snapshots?.() ?? view.targets()) {
      snapshots.push(snapshot);
      if (out.due) yield* turn(out);
    }
    // After a reload meanwhile these are the targets of before: their counters are not to come back.
    if (syncs === before) sync(snapshots);
    await out.registry(own);
    for (const _ of probes.write(out, snapshots)) yield* turn(out);
    await out.registry(others);
  }

  async function* pieces(): AsyncGenerator<string, void> {
    const out = new TextExposition();
    for await (const _ of write(out)) {
      const piece = out.take();
      if (piece !== '') yield piece;
    }
    yield out.take();
  }

  return {
    registry: others,
    contentType: Registry.PROMETHEUS_CONTENT_TYPE,
    observer: {
      tested(target, mode, test) {
        if (!counts(target)) return;
        probes.count('tested', test, target, mode);
        probes.observe(test, target, mode);
      },
      earlyDeath(target, mode, idle) {
        if (counts(target)) probes.count('earlyDeath', idle, target, mode);
      },
      changed(target, mode, change) {
        if (counts(target)) probes.count('changed', change, target, mode);
      },
      mappingLoss(target) {
        if (counts(target)) probes.count('mappingLoss', undefined, target);
      },
      stepped(step) {
        state.startedAt = afterStep(state.startedAt, step);
        if (state.loadedAt !== undefined) state.loadedAt = afterStep(state.loadedAt, step);
      },
    },
    reload(ok, at) {
      state.loaded = ok;
      if (!ok) return;
      state.loadedAt = at;
      sync(view.targets());
    },
    targetFiles(problems) {
      state.fileProblems = problems;
    },
    unaccountedDescriptors(count) {
      state.unaccounted = count;
    },
    remoteWrite(read) {
      for (const { name } of REMOTE_WRITE_FAMILIES) others.removeSingleMetric(name);
      if (read !== undefined) registerFamilies(others, REMOTE_WRITE_FAMILIES, read);
    },
    pieces,
    async text() {
      let text = '';
      for await (const piece of pieces()) text += piece;
      return text;
    },
    async series() {
      const out = new SeriesExposition();
      for await (const _ of write(out));
      return out.series;
    },
  };
}

/** Gives everybody else a turn. However long the reader takes then, it is not our stretch. */
async function* turn(out: Exposition): AsyncGenerator<void> {
  await nextTurn();
  yield;
  out.resume();
}
