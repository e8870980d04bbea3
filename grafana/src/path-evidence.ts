/** The dashboard of one path: the tests behind the finding. */
import { GraphDrawStyle, StackingConfigBuilder, StackingMode } from '@grafana/grafana-foundation-sdk/common';
import {
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  HeatmapColorScale,
  PanelBuilder as HeatmapBuilder,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import {
  allSeriesTooltip,
  buckets,
  DURATION,
  face,
  fixedColor,
  GREEN,
  legend,
  type Placed,
  range,
  RED,
} from './kit.js';
import { MODES, PATH } from './path-selectors.js';

function heat(verdict: 'alive' | 'dead', title: string, description: string, color: string): Placed {
  const builder = face(
    new HeatmapBuilder(),
    { title, description, unit: 'short', empty: `No ${verdict} verdict in this range` },
    [
      buckets(
        `sum by (le) (increase(nat_probe_idle_seconds_bucket{job=~"$job", instance=~"$instance", target=~"$target|", mode=~"$mode", verdict="${verdict}"}[$__rate_interval]))`,
      ),
    ],
  )
    .color(
      new HeatmapColorOptionsBuilder()
        .mode(HeatmapColorMode.Opacity)
        .scale(HeatmapColorScale.Exponential)
        .exponent(0.5)
        .fill(color)
        // Else the fewest tests of the range would be no colour at all.
        .min(0),
    )
    .yAxis(new YAxisConfigBuilder().unit(DURATION))
    .cellGap(1)
    .showLegend();
  return { builder, w: 7, h: 9 };
}

/** The tests of the mode of a repeated row, by how long each connection had been idle. */
export function testsOfMode(): Placed[] {
  return [
    heat(
      'alive',
      'Survived, by idle time',
      'How many connections were alive when tested, by how long they had been idle: each line is an upper end.',
      GREEN,
    ),
    heat(
      'dead',
      'Forgotten, by idle time',
      'How many connections were dead when tested, by how long they had been idle: each line is an upper end.',
      RED,
    ),
  ];
}

export function evidence(): Placed[] {
  const verdicts = face(
    new TimeSeriesBuilder(),
    {
      title: 'Verdicts per hour',
      description:
        'Finished tests per hour by verdict and reason. Inconclusive ones say nothing about the timeout: the path was down, a control connection was lost, or the exporter was stopped.',
      unit: 'short',
      empty: 'No test has finished in this range',
    },
    [
      range(
        `3600 * sum by (verdict, reason) (rate(nat_probe_verdicts_total{${MODES}}[$__rate_interval])) > 0`,
        '{{verdict}}: {{reason}}',
      ),
    ],
  )
    .drawStyle(GraphDrawStyle.Bars)
    .min(0)
    .fillOpacity(80)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'))
    .legend(legend())
    .tooltip(allSeriesTooltip())
    .overrideByRegexp('alive.*', [fixedColor(GREEN)])
    .overrideByRegexp('dead.*', [fixedColor(RED)])
    .overrideByRegexp('inconclusive.*', [fixedColor('yellow')]);
  const events = face(
    new TimeSeriesBuilder(),
    {
      title: 'Losses, changes, early deaths',
      description:
        'All mappings lost at once (a reboot, a new address), announced drops and rises of the timeout, and connections that died below the published bound (one bad node of several, a full table).',
      unit: 'short',
      empty: 'Nothing of this happened',
    },
    [
      range(`sum(increase(nat_mapping_losses_total{${PATH}}[$__rate_interval]))`, 'all mappings lost'),
      range(
        `sum by (direction) (increase(nat_idle_timeout_changes_total{${MODES}}[$__rate_interval]))`,
        '{{direction}}',
      ),
      range(`sum(increase(nat_probe_early_deaths_total{${MODES}}[$__rate_interval]))`, 'early deaths'),
    ],
  )
    .drawStyle(GraphDrawStyle.Bars)
    .fillOpacity(80)
    .min(0)
    .legend(legend())
    .tooltip(allSeriesTooltip());
  const share = face(
    new TimeSeriesBuilder(),
    {
      title: 'Share of the connections that is forgotten early',
      description:
        'Behind a pool with bad nodes a share of the connections is forgotten early and the others survive: the share with its 95 % bounds. Timeout and bracket are then those of the minority.',
      unit: 'percentunit',
      empty: 'All connections are treated alike, as far as is known',
    },
    [
      range(`nat_idle_early_death_ratio{${PATH}}`, 'share'),
      range(`nat_idle_early_death_ratio_lower_bound{${PATH}}`, 'at least'),
      range(`nat_idle_early_death_ratio_upper_bound{${PATH}}`, 'at most'),
    ],
  )
    .min(0)
    .max(1)
    .legend(legend())
    .tooltip(allSeriesTooltip());
  return [
    { builder: verdicts, w: 12, h: 9 },
    { builder: events, w: 12, h: 9 },
    { builder: share, w: 24, h: 6 },
  ];
}
