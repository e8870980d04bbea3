/** The dashboard about many paths: which share of them is compliant, of all and of each group. */
import {
  BigValueColorMode,
  BigValueTextMode,
  GraphDrawStyle,
  StackingConfigBuilder,
  StackingMode,
  VizOrientation,
} from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder as BarGaugeBuilder } from '@grafana/grafana-foundation-sdk/bargauge';
import { FieldColorBuilder, FieldColorModeId } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as HistogramBuilder } from '@grafana/grafana-foundation-sdk/histogram';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { inWords } from '../../prometheus/src/alerts.js';
import {
  allSeriesTooltip,
  BLUE,
  byThresholds,
  DURATION,
  type Face,
  face,
  fixedColor,
  GREEN,
  inMinutes,
  instant,
  lastValue,
  legend,
  LOG_MINUTES,
  named,
  type Placed,
  range,
  RED,
  stat,
  thresholds,
} from './kit.js';
import {
  COMPLIANCE,
  MODES,
  MOST_STEPS,
  PATHS,
  RECORDED,
  RECORDED_PATHS,
  STATES,
  VIOLATED,
  WATCHED,
} from './fleet-selectors.js';
import { alertList } from './links-and-alerts.js';
import { placesOfPaths } from './located-panels.js';
import { CONDITION_WORDS } from './numbered.js';
import { REQUIRED } from './path-selectors.js';

const shareColors = thresholds(
  { value: null, color: RED },
  { value: 0.9, color: 'yellow' },
  { value: 1, color: GREEN },
);

export function shares(): Placed[] {
  const now = stat(
    {
      title: 'Paths',
      description: `Shares of the paths by what is proven: compliant when every configured mode survives ${inWords(REQUIRED)} of silence, not compliant when any does not, else unknown.`,
      unit: 'percentunit',
      empty: 'no path is watched',
    },
    STATES.map(({ name, now: expr }) => instant(expr, name)),
  )
    .decimals(1)
    .colorMode(BigValueColorMode.BackgroundSolid)
    .textMode(BigValueTextMode.ValueAndName);
  for (const { name, color } of STATES) now.overrideByName(name, [fixedColor(color)]);
  const known = stat(
    {
      title: 'Compliant of the known',
      description:
        'Compliant paths among those that are proven to be the one or the other: what a fleet is like while many of its paths are still unknown.',
      unit: 'percentunit',
      empty: 'nothing is proven yet',
    },
    [instant(`avg(${COMPLIANCE})`, 'compliant')],
  )
    .decimals(1)
    .thresholds(shareColors);
  const watched = stat(
    {
      title: 'Watched',
      description:
        'How many paths there are: one for each target of each exporter, the built-in ones left out.',
      unit: 'short',
      empty: 'none',
    },
    [instant(`count(${WATCHED})`, 'paths')],
  );
  const history = face(
    new TimeSeriesBuilder(),
    {
      title: 'Shares over time',
      description:
        'The same three states over time, as the recording rules of prometheus/rules have counted them.',
      unit: 'percentunit',
      empty: 'no path is watched, or the recording rules are not loaded',
    },
    STATES.map(({ name, then }) => range(then, name)),
  )
    .maxDataPoints(MOST_STEPS)
    .drawStyle(GraphDrawStyle.Line)
    .fillOpacity(60)
    .min(0)
    .max(1)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'))
    .legend(legend())
    .tooltip(allSeriesTooltip());
  for (const { name, color } of STATES) history.overrideByName(name, [fixedColor(color)]);
  return [
    { builder: now, w: 14, h: 5 },
    { builder: known, w: 6, h: 5 },
    { builder: watched, w: 4, h: 5 },
    { builder: history, w: 16, h: 8 },
    alertList(8, 8),
  ];
}

/** Lengths of bars for each value of the chosen label. */
function bars(look: Face, expr: string): BarGaugeBuilder {
  return face(new BarGaugeBuilder(), look, [instant(expr, '{{$label}}')])
    .reduceOptions(lastValue())
    .orientation(VizOrientation.Horizontal)
    .maxVizHeight(60)
    .colorScheme(byThresholds())
    .min(0);
}

