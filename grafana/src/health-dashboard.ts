/** "Exporter and responder health": whether the measuring itself is well. */
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
} from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';
import {
  allSeriesTooltip,
  assemble,
  byThresholds,
  type Dashboard,
  datasourceVariable,
  DURATION,
  type Face,
  face,
  GREEN,
  GREY,
  instant,
  labelVariable,
  lastValue,
  legend,
  type Placed,
  range,
  RED,
  table,
  thresholds,
  words,
} from './kit.js';

const SELF = 'job=~"$job", instance=~"$instance"';
function lines(look: Face, w: number, queries: ReturnType<typeof range>[]): Placed {
  const builder = face(new TimeSeriesBuilder(), look, queries)
    .min(0)
    .legend(legend('lastNotNull', 'max'))
    .tooltip(allSeriesTooltip());
  return { builder, w, h: 8 };
}

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
  builds.minWidth(100);
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
      7,
      instant(`nat_idle_exporter_config_last_reload_successful{${SELF}}`, '{{instance}}'),
      'loaded',
      'refused',
    ),
    { builder: builds, w: 10, h: 5 },
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
    { builder, w: 8, h: 8 },
    lines(
      {
        title: 'Share of inconclusive tests',
        description:
          'Tests that say nothing about the timeout among all tests. A high share means that the path or the host disturbs the measurement.',
        unit: 'percentunit',
        empty: 'no test has finished in this range',
      },
      8,
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
      8,
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
        description: 'Processor time of exporters and responders, in cores.',
        unit: 'short',
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

function responder(): Placed[] {
  const total = face(
    new StatBuilder(),
    {
      title: 'Connections now',
      description: 'Open connections of all responders.',
      unit: 'short',
      empty: 'no responder is scraped',
    },
    [instant(`sum by (instance) (nat_responder_connections{${SELF}})`, '{{instance}}')],
  )
    .reduceOptions(lastValue())
    .colorMode(BigValueColorMode.None)
    .graphMode(BigValueGraphMode.None)
    .thresholds(thresholds({ value: null, color: GREY }));
  return [
    { builder: total, w: 4, h: 8 },
    lines(
      {
        title: 'Open connections by kind',
        description: 'Control connections carry heartbeats, probe connections wait in silence.',
        unit: 'short',
        empty: 'no responder is scraped',
      },
      7,
      [range(`sum by (kind) (nat_responder_connections{${SELF}})`, '{{kind}}')],
    ),
    lines(
      {
        title: 'New connections',
        description: 'Connections opened per minute, by kind.',
        unit: 'cpm',
        empty: 'no responder is scraped',
      },
      6,
      [
        range(
          `60 * sum by (kind) (rate(nat_responder_connections_total{${SELF}}[$__rate_interval]))`,
          '{{kind}}',
        ),
      ],
    ),
    lines(
      {
        title: 'Turned away',
        description:
          'Connections and requests that a responder refused per minute, by reason. Scanners show up as syntax, binary, oversized and timeout.',
        unit: 'cpm',
        empty: 'nothing was turned away',
      },
      7,
      [
        range(
          `60 * sum by (reason) (rate(nat_responder_rejected_total{${SELF}}[$__rate_interval])) > 0`,
          '{{reason}}',
        ),
      ],
    ),
  ];
}

/** Service discovery is opt-in on both ends: an empty panel is no fault. */
function discovery(): Placed[] {
  return [
    lines(
      {
        title: 'Exporters that responders list',
        description:
          'Exporters that announced themselves recently and are served to Prometheus at /api/v1/http_sd.',
        unit: 'short',
        empty: 'no responder lists exporters',
      },
      12,
      [range(`nat_responder_announced_exporters{${SELF}}`, '{{instance}}')],
    ),
    lines(
      {
        title: 'Announced',
        description:
          '1 while the far end of a target takes the announcements of its exporter, 0 while it does not.',
        unit: 'short',
        empty: 'no exporter announces itself',
      },
      12,
      [range(`min by (instance, target) (nat_target_announced{${SELF}})`, '{{target}}')],
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
      { title: 'Discovery', panels: discovery() },
    ],
  });
}
