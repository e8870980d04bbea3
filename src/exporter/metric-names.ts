/** Every metric name of the exporter with its HELP text and label names: the only place where they stand. */

/** Metrics of the probes; each carries the labels named here plus the targets' own. */
export const METRICS = {
  timeout: {
    name: 'nat_idle_timeout_seconds',
    help: 'Best estimate of the established connection idle-timeout on the path to the target: the middle of the closed bracket, or the lower bound while nothing died. Absent until there is a finding. Cached between probe rounds.',
    labels: ['target', 'mode'],
  },
  lowerBound: {
    name: 'nat_idle_timeout_lower_bound_seconds',
    help: 'Longest idle time that a connection survived; grows while the search climbs. Absent until one survived. Cached between probe rounds.',
    labels: ['target', 'mode'],
  },
  upperBound: {
    name: 'nat_idle_timeout_upper_bound_seconds',
    help: 'Shortest idle time that a connection did not survive, +Inf while none died. Absent until there was a verdict. Cached between probe rounds.',
    labels: ['target', 'mode'],
  },
  compliant: {
    name: 'rfc5382_req5_compliant',
    help: 'RFC 5382 REQ-5 (idle-timeout not less than 2 h 4 min): 1 proven to hold, 0 proven not to hold. Absent while unknown. Cached between probe rounds.',
    labels: ['target', 'mode'],
  },
  confirmed: {
    name: 'nat_idle_timeout_last_confirmed_timestamp_seconds',
    help: 'Unix time of the newest evidence that agreed with the published value; the values of this mode are cached since then.',
    labels: ['target', 'mode'],
  },
  verdicts: {
    name: 'nat_probe_verdicts_total',
    help: 'Finished tests of idle connections by verdict (alive, dead, inconclusive) and its reason.',
    labels: ['target', 'mode', 'verdict', 'reason'],
  },
  idle: {
    name: 'nat_probe_idle_seconds',
    help: 'Idle time of the connections when they were tested, by verdict. Without the target label when there are more than 200 targets.',
    labels: ['target', 'mode', 'verdict'],
  },
  connections: {
    name: 'nat_probe_connections',
    help: 'Open idle connections that wait for their test or are being tested.',
    labels: ['target', 'mode'],
  },
  phase: {
    name: 'nat_search_phase',
    help: '1 for the phase that the search is in, 0 for the others: climb (nothing died yet), refine (the bracket is being closed), track (the finding is kept fresh).',
    labels: ['target', 'mode', 'phase'],
  },
  suspect: {
    name: 'nat_search_suspect',
    help: '1 while deaths below the published bound await confirmation, else 0.',
    labels: ['target', 'mode'],
  },
  earlyDeaths: {
    name: 'nat_probe_early_deaths_total',
    help: 'Connections that died after an idle time below the published lower bound: one bad node of several, a full table.',
    labels: ['target', 'mode'],
  },
  changes: {
    name: 'nat_idle_timeout_changes_total',
    help: 'Confirmed changes of the published idle-timeout by direction (drop, rise).',
    labels: ['target', 'mode', 'direction'],
  },
  conntrack: {
    name: 'nat_host_conntrack_timeout_seconds',
    help: 'Established timeout of the connection tracking on a host itself: end="local" this one, end="responder" the far end. Absent where there is none. Cached between probe rounds.',
    labels: ['target', 'end'],
  },
  up: {
    name: 'nat_target_up',
    help: '1 if the far end answers now, 0 if not. Absent before the first try ended.',
    labels: ['target'],
  },
  mappingLosses: {
    name: 'nat_mapping_losses_total',
    help: 'Times that all mappings of the path vanished at once: a reboot, a changed address. They move no bound.',
    labels: ['target'],
  },
  detected: {
    name: 'nat_detected',
    help: '1 if the far end sees another address than the local one, 0 if the same. Absent while unknown. Cached between probe rounds.',
    labels: ['target'],
  },
  announced: {
    name: 'nat_target_announced',
    help: '1 if the far end took the newest announcement of this exporter, 0 if it refused it or takes none. Absent without announce, before an answer, and while the far end is down.',
    labels: ['target'],
  },
  condition: {
    name: 'nat_path_condition',
    help: '1 while something was found about the path beside its timeout: keepalives_eaten (TCP keepalives get no answer although data does; the verdict leaves that mode out). Absent while not found. Cached between probe rounds.',
    labels: ['target', 'condition'],
  },
  recommended: {
    name: 'nat_keepalive_recommended_seconds',
    help: 'Recommended interval of keepalives: half of the smallest lower bound over the modes, at most 3600. Absent until every configured mode has a finding. Cached between probe rounds.',
    labels: ['target'],
  },
} as const satisfies Record<string, MetricDescription>;

/** Metrics of the exporter itself. */
export const SELF_METRICS = {
  buildInfo: {
    name: 'nat_idle_exporter_build_info',
    help: 'Always 1; the labels tell the version, the revision and the Node version of this exporter.',
    labels: ['version', 'revision', 'nodeversion'],
  },
  reloadSuccessful: {
    name: 'nat_idle_exporter_config_last_reload_successful',
    help: '1 if the newest attempt to load the configuration succeeded, 0 if it failed and the one before stays in force.',
    labels: [],
  },
  reloadTimestamp: {
    name: 'nat_idle_exporter_config_last_reload_success_timestamp_seconds',
    help: 'Unix time of the newest successful load of the configuration.',
    labels: [],
  },
  targetFileErrors: {
    name: 'nat_idle_exporter_target_file_errors',
    help: 'Problems that the newest reading of a target file found; above 0 the targets that it held before stay in force. Absent without target_files.',
    labels: ['file'],
  },
  unaccountedDescriptors: {
    name: 'nat_idle_exporter_unaccounted_descriptors',
    help: 'Open file descriptors that no connection, listener or file accounts for, as many at least for the last 5 minutes. Above 0 they leak. Absent where the system does not tell (not Linux).',
    labels: [],
  },
} as const satisfies Record<string, MetricDescription>;

/** Metrics of remote write, there only while it is configured. */
export const REMOTE_WRITE_METRICS = {
  samples: {
    name: 'nat_idle_exporter_remote_write_samples_total',
    help: 'Samples that the receiver of remote write has taken, staleness markers not counted.',
    labels: [],
  },
  dropped: {
    name: 'nat_idle_exporter_remote_write_samples_dropped_total',
    help: 'Samples that are lost to remote write: queue_full (the oldest went), refused (the receiver will never take them).',
    labels: ['reason'],
  },
  pending: {
    name: 'nat_idle_exporter_remote_write_samples_pending',
    help: 'Samples that wait for the receiver of remote write.',
    labels: [],
  },
  failures: {
    name: 'nat_idle_exporter_remote_write_failures_total',
    help: 'Requests of remote write that failed and were kept for another try.',
    labels: [],
  },
  lastSuccess: {
    name: 'nat_idle_exporter_remote_write_last_success_timestamp_seconds',
    help: 'Unix time at which the receiver of remote write last took samples. Absent before the first time.',
    labels: [],
  },
} as const satisfies Record<string, MetricDescription>;

/** Buckets of `nat_probe_idle_seconds`, seconds: the idle times at which known devices forget. */
export const IDLE_BUCKETS = [
  15, 30, 60, 120, 240, 350, 600, 900, 1800, 3600, 7200, 7440, 14400, 86400,
] as const;

/** With more targets than this the histogram has no `target` label. */
export const HISTOGRAM_TARGET_LIMIT = 200;

export interface MetricDescription {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}
