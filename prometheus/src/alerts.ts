/** Every alert, once: Prometheus' and Grafana's alert rules are both rendered from this list. */
import { PROOF_KINDS } from '../../src/core/diagnosis/proof.js';
import { NOT_EMBEDDED, shortTimeouts } from './expressions.js';
import { locatedWords } from './located.js';
import { promDuration, type Thresholds } from './thresholds.js';
import type { Seconds } from '../../src/units.js';
import type { RunbookSite } from './runbook.js';

export type Severity = 'critical' | 'warning' | 'info';

/**
 * One alert. It fires for every series that `expr` returns; values are never negative. `summary` and
 * `description` are templates in the syntax that Prometheus and Grafana share, with `<VALUE>` for the value of
 * the expression.
 */
export interface Alert {
  readonly name: string;
  readonly severity: Severity;
  readonly expr: string;
  readonly for: Seconds;
  readonly summary: string;
  readonly description: string;
  /** What follows the description where the templates can ask for other series: in Prometheus. */
  readonly findings?: string;
  /** What to do first, in three steps, where the runbook may be gone with what the alert is about. */
  readonly steps?: readonly [string, string, string];
  /** Whose copy of the runbook it links to; that of the instance that it is about unless said otherwise. */
  readonly runbookSite?: RunbookSite;
}

/** The value of an alert as "1h 0m 0s". */
const DURATION = '{{ <VALUE> | humanizeDuration }}';
/** The same where it may be infinite: of a path that dropped and rose within a day no timeout is known. */
const FORGOTTEN = `{{ if lt <VALUE> 1e9 }}after ${DURATION}{{ else }}early at times (unstable){{ end }}`;
/** How a reader knows the path: the target's name at the exporter that measures it. */
const PATH = '{{ $labels.target }} (seen from {{ $labels.instance }})';

/** A duration in words that need no unit symbol: `2 h 4 min`. */
export function inWords(duration: Seconds): string {
  const hours = Math.floor(duration / 3600);
  const minutes = Math.floor((duration % 3600) / 60);
  const seconds = duration % 60;
  return [[hours, 'h'] as const, [minutes, 'min'] as const, [seconds, 's'] as const]
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ');
}

