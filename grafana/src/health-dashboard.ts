/** "Exporter and responder health": whether the measuring itself is well. */
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
} from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';
import {
  byThresholds,
  datasourceVariable,
  DURATION,
  type Face,
  face,
  GREEN,
  instant,
  labelVariable,
  lastValue,
  type Placed,
  range,
  RED,
  table,
  thresholds,
  words,
} from './kit.js';
import { discovery, lines, responder, SELF } from './health-responder.js';
import { alertList } from './links-and-alerts.js';
import { assemble, type Dashboard } from './assemble.js';

function state(look: Face, w: number, query: ReturnType<typeof instant>, good: string, bad: string): Placed {
  const builder = face(new StatBuilder(), look, [query])
    .reduceOptions(lastValue())
    .graphMode(BigValueGraphMode.None)
    .colorMode(BigValueColorMode.BackgroundSolid)
    .colorScheme(byThresholds())
    .thresholds(thresholds({ value: null, color: RED }, { value: 1, color: GREEN }))
    .mappings(words({ '0': { text: bad, color: RED }, '1': { text: good, color: GREEN } }))
    .textMode(BigValueTextMode.ValueAndName);
  return { builder, w, h: 5 };
}

function glance(): Placed[] {
  const builds = face(
    new TableBuilder(),
    {
      title: 'Versions',
      description: 'Every exporter and responder with its version.',
      unit: 'none',
      empty: 'no exporter',
    },
    [table(`nat_idle_exporter_build_info{${SELF}}`)],
  ).withTransformation({
    id: 'organize',
    options: {
      excludeByName: { Time: true, __name__: true, Value: true },
      indexByName: { instance: 0, version: 1, revision: 2, nodeversion: 3, job: 4 },
    },
  });
  builds.minWidth(80);
  return [
    state(
      {
        title: 'Scrapes',
        description: 'Whether Prometheus reaches exporters and responders.',
        unit: 'none',
        empty: 'never scraped',
      },
      7,
      instant(`up{${SELF}}`, '{{job}} {{instance}}'),
      'up',
      'down',
    ),
    state(
      {
        title: 'Configuration',
        description: 'Whether the newest reload succeeded; else the configuration before it is in force.',
        unit: 'none',
        empty: 'no exporter',
      },
      4,
      instant(`nat_idle_exporter_config_last_reload_successful{${SELF}}`, '{{instance}}'),
      'loaded',
      'refused',
    ),
    { builder: builds, w: 13, h: 5 },
  ];
}

function targets(): Placed[] {
  const builder = face(
    new StatBuilder(),
    {
      title: 'Far ends',
      description:
        'Whether the responder of each target answers its exporter now; those that do not come first.',
      unit: 'none',
      empty: 'no target has been tried yet',
    },
    [instant(`sort(nat_target_up{${SELF}})`, '{{target}}')],
  )
    .reduceOptions(lastValue())
    .graphMode(BigValueGraphMode.None)
    .colorMode(BigValueColorMode.Value)
    .colorScheme(byThresholds())
    .thresholds(thresholds({ value: null, color: RED }, { value: 1, color: GREEN }))
    .mappings(words({ '0': { text: 'down', color: RED }, '1': { text: 'up', color: GREEN } }))
    .textMode(BigValueTextMode.ValueAndName);
  return [
    alertList(6, 8),
    { builder, w: 6, h: 8 },
    lines(
      {
        title: 'Share of inconclusive tests',
        description:
          'Tests that say nothing about the timeout among all tests. A high share means that the path or the host disturbs the measurement.',
        unit: 'percentunit',
        empty: 'no test has finished in this range',
      },
      6,
      [
        range(
          `(sum by (instance, target) (rate(nat_probe_verdicts_total{${SELF}, verdict="inconclusive"}[$__rate_interval])) or 0 * sum by (instance, target) (rate(nat_probe_verdicts_total{${SELF}}[$__rate_interval]))) / (sum by (instance, target) (rate(nat_probe_verdicts_total{${SELF}}[$__rate_interval])) > 0)`,
          '{{target}}',
        ),
      ],
    ),
    lines(
      {
        title: 'Age of the findings',
        description: `How long ago each finding was last confirmed; stale beyond ${SHIPPED_THRESHOLDS.staleAfter / 3600} h and ${SHIPPED_THRESHOLDS.staleTimeouts} timeouts.`,
        unit: DURATION,
        empty: 'no finding yet',
      },
      6,
      [
        range(
          `time() - max by (instance, target) (nat_idle_timeout_last_confirmed_timestamp_seconds{${SELF}})`,
          '{{target}}',
        ),
      ],
    ),
  ];
}

