/** "Fleet (CGN audit)": many paths side by side, the worst first. */
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphDrawStyle,
  StackingConfigBuilder,
  StackingMode,
  TableCellDisplayMode,
  VizOrientation,
} from '@grafana/grafana-foundation-sdk/common';
import { FieldColorBuilder, FieldColorModeId } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as BarGaugeBuilder } from '@grafana/grafana-foundation-sdk/bargauge';
import { PanelBuilder as HistogramBuilder } from '@grafana/grafana-foundation-sdk/histogram';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { inWords } from '../../prometheus/src/alerts.js';
import { NOT_EMBEDDED, pathCompliant, speakingModes } from '../../prometheus/src/expressions.js';
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';
import {
  allSeriesTooltip,
  assemble,
  BLUE,
  byThresholds,
  type Dashboard,
  datasourceVariable,
  DURATION,
  face,
  filterVariable,
  fixedColor,
  GREEN,
  GREY,
  instant,
  labelVariable,
  lastValue,
  legend,
  type Placed,
  property,
  range,
  RED,
  table,
  thresholds,
  wordForNone,
  words,
} from './kit.js';
import { PATH_UID } from './path-dashboard.js';

const REQUIRED = SHIPPED_THRESHOLDS.requiredIdleTimeout;
const PATHS = `${NOT_EMBEDDED}, job=~"$job", instance=~"$instance", target=~"$target"`;
const MODES = `${PATHS}, mode=~"$mode"`;

const configured = speakingModes(PATHS);
const compliance = pathCompliant(PATHS);

/** The paths in each of the three states; each expression counts them by `labels`. */
function counts(labels: string): readonly (readonly [name: string, expr: string, color: string])[] {
  const by = labels === '' ? 'count' : `count by (${labels})`;
  return [
    ['not compliant', `${by} ((${compliance}) == 0)`, RED],
    ['compliant', `${by} ((${compliance}) == 1)`, GREEN],
    ['unknown', `${by} (${configured} unless (${compliance}))`, 'yellow'],
  ];
}

/** The recording rules' series of each path: over a week, the raw ones of a large fleet are too many to count. */
const RECORDED = `path:rfc5382_req5_compliant:all_modes{${PATHS}}`;
const RECORDED_PATHS = `path:nat_modes_configured:count{${PATHS}}`;

/** The same three counts over time. Sums, because a comparison for each path and step is what takes the time. */
const COUNTS_OVER_TIME: readonly (readonly [name: string, expr: string, color: string])[] = [
  ['not compliant', `count(${RECORDED}) - sum(${RECORDED})`, RED],
  ['compliant', `sum(${RECORDED})`, GREEN],
  ['unknown', `count(${RECORDED_PATHS}) - (count(${RECORDED}) or vector(0))`, 'yellow'],
];

/** Steps of the chart over time: more are not told apart at its width, and each costs a look at every path. */
const MOST_STEPS = 700;

