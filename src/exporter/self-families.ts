/** Every metric family of the exporter itself as a row; prom-client keeps them and asks each at every scrape. */
import { collectDefaultMetrics, Counter, Gauge, type Registry } from 'prom-client';
import { isSet, systemClock } from '../clock.js';
import { countOpenDescriptors } from '../descriptors.js';
import type { RemoteWriteStats } from '../remote-write/writer.js';
import type { Seconds } from '../units.js';
import type { MetricDescription, Shown } from './families.js';
import type { Labels } from './labels.js';

/** Shows a value; a family without labels has at most one. */
type ShowOwn = (value: Shown, labels?: Labels) => void;

/** A family that is read from a state. */
export interface StateFamily<State> extends MetricDescription {
  readonly type: 'gauge' | 'counter';
  readonly read: (state: State, show: ShowOwn) => void | Promise<void>;
}

/** Which program this is. */
export interface BuildInfo {
  readonly version: string;
  readonly revision: string;
  /** `process.version` unless given. */
  readonly nodeVersion?: string;
}

/** What the exporter knows of itself. Moments are Unix time and move along when the wall clock is set. */
export interface SelfState {
  readonly build: BuildInfo;
  startedAt: Seconds;
  /** How the newest attempt to load the configuration went, and when one last went well. */
  loaded?: boolean;
  loadedAt?: Seconds;
  /** The number of problems of each target file. */
  fileProblems: ReadonlyMap<string, number>;
  /** See `DescriptorWatch`. */
  unaccounted?: number;
}

export const SELF_FAMILIES: readonly StateFamily<SelfState>[] = [
  {
    name: 'nat_idle_exporter_build_info',
    help: 'Always 1; the labels tell the version, the revision and the Node version of this exporter.',
    type: 'gauge',
    labels: ['version', 'revision', 'nodeversion'],
    read: ({ build: { version, revision, nodeVersion: nodeversion = process.version } }, show) =>
      show(1, { version, revision, nodeversion }),
  },
  {
    name: 'nat_idle_exporter_config_last_reload_successful',
    help: '1 if the newest attempt to load the configuration succeeded, 0 if it failed and the one before stays in force.',
    type: 'gauge',
    labels: [],
    read: ({ loaded }, show) => show(loaded),
  },
  {
    name: 'nat_idle_exporter_config_last_reload_success_timestamp_seconds',
    help: 'Unix time of the newest successful load of the configuration.',
    type: 'gauge',
    labels: [],
    read: ({ loadedAt }, show) => show(moment(loadedAt)),
  },
  {
    name: 'nat_idle_exporter_target_file_errors',
    help: 'Problems that the newest reading of a target file found; above 0 the targets that it held before stay in force. Absent without target_files.',
    type: 'gauge',
    labels: ['file'],
    read: ({ fileProblems }, show) => {
      for (const [file, count] of fileProblems) show(count, { file });
    },
  },
  {
    name: 'nat_idle_exporter_unaccounted_descriptors',
    help: 'Open file descriptors that no connection, listener or file accounts for, as many at least for the last 5 minutes. Above 0 they leak. Absent where the system does not tell (not Linux).',
    type: 'gauge',
    labels: [],
    read: ({ unaccounted }, show) => show(unaccounted),
  },
];

/**
 * Metrics of prom-client that are left out. Those in `_total` are gauges, which promtool's lint refuses; the others list
 * everything that is open, which blocks for 50 ms and more where that is 15 000 connections.
 */
const LEFT_OUT = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
  'nodejs_active_handles',
  'nodejs_active_resources',
] as const;

