/** What leads from a dashboard to the rest: the alerts, and the pages that every exporter serves. */
import { MappingType, PanelBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import type { ValueMapping } from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { face, type Placed, property, table } from './kit.js';

/**
 * The options of Grafana's alert list, which are in none of its packages.
 * @see https://github.com/grafana/grafana/blob/main/public/app/plugins/panel/alertlist/types.ts
 */
export interface AlertListOptions {
  readonly viewMode: 'list' | 'stat';
  readonly groupMode: 'default' | 'custom';
  readonly groupBy: readonly string[];
  readonly maxItems: number;
  /** 1 by name, 2 the other way round, 3 by importance, 4 and 5 by time. */
  readonly sortOrder: 1 | 2 | 3 | 4 | 5;
  readonly dashboardAlerts: boolean;
  /** Part of the names that are shown. */
  readonly alertName: string;
  /** Matchers of labels, in braces. */
  readonly alertInstanceLabelFilter: string;
  /** Name of a data source; empty: every one and Grafana's own. */
  readonly datasource: string;
  readonly showInstances: boolean;
  readonly showInactiveAlerts: boolean;
  readonly stateFilter: Readonly<
    Record<'firing' | 'pending' | 'recovering' | 'noData' | 'normal' | 'error', boolean>
  >;
}

/** Our alerts that fire or are about to, whoever evaluates them. @param matchers such as `{target="$target"}` */
export function alertList(w: number, h: number, matchers = ''): Placed {
  const options: AlertListOptions = {
    viewMode: 'list',
    groupMode: 'default',
    groupBy: [],
    maxItems: 20,
    sortOrder: 3,
    dashboardAlerts: false,
    alertName: 'NatIdle',
    alertInstanceLabelFilter: matchers,
    datasource: '',
    showInstances: true,
    showInactiveAlerts: false,
    stateFilter: { firing: true, pending: true, recovering: true, noData: true, normal: false, error: true },
  };
  const builder = new PanelBuilder()
    .type('alertlist')
    .title('Alerts')
    .description(
      'The shipped alerts that fire or are about to, evaluated by Prometheus or by Grafana. Each one has a link to the runbook.',
    )
    .options(options);
  return { builder, w, h };
}

/**
 * One series for each exporter whose label `exporter_url` is the address of its pages: the one that it was told
 * (`external_url`), else where it is scraped.
 */
export function exporterUrls(selector: string): string {
  const info = (urls: string): string => `nat_idle_exporter_site_info{${selector}, external_url${urls}}`;
  return [
    'max by (job, instance, exporter_url) (',
    `  label_join(${info('!=""')}, "exporter_url", "", "external_url")`,
    '  or',
    '  label_join(',
    `    label_replace(${info('=""')}, "colon", "://", "job", ".*"),`,
    '    "exporter_url", "", "scheme", "colon", "instance", "route_prefix"',
    '  )',
    ')',
  ].join('\n');
}

/** The pages of an exporter about a target, below its address; a row of the table has the columns `target` and the address. */
const PAGES = {
  'status page': '/?target=${__data.fields.target:percentencode}',
  report: '/report/${__data.fields.target:percentencode}',
  runbook: '/runbook',
};

/** A cell that holds an address and shows a word. */
function shownAs(text: string): ValueMapping[] {
  return [{ type: MappingType.RegexToText, options: { pattern: '^.+$', result: { text } } }];
}

/** What a column of addresses shows, and where each of its links leads. */
export function pageLinks(
  text: string,
  pages: readonly (keyof typeof PAGES)[],
): ReturnType<typeof property>[] {
  return [
    property('mappings', shownAs(text)),
    property(
      'links',
      pages.map((page) => ({
        title: `Open the ${page}`,
        url: `\${__value.raw}${PAGES[page]}`,
        targetBlank: true,
      })),
    ),
  ];
}

/** The pages about one path. @param path selects its series; @param self those of its exporter */
export function pagesOfPath(path: string, self: string, w: number, h: number): Placed {
  const names = Object.keys(PAGES) as (keyof typeof PAGES)[];
  const labels = names.map((_, index) => `page_${index}`);
  const copies = labels.reduce(
    (series, label) => `label_join(${series}, "${label}", "", "exporter_url")`,
    exporterUrls(self),
  );
  const builder = face(
    new TableBuilder(),
    {
      title: 'The exporter tells more',
      description:
        "The exporter's own pages about this path: the status page with every test, the report to attach to a complaint, and the runbook.",
      unit: 'none',
      empty: 'no exporter tells where its pages are',
    },
    [
      table(
        [
          `group by (job, instance, target) (nat_search_phase{${path}})`,
          `* on (job, instance) group_left (${labels.join(', ')})`,
          copies,
        ].join('\n'),
      ),
    ],
  ).withTransformation({
    id: 'organize',
    options: {
      excludeByName: { Time: true, Value: true, job: true },
      indexByName: Object.fromEntries(['instance', 'target', ...labels].map((name, index) => [name, index])),
      renameByName: {
        instance: 'exporter',
        ...Object.fromEntries(names.map((name, i) => [`page_${i}`, name])),
      },
    },
  });
  builder.minWidth(60);
  for (const name of names) builder.overrideByName(name, pageLinks('open', [name]));
  return { builder, w, h };
}