function shares(): Placed[] {
  const now = face(
    new StatBuilder(),
    {
      title: 'Paths',
      description: `Paths by what is proven: compliant when every configured mode survives ${inWords(REQUIRED)} of silence, not compliant when any does not, else unknown.`,
      unit: 'short',
      empty: 'none',
    },
    counts('').map(([name, expr]) => instant(expr, name)),
  )
    .reduceOptions(lastValue())
    .graphMode(BigValueGraphMode.None)
    .colorMode(BigValueColorMode.BackgroundSolid)
    .colorScheme(byThresholds())
    .thresholds(thresholds({ value: null, color: GREY }))
    .textMode(BigValueTextMode.ValueAndName)
    .orientation(VizOrientation.Auto);
  for (const [name, , color] of counts('')) now.overrideByName(name, [fixedColor(color)]);
  const share = face(
    new StatBuilder(),
    {
      title: 'Share of compliant paths',
      description: 'Compliant paths among all that are watched, the unknown ones included.',
      unit: 'percentunit',
      empty: 'no path is watched',
    },
    [instant(`(count((${compliance}) == 1) or vector(0)) / count(${configured})`, 'compliant')],
  )
    .reduceOptions(lastValue())
    .min(0)
    .max(1)
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.None)
    .colorScheme(byThresholds())
    .thresholds(
      thresholds({ value: null, color: RED }, { value: 0.9, color: 'yellow' }, { value: 1, color: GREEN }),
    );
  const history = face(
    new TimeSeriesBuilder(),
    {
      title: 'Paths over time',
      description:
        'The same three states over time, as the recording rules of prometheus/rules have counted them.',
      unit: 'short',
      empty: 'no path is watched, or the recording rules are not loaded',
    },
    COUNTS_OVER_TIME.map(([name, expr]) => range(expr, name)),
  )
    .maxDataPoints(MOST_STEPS)
    .drawStyle(GraphDrawStyle.Line)
    .fillOpacity(60)
    .min(0)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'))
    .legend(legend())
    .tooltip(allSeriesTooltip());
  for (const [name, , color] of COUNTS_OVER_TIME) history.overrideByName(name, [fixedColor(color)]);
  return [
    { builder: now, w: 9, h: 7 },
    { builder: share, w: 5, h: 7 },
    { builder: history, w: 10, h: 7 },
  ];
}

/** Seconds; REQ-5's 7440 s are a whole number of classes, so that no class mixes good and bad. */
const CLASS = REQUIRED / 31;

function byLabel(): Placed[] {
  const bars = face(
    new BarGaugeBuilder(),
    {
      title: 'Not compliant, by $label',
      description:
        'How many paths are proven not to be compliant for each value of the chosen label. The labels are those that the configuration gives its targets.',
      unit: 'short',
      empty: 'no path is proven not to be compliant',
    },
    [instant(`sort_desc(count by ($label) ((${compliance}) == 0))`, '{{$label}}')],
  )
    .reduceOptions(lastValue())
    .orientation(VizOrientation.Horizontal)
    .maxVizHeight(60)
    .colorScheme(byThresholds())
    .thresholds(thresholds({ value: null, color: RED }))
    .min(0);
  const worst = face(
    new BarGaugeBuilder(),
    {
      title: 'Shortest idle timeout, by $label',
      description:
        'The shortest timeout found on any path and in any mode, for each value of the chosen label.',
      unit: DURATION,
      empty: 'no finding yet',
    },
    [instant(`sort(min by ($label) (nat_idle_timeout_seconds{${MODES}}))`, '{{$label}}')],
  )
    .reduceOptions(lastValue())
    .orientation(VizOrientation.Horizontal)
    .maxVizHeight(60)
    .colorScheme(byThresholds())
    .thresholds(thresholds({ value: null, color: RED }, { value: REQUIRED, color: GREEN }))
    .min(0);
  const distribution = face(
    new HistogramBuilder(),
    {
      title: 'Distribution of timeouts',
      description: `How many findings (one for each path and mode) lie in each class of ${CLASS} s; ${inWords(REQUIRED)} is the lower end of a class.`,
      unit: DURATION,
      empty: 'no finding yet',
    },
    [instant(`nat_idle_timeout_seconds{${MODES}}`, '{{target}} {{mode}}')],
  )
    .bucketSize(CLASS)
    .combine(true)
    // Grafana would compare the thresholds of a histogram with its counts.
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Fixed).fixedColor(BLUE))
    .legend(legend());
  return [
    { builder: bars, w: 8, h: 9 },
    { builder: worst, w: 8, h: 9 },
    { builder: distribution, w: 8, h: 9 },
  ];
}

/**
 * A column of the table of paths. Grafana merges the lines of two queries only where all their labels agree, and the
 * metric's name is one of them: an aggregation drops it.
 */
function column(metric: string): string {
  // Where two jobs scrape the same exporter, the worse value: a violation must not hide.
  return `min without (job) (${metric}{${MODES}})`;
}

/**
 * By what the lines are sorted: the timeout, and where it is not known yet the required one, so that a path in
 * doubt stands between the bad and the good. Grafana's sorting wants a number in every line.
 */