/** Metrics of the process that take the place of prom-client's own. */
const PROCESS_FAMILIES: readonly StateFamily<SelfState>[] = [
  {
    name: 'process_open_fds',
    help: 'Number of open file descriptors.',
    type: 'gauge',
    labels: [],
    // prom-client lists the descriptors, which takes long where there are many. Where they cannot be counted (there is
    // none left, or it is forbidden) that is no reason to withhold all other metrics.
    read: async (_, show) => show(await countOpenDescriptors().catch(() => undefined)),
  },
  {
    name: 'process_start_time_seconds',
    help: 'Start time of the process since unix epoch in seconds.',
    type: 'gauge',
    labels: [],
    // prom-client's stays where the clock was at the start, be it in 1970.
    read: ({ startedAt }, show) => show(moment(startedAt)),
  },
];

/** Metrics of remote write, there only while it is configured. */
export const REMOTE_WRITE_FAMILIES: readonly StateFamily<RemoteWriteStats>[] = [
  {
    name: 'nat_idle_exporter_remote_write_samples_total',
    help: 'Samples that the receiver of remote write has taken, staleness markers not counted.',
    type: 'counter',
    labels: [],
    read: ({ samples }, show) => show(samples),
  },
  {
    name: 'nat_idle_exporter_remote_write_samples_dropped_total',
    help: 'Samples that are lost to remote write: queue_full (the oldest went), refused (the receiver will never take them).',
    type: 'counter',
    labels: ['reason'],
    read: ({ dropped }, show) => {
      for (const [reason, count] of Object.entries(dropped)) show(count, { reason });
    },
  },
  {
    name: 'nat_idle_exporter_remote_write_samples_pending',
    help: 'Samples that wait for the receiver of remote write.',
    type: 'gauge',
    labels: [],
    read: ({ pending }, show) => show(pending),
  },
  {
    name: 'nat_idle_exporter_remote_write_failures_total',
    help: 'Requests of remote write that failed and were kept for another try.',
    type: 'counter',
    labels: [],
    read: ({ failures }, show) => show(failures),
  },
  {
    name: 'nat_idle_exporter_remote_write_last_success_timestamp_seconds',
    help: 'Unix time at which the receiver of remote write last took samples. Absent before the first time.',
    type: 'gauge',
    labels: [],
    read: ({ lastSuccess }, show) => show(lastSuccess),
  },
];

/** Registers families with prom-client, each in the place of one of the same name. */
export function registerFamilies<State>(
  registry: Registry,
  families: readonly StateFamily<State>[],
  state: () => State,
): void {
  for (const { name, help, type, labels, read } of families) {
    registry.removeSingleMetric(name);
    const configuration = { name, help, labelNames: [...labels], registers: [registry] };
    const values = async (): Promise<(readonly [Labels, number])[]> => {
      const found: (readonly [Labels, number])[] = [];
      await read(state(), (value, of = {}) => {
        if (value !== undefined) found.push([of, Number(value)]);
      });
      return found;
    };
    // From the reset on in one turn: two scrapes may ask at the same time.
    if (type === 'counter')
      new Counter({
        ...configuration,
        async collect() {
          const now = await values();
          this.reset();
          for (const [of, value] of now) this.inc(of, value);
        },
      });
    else
      new Gauge({
        ...configuration,
        async collect() {
          const now = await values();
          this.reset();
          // Without labels it is 0 now, which would be a claim.
          if (labels.length === 0) this.remove({});
          for (const [of, value] of now) this.set(of, value);
        },
      });
  }
}

/** Registers the `process_*` and `nodejs_*` metrics as prom-client makes them, but for those that a fleet cannot afford. */
export function registerProcessFamilies(registry: Registry, state: () => SelfState): void {
  collectDefaultMetrics({ register: registry });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
  // prom-client counts descriptors on Linux only.
  const known = PROCESS_FAMILIES.filter(({ name }) => registry.getSingleMetric(name) !== undefined);
  registerFamilies(registry, known, state);
}

/** A moment, once the wall clock is set: hosts without a battery begin in 1970. */
function moment(at: Seconds | undefined): Seconds | undefined {
  return isSet(systemClock.wall()) ? at : undefined;
}
