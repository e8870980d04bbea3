/** The dashboard about many paths: a table with a line for each of them. */
import { TableCellDisplayMode } from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { shortestOfPath } from '../../prometheus/src/expressions.js';
import { MODES as ALL_MODES } from '../../src/core/modes.js';
import { COMPLIANCE, PATHS } from './fleet-selectors.js';
import { DURATION, face, GREEN, GREY, type Placed, property, RED, table, wordForNone, words } from './kit.js';
import { exporterUrls, pageLinks } from './links-and-alerts.js';
import { CONDITION_NUMBER, PLACE_NUMBER } from './numbered.js';
import { PATH_UID, REQUIRED, SELF } from './path-selectors.js';

/**
 * Grafana merges the lines of two queries only where the labels agree that all of them have, and the metric's name is
 * one of those: an aggregation drops it. Where two jobs scrape the same exporter, the worse value: a violation must not
 * hide.
 */
function worse(expr: string): string {
  return `min without (job) (${expr})`;
}

const SHORTEST = shortestOfPath(PATHS);
/** 1 for each path; every mode has a series of every phase. */
const WATCHED = `group without (job, mode, phase) (nat_search_phase{${PATHS}, phase="track"})`;

/**
 * By what the lines are sorted: the timeout, and where it is not known yet the required one, so that a path in doubt
 * stands between the bad and the good. Grafana's sorting wants a number in every line.
 */
const RANK = `${worse(SHORTEST.timeout)}\nor ${REQUIRED} * ${WATCHED}`;

interface Column {
  readonly title: string;
  readonly expr: string;
  readonly overrides?: readonly ReturnType<typeof property>[];
}

const TIMEOUT_COLORS = property('thresholds', {
  mode: 'absolute',
  steps: [
    { value: null, color: RED },
    { value: REQUIRED, color: GREEN },
  ],
});
/** Words that stand for a number. */
const LEFT = property('custom.align', 'left');
const COLORED = property('custom.cellOptions', { type: TableCellDisplayMode.ColorText });

const COLUMNS: readonly Column[] = [
  {
    title: 'REQ-5',
    expr: worse(COMPLIANCE),
    overrides: [
      property('unit', 'none'),
      property('mappings', [
        ...words({ '0': { text: 'violated', color: RED }, '1': { text: 'compliant', color: GREEN } }),
        wordForNone('unknown', 'yellow'),
      ]),
      COLORED,
    ],
  },
  {
    title: 'Idle timeout',
    expr: worse(SHORTEST.timeout),
    overrides: [
      property('mappings', [wordForNone('searching', GREY)]),
      property('custom.minWidth', 125),
      TIMEOUT_COLORS,
      COLORED,
    ],
  },
  { title: 'Survived', expr: worse(SHORTEST.survived), overrides: [property('noValue', 'nothing yet')] },
  ...ALL_MODES.map((mode) => ({
    title: mode,
    expr: `min without (job, mode) (nat_idle_timeout_seconds{${PATHS}, mode="${mode}"})`,
    overrides: [property('noValue', ''), property('custom.minWidth', 100), TIMEOUT_COLORS, COLORED],
  })),
  {
    title: 'Forgotten early',
    expr: worse(`nat_idle_early_death_ratio{${PATHS}}`),
    overrides: [property('unit', 'percentunit'), property('noValue', ''), property('custom.minWidth', 150)],
  },
  {
    title: 'Found beside it',
    expr: worse(CONDITION_NUMBER.of(PATHS)),
    overrides: [
      property('mappings', CONDITION_NUMBER.words),
      property('noValue', ''),
      property('custom.minWidth', 150),
      LEFT,
    ],
  },
  {
    title: 'Where the box stands',
    expr: worse(PLACE_NUMBER.of(PATHS)),
    overrides: [
      property('mappings', PLACE_NUMBER.words),
      property('noValue', ''),
      property('custom.minWidth', 310),
      LEFT,
    ],
  },
];

/** As Grafana calls the column of a query. */
function valueOf(index: number): string {
  return `Value #${String.fromCharCode('A'.charCodeAt(0) + index)}`;
}

export function paths(): Placed[] {
  const drillDown = [
    {
      title: 'Show this path',
      url: `/d/${PATH_UID}?var-datasource=\${datasource}&var-instance=\${__data.fields.instance:percentencode}&var-target=\${__data.fields.target:percentencode}&\${__url_time_range}`,
    },
  ];
  const urls = `max without (job) (${WATCHED} * on (instance) group_left (exporter_url) max without (job) (${exporterUrls(SELF)}))`;
  const rank = valueOf(COLUMNS.length);
  const builder = face(
    new TableBuilder(),
    {
      title: 'Paths, the worst first',
      description:
        'One line for each path: the verdict on REQ-5, the shortest of its timeouts and that of each mode, the share of its connections that a pool forgets early, what else was found, and where the box stands if it was located. A path without a finding shows what every mode survived so far. Choose a target to see its history, the links of the column pages for those of its exporter.',
      unit: DURATION,
      empty: 'no path is watched',
    },
    [...COLUMNS.map(({ expr }) => table(expr)), table(RANK), table(urls)],
  )
    .minWidth(80)
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({ id: 'sortBy', options: { fields: {}, sort: [{ field: rank }] } })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true, [rank]: true, [valueOf(COLUMNS.length + 1)]: true },
        indexByName: {
          target: 0,
          ...Object.fromEntries(COLUMNS.map((_, index) => [valueOf(index), 100 + index])),
          exporter_url: 200,
        },
        renameByName: {
          exporter_url: 'pages',
          ...Object.fromEntries(COLUMNS.map(({ title }, index) => [valueOf(index), title])),
        },
      },
    })
    .filterable(true)
    .overrideByName('target', [property('links', drillDown)])
    .overrideByName('pages', pageLinks('open', ['status page', 'report', 'runbook']));
  for (const { title, overrides = [] } of COLUMNS) builder.overrideByName(title, [...overrides]);
  return [{ builder, w: 24, h: 12 }];
}