/** The alerts for these thresholds. */
export function alerts(t: Thresholds): readonly Alert[] {
  const required = inWords(t.requiredIdleTimeout);
  const timeout = `nat_idle_timeout_seconds{${NOT_EMBEDDED}}`;
  const confirmed = `nat_idle_timeout_last_confirmed_timestamp_seconds{${NOT_EMBEDDED}}`;
  const verified = `nat_keepalive_verified{${NOT_EMBEDDED}}`;
  const staleAge = `${t.staleAfter} + ${t.staleTimeouts} * ${timeout}`;
  const rejected =
    'nat_responder_rejected_total{reason=~"auth|version|limit_client|limit_total|limit_legacy|accept|duplicate_probe"}';
  // Only an exporter has a configuration to load; the build info is the responder's, too.
  const gone = [
    'up == 0',
    'and on (job, instance)',
    `last_over_time(nat_idle_exporter_config_last_reload_successful[${promDuration(t.exporterRemembered)}])`,
  ].join('\n');
  return [
    {
      name: 'NatIdleTimeoutBelowRfc5382',
      severity: 'critical',
      expr: [
        'min without (mode) (',
        ...shortTimeouts(NOT_EMBEDDED, t.requiredIdleTimeout, t.findingHeld)
          .split('\n')
          .map((line) => `  ${line}`),
        ')',
      ].join('\n'),
      for: t.belowFor,
      summary: `{{ $labels.target }}: idle connections are forgotten ${FORGOTTEN}`,
      description: `A NAT or firewall on the path to ${PATH} forgets an idle TCP connection ${FORGOTTEN}; RFC 5382 REQ-5 wants at least ${required}. Idle SSH sessions, IMAP and push connections break. Set keepalives below half of that value, then find the box.`,
      findings: locatedWords(),
    },
    {
      name: 'NatIdleTimeoutDropped',
      severity: 'warning',
      expr: [
        'min without (mode) (',
        `  ${timeout}`,
        `    < ${t.dropRatio} * quantile_over_time(0.5, ${timeout}[${promDuration(t.dropWindow)}])`,
        '  and',
        `  nat_idle_timeout_upper_bound_seconds{${NOT_EMBEDDED}} < +Inf`,
        ')',
      ].join('\n'),
      for: t.dropFor,
      summary: `{{ $labels.target }}: idle timeout dropped to ${DURATION}`,
      description: `On the path to ${PATH} idle TCP connections are now forgotten after ${DURATION}: less than ${Math.round(t.dropRatio * 100)} % of the median of the last ${inDays(t.dropWindow)}. Something on the path was replaced, updated or reconfigured.`,
    },
    {
      name: 'NatIdleModesDisagree',
      severity: 'info',
      expr: [
        `min without (mode) (nat_idle_timeout_upper_bound_seconds{${NOT_EMBEDDED}})`,
        `  < ${t.disagreeRatio} * max without (mode) (nat_idle_timeout_lower_bound_seconds{${NOT_EMBEDDED}})`,
      ].join('\n'),
      for: t.disagreeFor,
      summary: `{{ $labels.target }}: the modes disagree, the worst fails after ${DURATION}`,
      description: `On the path to ${PATH} one way of breaking the silence fails after ${DURATION} of idleness while another still works well beyond. A packet from inside revives the mapping, keepalives are eaten, or a host's own firewall forgets first. The status page of the exporter says which of these fits.`,
    },
    {
      name: 'NatIdlePathCondition',
      severity: 'info',
      expr: `nat_path_condition{${NOT_EMBEDDED}, condition!="keepalives_eaten"} == 1`,
      for: t.conditionFor,
      summary: '{{ $labels.target }}: {{ $labels.condition }}',
      description: `On the path to ${PATH} something was found that changes what its idle timeout means: {{ $labels.condition }}. The status page of the exporter says it with figures, the runbook what to do about each.`,
    },
    {
      name: 'NatIdleKeepalivesFail',
      severity: 'warning',
      expr: [
        `max without (kind) (${verified}) == 0`,
        'and',
        `count without (kind) (${verified}) == ${PROOF_KINDS.length}`,
      ].join('\n'),
      for: t.conditionFor,
      summary: '{{ $labels.target }}: neither keepalives nor data keep a connection alive',
      description: `On the path to ${PATH} a connection dies although TCP keepalives or data pass at the recommended interval, which is well below its idle timeout: tried with each of them, twice. Idle connections break whatever is set.`,
    },
    {
      name: 'NatIdleMappingLosses',
      severity: 'warning',
      expr: `increase(nat_mapping_losses_total{${NOT_EMBEDDED}}[${promDuration(t.mappingLossWindow)}]) > ${t.mappingLosses}`,
      for: 0,
      summary: '{{ $labels.target }}: the NAT lost all its mappings {{ <VALUE> | humanize }} times in a day',
      description: `All connections to ${PATH} vanished at once {{ <VALUE> | humanize }} times within ${inDays(t.mappingLossWindow)}: a box reboots, the line reconnects or the public address changes. Every open connection breaks each time, keepalives or not.`,
    },
    {
      name: 'NatIdleProbeStale',
      severity: 'warning',
      expr: [
        'max without (mode) (',
        `  time() - ${confirmed} > ${staleAge}`,
        ')',
        'and on (job, instance)',
        `time() - process_start_time_seconds > ${t.staleAfter}`,
        'unless on (job, instance, target)',
        'nat_target_up == 0',
      ].join('\n'),
      for: t.staleFor,
      summary: `{{ $labels.target }}: no evidence for ${DURATION}`,
      description: `The idle timeout shown for ${PATH} was last confirmed ${DURATION} ago although the far end answers. The number may be outdated: look at the inconclusive verdicts and their reasons.`,
    },
    {
      name: 'NatIdleTargetDown',
      severity: 'warning',
      expr: `nat_target_up{${NOT_EMBEDDED}} == 0`,
      for: t.targetDownFor,
      summary: '{{ $labels.target }}: the responder does not answer',
      description: `The far end of ${PATH} has not answered for at least ${inWords(t.targetDownFor)}. Nothing is measured on this path meanwhile; the last finding stays on display.`,
      steps: [
        'The status page of the exporter says why (refused, no route, name not found, token).',
        'On the far end: does the responder run (systemctl status nat-idle-responder, or its container), is its port (5382/tcp) open in every firewall?',
        'Do other things on the same line fail, too? Then it is the line. If not, compare the token files of both ends.',
      ],
    },
    {
      name: 'NatIdleExporterAbsent',
      severity: 'warning',
      expr: [
        gone,
        'or',
        '(absent(nat_idle_exporter_config_last_reload_successful) unless on ()',
        '(',
        gone,
        '))',
      ].join('\n'),
      for: t.exporterAbsentFor,
      summary: 'nat-idle-exporter{{ with $labels.instance }} on {{ . }}{{ end }} is gone',
      description: `Prometheus has had no metrics from nat-idle-exporter{{ with $labels.instance }} on {{ . }}{{ end }} for at least ${inWords(t.exporterAbsentFor)}: nobody watches the idle timeouts.`,
      steps: [
        'The page "Targets" of Prometheus shows why the scrape fails (refused, timeout, TLS, password).',
        "On the exporter's host: does it run (systemctl status nat-idle-exporter, or its container)? Exit code 2 is a mistake in its configuration, which the log names.",
        'If it was removed on purpose, remove its scrape job, too.',
      ],
      runbookSite: 'any',
    },
    {
      name: 'NatIdleResponderRejecting',
      severity: 'warning',
      expr: `sum without (reason) (increase(${rejected}[${promDuration(t.rejectingWindow)}])) > ${t.rejections}`,
      for: t.rejectingFor,
      summary: 'Responder {{ $labels.instance }} turns clients away',
      description: `The responder on {{ $labels.instance }} turned {{ <VALUE> | humanize }} connections away within ${inWords(t.rejectingWindow)}: a wrong token, another version, or a limit that is too low for its clients. Scanners' garbage is not counted.`,
    },
    {
      name: 'NatIdleConfigReloadFailed',
      severity: 'warning',
      expr: 'nat_idle_exporter_config_last_reload_successful == 0',
      for: t.reloadFailedFor,
      summary: 'nat-idle-exporter on {{ $labels.instance }} runs with its old configuration',
      description:
        'The newest configuration of nat-idle-exporter on {{ $labels.instance }} was refused and the one before is still in force. The log names every mistake; --config.check shows them too.',
    },
    {
      name: 'NatIdleDescriptorsLeaking',
      severity: 'warning',
      expr: [
        `nat_idle_exporter_unaccounted_descriptors > ${t.unaccountedDescriptors}`,
        'or',
        `nat_responder_unaccounted_descriptors > ${t.unaccountedDescriptors}`,
      ].join('\n'),
      for: t.leakingFor,
      summary:
        'nat-idle-exporter on {{ $labels.instance }} leaks file descriptors: {{ <VALUE> | humanize }} so far',
      description:
        'The program on {{ $labels.instance }} has {{ <VALUE> | humanize }} file descriptors open that none of its connections, listeners and files accounts for. When they run out it opens and accepts no connection any more: restart it before that, and report it.',
    },
  ];
}

function inDays(duration: Seconds): string {
  const days = duration / 86400;
  if (!Number.isInteger(days)) return inWords(duration);
  return days === 1 ? 'a day' : `${days} days`;
}

/** What an alert says, with its steps. */
export function descriptionOf({ description, steps }: Alert): string {
  return [description, ...(steps ?? []).map((step, index) => `${index + 1}. ${step}`)].join(' ');
}

/** The anchor of an alert's heading in the runbook. */
export function runbookAnchor(name: string): string {
  return name.toLowerCase();
}