/** How many groups are told apart over time: lines more are not. */
const MOST_GROUPS = 12;

/** The share of compliant paths of each group. @param when `@ end()` or nothing */
function shareByLabel(when: string): string {
  const paths = `count by ($label) (${RECORDED_PATHS}${when})`;
  return `(sum by ($label) (${RECORDED}${when}) or 0 * ${paths}) / ${paths}`;
}

export function byLabel(): Placed[] {
  const bad = bars(
    {
      title: 'Share not compliant, by $label',
      description:
        'Of the paths with each value of the chosen label, the share that is proven not to be compliant. The labels are those that the configuration gives its targets.',
      unit: 'percentunit',
      empty: 'no path is proven not to be compliant',
    },
    `sort_desc(count by ($label) (${VIOLATED}) / count by ($label) (${WATCHED}))`,
  )
    .max(1)
    .thresholds(thresholds({ value: null, color: RED }));
  const worst = bars(
    {
      title: 'Shortest idle timeout, by $label',
      description:
        'The shortest timeout found on any path and in any mode, for each value of the chosen label.',
      unit: DURATION,
      empty: 'no finding yet',
    },
    `sort(min by ($label) (nat_idle_timeout_seconds{${MODES}}))`,
  ).thresholds(thresholds({ value: null, color: RED }, { value: REQUIRED, color: GREEN }));
  const trend = face(
    new TimeSeriesBuilder(),
    {
      title: 'Share compliant over time, by $label',
      description: `Of the paths with each value of the chosen label, the share that is proven compliant: the ${MOST_GROUPS} groups that are worst at the end of the time range.`,
      unit: 'percentunit',
      empty: 'no path is watched, or the recording rules are not loaded',
    },
    [
      range(
        `${shareByLabel('')}\nand on ($label) bottomk(${MOST_GROUPS}, ${shareByLabel(' @ end()')})`,
        '{{$label}}',
      ),
    ],
  )
    .maxDataPoints(MOST_STEPS)
    .min(0)
    .max(1)
    .lineWidth(2)
    .legend(legend())
    .tooltip(allSeriesTooltip());
  return [
    { builder: bad, w: 7, h: 9 },
    { builder: worst, w: 7, h: 9 },
    { builder: trend, w: 10, h: 9 },
  ];
}

/** Minutes; REQ-5's 124 are a whole number of classes, so that no class mixes good and bad. */
const CLASS = REQUIRED / 60 / 31;

export function kinds(): Placed[] {
  const distribution = face(
    new HistogramBuilder(),
    {
      title: 'Distribution of timeouts',
      description: `How many findings (one for each path and mode) lie in each class of ${CLASS} min; ${inWords(REQUIRED)} is the lower end of a class.`,
      unit: LOG_MINUTES.unit,
      empty: 'no finding yet',
    },
    [instant(inMinutes(`nat_idle_timeout_seconds{${MODES}}`), '{{target}} {{mode}}')],
  )
    .bucketSize(CLASS)
    .combine(true)
    // Grafana would compare the thresholds of a histogram with its counts.
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Fixed).fixedColor(BLUE))
    .legend(legend());
  const conditions = face(
    new BarGaugeBuilder(),
    {
      title: 'Found beside the timeout',
      description:
        'Of all paths, the share on which each condition was found: eaten keepalives, a pool of which some nodes forget early (mixture), a quota of connections, a proxy. The runbook has a heading for each.',
      unit: 'percentunit',
      empty: 'nothing was found beside the timeouts',
    },
    [
      instant(
        `sort_desc(count by (condition) (nat_path_condition{${PATHS}}) / scalar(count(${WATCHED})))`,
        '{{condition}}',
      ),
    ],
  )
    .reduceOptions(lastValue())
    .orientation(VizOrientation.Horizontal)
    .maxVizHeight(60)
    .colorScheme(byThresholds())
    .thresholds(thresholds({ value: null, color: 'yellow' }))
    .min(0)
    .max(1);
  named(conditions, CONDITION_WORDS);
  return [
    { builder: distribution, w: 10, h: 8 },
    { builder: conditions, w: 7, h: 8 },
    placesOfPaths(MODES, 7, 8),
  ];
}