const RANK = `${column('nat_idle_timeout_seconds')} or ${REQUIRED} * max without (job, phase) (nat_search_phase{${MODES}})`;

function paths(): Placed[] {
  const drillDown = [
    {
      title: 'Show this path',
      url: `/d/${PATH_UID}?var-datasource=\${datasource}&var-instance=\${__data.fields.instance}&var-target=\${__data.fields.target}&\${__url_time_range}`,
    },
  ];
  const builder = face(
    new TableBuilder(),
    {
      title: 'Paths and modes, the worst first',
      description:
        'One line for each path and mode: finding, bracket, verdict on REQ-5. A path without a finding shows its longest survived idle time. Choose a target to see its history.',
      unit: DURATION,
      empty: 'no path is watched',
    },
    [
      table(column('nat_idle_timeout_lower_bound_seconds')),
      table(`${column('nat_idle_timeout_upper_bound_seconds')} < +Inf`),
      table(column('nat_idle_timeout_seconds')),
      table(column('rfc5382_req5_compliant')),
      table(RANK),
    ],
  )
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({ id: 'sortBy', options: { fields: {}, sort: [{ field: 'Value #E' }] } })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true, 'Value #E': true },
        renameByName: {
          'Value #A': 'Survived',
          'Value #B': 'Died',
          'Value #C': 'Idle timeout',
          'Value #D': 'REQ-5',
        },
      },
    })
    .filterable(true)
    .overrideByName('REQ-5', [
      property('unit', 'none'),
      property('mappings', [
        ...words({ '0': { text: 'violated', color: RED }, '1': { text: 'compliant', color: GREEN } }),
        wordForNone('unknown', 'yellow'),
      ]),
      property('custom.cellOptions', { type: TableCellDisplayMode.ColorText }),
    ])
    .overrideByName('Idle timeout', [
      property('mappings', [wordForNone('searching', GREY)]),
      property('thresholds', {
        mode: 'absolute',
        steps: [
          { value: null, color: RED },
          { value: REQUIRED, color: GREEN },
        ],
      }),
      property('custom.cellOptions', { type: TableCellDisplayMode.ColorText }),
    ])
    .overrideByName('Survived', [property('noValue', 'nothing yet')])
    .overrideByName('Died', [property('noValue', 'none died')])
    .overrideByName('target', [property('links', drillDown)]);
  return [{ builder, w: 24, h: 14 }];
}

export function fleetDashboard(): Dashboard {
  return assemble({
    uid: 'nat-idle-fleet',
    title: 'NAT idle timeout: fleet (CGN audit)',
    description:
      'Many paths side by side: which violate RFC 5382 REQ-5, how badly, and what they have in common.',
    from: 'now-7d',
    variables: [
      datasourceVariable(),
      labelVariable(
        'job',
        'Job',
        'label_values(nat_search_phase, job)',
        'Scrape job of the exporters.',
        'any',
      ),
      labelVariable(
        'instance',
        'Exporter',
        'label_values(nat_search_phase{job=~"$job"}, instance)',
        'The exporters that measure.',
        'any',
      ),
      labelVariable(
        'target',
        'Target',
        `label_values(nat_search_phase{${NOT_EMBEDDED}, job=~"$job", instance=~"$instance"}, target)`,
        'The far ends of the paths.',
        'any',
      ),
      labelVariable(
        'mode',
        'Mode',
        'label_values(nat_search_phase{job=~"$job", instance=~"$instance"}, mode)',
        'Who breaks the silence.',
        'any',
      ),
      labelVariable(
        'label',
        'Compare by',
        'label_names(nat_target_up)',
        'A label of the targets, to compare its values.',
        'one',
      )
        .regex('/^(?!__name__$).*/')
        .current({ text: 'target', value: 'target' }),
      filterVariable(),
    ],
    sections: [
      { title: 'How many paths keep idle connections', panels: shares() },
      { title: 'Compared by $label', panels: byLabel() },
      { title: 'Every path', panels: paths() },
    ],
  });
}
