/** "Exporter and responder health": what the responders have to do with it. */
import { BigValueColorMode } from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { allSeriesTooltip, type Face, face, instant, legend, type Placed, range, stat } from './kit.js';

export const SELF = 'job=~"$job", instance=~"$instance"';

/** A chart of lines with a legend that has their last and highest values. */
export function lines(look: Face, w: number, queries: ReturnType<typeof range>[]): Placed {
  const builder = face(new TimeSeriesBuilder(), look, queries)
    .min(0)
    .legend(legend('lastNotNull', 'max'))
    .tooltip(allSeriesTooltip());
  return { builder, w, h: 8 };
}

export function responder(): Placed[] {
  const total = stat(
    {
      title: 'Connections now',
      description: 'Open connections of all responders.',
      unit: 'short',
      empty: 'no responder is scraped',
    },
    [instant(`sum by (instance) (nat_responder_connections{${SELF}})`, '{{instance}}')],
  ).colorMode(BigValueColorMode.None);
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
export function discovery(): Placed[] {
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