function processes(): Placed[] {
  return [
    lines(
      {
        title: 'CPU',
        description: 'Processor time of exporters and responders: 100 % is one core.',
        unit: 'percentunit',
        empty: 'not scraped',
      },
      8,
      [range(`rate(process_cpu_seconds_total{${SELF}}[$__rate_interval])`, '{{job}} {{instance}}')],
    ),
    lines(
      {
        title: 'Memory',
        description: 'Resident memory of exporters and responders.',
        unit: 'bytes',
        empty: 'not scraped',
      },
      8,
      [range(`process_resident_memory_bytes{${SELF}}`, '{{job}} {{instance}}')],
    ),
    lines(
      {
        title: 'Event loop lag (99th percentile)',
        description:
          'How late the process gets to its work. Tests that are fired later than the guard allows are thrown away as "late".',
        unit: 's',
        empty: 'not scraped',
      },
      8,
      [range(`nodejs_eventloop_lag_p99_seconds{${SELF}}`, '{{job}} {{instance}}')],
    ),
    lines(
      {
        title: 'Open file descriptors',
        description:
          'Every idle connection needs one; when they run out new connections fail. Those that nothing accounts for leak.',
        unit: 'short',
        empty: 'not scraped',
      },
      8,
      [
        range(`process_open_fds{${SELF}}`, '{{job}} {{instance}}'),
        range(
          `nat_idle_exporter_unaccounted_descriptors{${SELF}} or nat_responder_unaccounted_descriptors{${SELF}}`,
          'unaccounted for at {{job}} {{instance}}',
        ),
      ],
    ),
    lines(
      {
        title: 'Scrape duration',
        description: 'How long Prometheus waits for the metrics.',
        unit: 's',
        empty: 'not scraped',
      },
      8,
      [range(`scrape_duration_seconds{${SELF}}`, '{{job}} {{instance}}')],
    ),
    lines(
      {
        title: 'Series per scrape',
        description: 'How many series each process exposes.',
        unit: 'short',
        empty: 'not scraped',
      },
      8,
      [range(`scrape_samples_scraped{${SELF}}`, '{{job}} {{instance}}')],
    ),
  ];
}

export function healthDashboard(): Dashboard {
  return assemble({
    uid: 'nat-idle-health',
    title: 'NAT idle timeout: exporter and responder health',
    description: 'Whether exporters and responders run well enough to believe their numbers.',
    from: 'now-24h',
    variables: [
      datasourceVariable(),
      labelVariable(
        'job',
        'Job',
        'label_values({__name__=~"nat_idle_exporter_build_info|nat_responder_connections"}, job)',
        'Scrape jobs of exporters and responders.',
        'listed',
      ),
      labelVariable(
        'instance',
        'Instance',
        'label_values({__name__=~"nat_idle_exporter_build_info|nat_responder_connections", job=~"$job"}, instance)',
        'Exporters and responders.',
        'listed',
      ),
    ],
    sections: [
      { title: 'At a glance', panels: glance() },
      { title: 'Measuring', panels: targets() },
      { title: 'Processes', panels: processes() },
      { title: 'Responder', panels: responder() },
      { title: 'Discovery', collapsed: true, panels: discovery() },
    ],
  });
}
