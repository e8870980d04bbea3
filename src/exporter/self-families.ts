/** Every metric family of the exporter itself as a row; prom-client keeps them and asks each at every scrape. */
import { collectDefaultMetrics, Counter, Gauge, type Registry } from 'prom-client';
import { isSet, systemClock } from '../clock.js';
import { countOpenDescriptors } from '../descriptors.js';
import type { RemoteWriteStats } from '../remote-write/writer.js';
import type { Seconds } from '../units.js';
import type { MetricDescription, Shown } from './families.js';
import type { Labels } from './label-set.js';

/** A family that is read from a state: its one value, or the value of each of its series. */
interface StateFamily<State> extends MetricDescription {
  readonly type: 'gauge' | 'counter';
  readonly read: (state: State) => Shown | readonly (readonly [Shown, Labels])[] | Promise<Shown>;
}

/** Which program this is. */
export interface BuildInfo {
  readonly version: string;
  readonly revision: string;
  /** `process.version` unless given. */
  readonly nodeVersion?: string;
  /** Whether it shows the built-in demonstration because nobody has configured anything. */
  readonly demo?: boolean;
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
  gauge(
    'nat_idle_exporter_build_info',
    'Always 1; the labels tell the version, the revision and the Node version of this exporter.',
    ({ build: { version, revision, nodeVersion: nodeversion = process.version } }) => [
      [1, { version, revision, nodeversion }],
    ],
    ['version', 'revision', 'nodeversion'],
  ),
  gauge(
    'nat_idle_exporter_demo',
    '1 if this is the demonstration of whoever has no configuration yet; else absent.',
    ({ build: { demo } }) => (demo === true ? 1 : undefined),
  ),
  gauge(
    'nat_idle_exporter_config_last_reload_successful',
    '1 if the newest attempt to load the configuration succeeded, 0 if it failed and the one before stays in force.',
    ({ loaded }) => loaded,
  ),
  gauge(
    'nat_idle_exporter_config_last_reload_success_timestamp_seconds',
    'Unix time of the newest successful load of the configuration.',
    ({ loadedAt }) => moment(loadedAt),
  ),
  gauge(
    'nat_idle_exporter_target_file_errors',
    'Problems that the newest reading of a target file found; above 0 the targets that it held before stay in force. Absent without target_files.',
    ({ fileProblems }) => [...fileProblems].map(([file, count]) => [count, { file }]),
    ['file'],
  ),
  gauge(
    'nat_idle_exporter_unaccounted_descriptors',
    'Open file descriptors that no connection, listener or file accounts for, as many at least for the last 5 minutes. Above 0 they leak. Absent where the system does not tell (not Linux).',
    ({ unaccounted }) => unaccounted,
  ),
];

/** Metrics of the process that take the place of prom-client's own, where it has them. */
const PROCESS_FAMILIES: readonly StateFamily<SelfState>[] = [
  // prom-client lists the descriptors, of which there are thousands. Where they cannot be counted (none is left, or it
  // is forbidden) that is no reason to withhold all other metrics.
  gauge('process_open_fds', 'Number of open file descriptors.', () =>
    countOpenDescriptors().catch(() => undefined),
  ),
  // prom-client's stays where the clock was at the start, be it in 1970.
  gauge(
    'process_start_time_seconds',
    'Start time of the process since unix epoch in seconds.',
    ({ startedAt }) => moment(startedAt),
  ),
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

/** Metrics of remote write, there only while it is configured. */
export const REMOTE_WRITE_FAMILIES: readonly StateFamily<RemoteWriteStats>[] = [
  counter(
    'nat_idle_exporter_remote_write_samples_total',
    'Samples that the receiver of remote write has taken, staleness markers not counted.',
    ({ samples }) => samples,
  ),
  counter(
    'nat_idle_exporter_remote_write_samples_dropped_total',
    'Samples that are lost to remote write: queue_full (the oldest went), refused (the receiver will never take them).',
    ({ dropped }) => Object.entries(dropped).map(([reason, count]) => [count, { reason }]),
    ['reason'],
  ),
  gauge(
    'nat_idle_exporter_remote_write_samples_pending',
    'Samples that wait for the receiver of remote write.',
    ({ pending }) => pending,
  ),
  counter(
    'nat_idle_exporter_remote_write_failures_total',
    'Requests of remote write that failed and were kept for another try.',
    ({ failures }) => failures,
  ),
  gauge(
    'nat_idle_exporter_remote_write_last_success_timestamp_seconds',
    'Unix time at which the receiver of remote write last took samples. Absent before the first time.',
    ({ lastSuccess }) => lastSuccess,
  ),
];

/** Registers families with prom-client, each in the place of one of the same name. */
export function registerFamilies<State>(
  registry: Registry,
  families: readonly StateFamily<State>[],
  state: () => State,
): void {
  for (const { name, help, type, labels, read } of families) {
    registry.removeSingleMetric(name);
    const Metric = type === 'counter' ? Counter : Gauge;
    new Metric({
      name,
      help,
      labelNames: [...labels],
      registers: [registry],
      async collect(this: Counter | Gauge) {
        const found = await read(state());
        // From here on in one turn: two scrapes may ask at the same time.
        this.reset();
        // Without labels it is 0 now, which would be a claim.
        if (labels.length === 0) this.remove({});
        for (const [value, of] of typeof found === 'object' ? found : [[found, {}] as const])
          if (value !== undefined) this.inc(of, Number(value));
      },
    });
  }
}

/** Registers the `process_*` and `nodejs_*` metrics as prom-client makes them, but for those that a fleet cannot afford. */
export function registerProcessFamilies(registry: Registry, state: () => SelfState): void {
  collectDefaultMetrics({ register: registry });
  for (const name of LEFT_OUT) registry.removeSingleMetric(name);
  const known = PROCESS_FAMILIES.filter(({ name }) => registry.getSingleMetric(name) !== undefined);
  registerFamilies(registry, known, state);
}

function gauge<State>(
  name: string,
  help: string,
  read: StateFamily<State>['read'],
  labels: readonly string[] = [],
): StateFamily<State> {
  return { name, help, type: 'gauge', labels, read };
}

function counter<State>(...row: Parameters<typeof gauge<State>>): StateFamily<State> {
  return { ...gauge(...row), type: 'counter' };
}

/** A moment, once the wall clock is set: hosts without a battery begin in 1970. */
function moment(at: Seconds | undefined): Seconds | undefined {
  return isSet(systemClock.wall()) ? at : undefined;
}
