/** The committed dashboards: generated, well-formed, and about metrics that exist. */
import { parser } from '@prometheus-io/lezer-promql';
import { readFileSync } from 'node:fs';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { dashboardFile, dashboards, importVariant } from '../../grafana/src/dashboards.js';
import { PATH_CONDITIONS } from '../../src/core/diagnosis/conditions.js';
import { PLACE_WORDS } from '../../src/core/locate/places.js';
import { FAMILIES } from '../../src/exporter/families.js';
import { SELF_FAMILIES } from '../../src/exporter/self-families.js';
import { alerts } from '../../prometheus/src/alerts.js';
import { recordingRules } from '../../prometheus/src/recording.js';
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';
import { dashboardFiles, panelsOf, queriesOf, readDashboard } from '../support/panels.js';

const root = new URL('../../', import.meta.url);
const all = dashboardFiles.map((file) => [file, readDashboard(file)] as const);

/** Series that Prometheus or Node add to ours, as far as the dashboards use them. */
const FOREIGN = [
  'nat_idle_exporter_site_info',
  'up',
  'scrape_duration_seconds',
  'scrape_samples_scraped',
  'process_cpu_seconds_total',
  'process_resident_memory_bytes',
  'process_open_fds',
  'nodejs_eventloop_lag_p99_seconds',
];
const RESPONDER = [
  'nat_responder_announced_exporters',
  'nat_responder_connections',
  'nat_responder_connections_total',
  'nat_responder_rejected_total',
  'nat_responder_unaccounted_descriptors',
];

/** Metric names of an expression, as the parser of Prometheus' own editor sees them. @throws when it does not parse */
function metricsOf(expr: string): string[] {
  const names: string[] = [];
  parser.parse(expr).iterate({
    enter: (node) => {
      if (node.type.isError) throw new Error(`does not parse at ${node.from}: ${expr}`);
      if (node.name === 'Identifier' && node.node.parent?.name === 'VectorSelector') {
        names.push(expr.slice(node.from, node.to));
      }
    },
  });
  return names;
}

describe('the committed dashboards', () => {
  it('are what the generator writes, in both forms', () => {
    expect(
      dashboards()
        .map(([file]) => `${file}.json`)
        .sort(),
    ).toEqual([...dashboardFiles].sort());
    for (const [file, dashboard] of dashboards()) {
      const committed = (folder: string): string =>
        readFileSync(new URL(`grafana/${folder}/${file}.json`, root), 'utf8');
      expect(committed('dashboards')).toBe(dashboardFile(dashboard));
      expect(committed('import')).toBe(dashboardFile(importVariant(dashboard)));
    }
  });

  it('have stable, distinct uids, our tag, and a data source variable first', () => {
    expect(new Set(all.map(([, dashboard]) => dashboard.uid)).size).toBe(3);
    for (const [file, dashboard] of all) {
      expect(dashboard.uid, file).toMatch(/^nat-idle-[a-z]+$/);
      expect(dashboard.tags).toEqual(['nat-idle']);
      expect(dashboard.graphTooltip).toBe(1);
      expect(dashboard.templating.list[0]).toMatchObject({ name: 'datasource', type: 'datasource' });
    }
  });

  it.each(all)(
    '%s gives every panel an id, a description, a unit and words for "no value"',
    (_, dashboard) => {
      const ids = dashboard.panels.flatMap((panel) => [
        panel.id,
        ...(panel.panels ?? []).map(({ id }) => id),
      ]);
      expect(ids.every((id) => id > 0)).toBe(true);
      expect(new Set(ids).size).toBe(ids.length);
      for (const panel of panelsOf(dashboard)) {
        expect(panel.description?.length ?? 0, panel.title).toBeGreaterThan(20);
        // It asks Grafana for the alerts, and has no values.
        if (panel.type === 'alertlist') continue;
        expect(panel.fieldConfig?.defaults.unit, panel.title).toBeTruthy();
        expect(panel.fieldConfig?.defaults.noValue, panel.title).toBeTruthy();
        const refIds = (panel.targets ?? []).map(({ refId }) => refId);
        expect(refIds.length, panel.title).toBeGreaterThan(0);
        expect(new Set(refIds).size, panel.title).toBe(refIds.length);
      }
    },
  );

  it.each(all)('%s writes durations in full', (_, dashboard) => {
    // Grafana shows only the largest part of a duration in words: "2 hours" for 7440 s.
    const units = panelsOf(dashboard).map((panel) => panel.fieldConfig?.defaults.unit);
    expect(units).not.toContain('dtdurations');
    expect(units).toContain('dtdhms');
  });

  it.each(all)('%s lists the alerts, of one path those of that path only', (_, dashboard) => {
    const lists = panelsOf(dashboard).filter(({ type }) => type === 'alertlist');
    const own = dashboard.uid === 'nat-idle-timeout' ? '{target="$target"}' : '';
    expect(lists.map(({ options }) => options?.['alertInstanceLabelFilter'])).toEqual([own]);
    for (const { name } of alerts(SHIPPED_THRESHOLDS))
      expect(name).toContain(lists[0]?.options?.['alertName']);
  });

  it('has words for the bars of every place and condition, those of the tables', () => {
    type Override = {
      matcher: { id: string; options: string };
      properties: { id: string; value: unknown }[];
    };
    const fleet = panelsOf(readDashboard('nat-idle-fleet.json'));
    const wordsOf = (title: string): Record<string, unknown> => {
      const panel = fleet.find((one) => one.title === title);
      const overrides = (panel?.fieldConfig?.overrides ?? []) as Override[];
      return Object.fromEntries(
        overrides.map(({ matcher, properties }) => [
          matcher.options,
          properties.find(({ id }) => id === 'displayName')?.value,
        ]),
      );
    };
    expect(wordsOf('Where the boxes stand')).toEqual(PLACE_WORDS);
    const conditions = wordsOf('Found beside the timeout');
    expect(Object.keys(conditions)).toEqual([...PATH_CONDITIONS]);
    expect(conditions['keepalives_answered_between']).toBe('keepalives answered between');
    // The overrides are by the names that the series have.
    for (const [title, label] of [
      ['Where the boxes stand', 'place'],
      ['Found beside the timeout', 'condition'],
    ])
      expect(fleet.find((one) => one.title === title)?.targets?.[0]?.legendFormat).toBe(`{{${label}}}`);
  });

  it('measure idle times on logarithmic axes in minutes, whose powers of two are round', () => {
    const brackets = panelsOf(readDashboard('nat-idle-timeout.json')).filter(({ targets }) =>
      targets?.some(({ legendFormat }) => legendFormat === 'survived'),
    );
    expect(brackets).toHaveLength(2);
    for (const { fieldConfig, targets = [] } of brackets) {
      expect(fieldConfig?.defaults).toMatchObject({
        unit: 'suffix:min',
        custom: { scaleDistribution: { type: 'log', log: 2 } },
      });
      expect(targets.every(({ expr }) => /\/ 60( <|$)|^vector\(124\)$/.test(expr))).toBe(true);
    }
  });

  it('link a path to its status page, report and runbook, where the exporter is reached', () => {
    const pages = panelsOf(readDashboard('nat-idle-timeout.json')).find(({ title }) =>
      title.startsWith('The exporter tells more'),
    );
    const urls = JSON.stringify(pages?.fieldConfig?.overrides).match(/\$\{__value\.raw\}[^"]*/g);
    expect(urls).toEqual([
      '${__value.raw}/?target=${__data.fields.target:percentencode}',
      '${__value.raw}/report/${__data.fields.target:percentencode}',
      '${__value.raw}/runbook',
    ]);
  });

  it.each(all)('%s shows the legend of every chart', (_, dashboard) => {
    for (const panel of panelsOf(dashboard)) {
      if (!['timeseries', 'state-timeline', 'histogram'].includes(panel.type)) continue;
      expect(panel.options?.['legend'], panel.title).toMatchObject({ showLegend: true });
    }
  });

  it.each(all)('%s has no panel over another and none beyond the grid', (_, dashboard) => {
    const taken = new Map<string, string>();
    for (const panel of dashboard.panels) {
      const { x, y, w, h } = panel.gridPos;
      expect(x + w, panel.title).toBeLessThanOrEqual(24);
      for (let column = x; column < x + w; column += 1) {
        for (let line = y; line < y + h; line += 1) {
          expect(taken.get(`${column},${line}`), `${panel.title} covers`).toBeUndefined();
          taken.set(`${column},${line}`, panel.title);
        }
      }
    }
  });

  it.each(all)('%s asks the chosen data source only', (file, dashboard) => {
    for (const panel of panelsOf(dashboard).filter(({ type }) => type !== 'alertlist')) {
      for (const source of [panel.datasource, ...(panel.targets ?? []).map((target) => target.datasource)]) {
        expect(source, `${file} ${panel.title}`).toEqual({ type: 'prometheus', uid: '${datasource}' });
      }
    }
  });

  it.each(all)('%s parses in every query and uses only metrics that exist', (_, dashboard) => {
    const known = new Set(
      [...FAMILIES, ...SELF_FAMILIES]
        .flatMap(({ name }) => [name, `${name}_bucket`])
        .concat(
          RESPONDER,
          FOREIGN,
          recordingRules().map(({ record }) => record),
        ),
    );
    const used = queriesOf(dashboard).flatMap(({ expr }) => metricsOf(expr));
    expect(used.length).toBeGreaterThan(8);
    expect(used.filter((name) => !known.has(name))).toEqual([]);
  });

  it('show every metric of the probes somewhere', () => {
    const used = new Set(
      all.flatMap(([, dashboard]) => queriesOf(dashboard).flatMap(({ expr }) => metricsOf(expr))),
    );
    const unused = FAMILIES.filter(({ name }) => !used.has(name) && !used.has(`${name}_bucket`));
    expect(unused).toEqual([]);
  });

  it('draw the line of RFC 5382 where the rules have it', () => {
    const path = JSON.stringify(readDashboard('nat-idle-timeout.json'));
    expect(path).toContain(`vector(${SHIPPED_THRESHOLDS.requiredIdleTimeout})`);
    expect(path).toContain('2 h 4 min');
  });
});

describe('the import variant', () => {
  it('asks for a data source and has no variable for it', () => {
    for (const [, dashboard] of dashboards()) {
      const variant = JSON.stringify(importVariant(dashboard));
      expect(variant).toContain('"name":"DS_PROMETHEUS"');
      expect(variant).not.toContain('${datasource}');
      expect(variant).not.toContain('"type":"datasource","name":"datasource"');
    }
  });
});

describe('the schema of Grafana', () => {
  it("accepts the dashboards, key by key, and every panel's options", { timeout: 120_000 }, () => {
    expect(typeErrors(all.map(([file]) => file))).toEqual([]);
  });

  it('would not accept an unknown key or value', { timeout: 120_000 }, () => {
    expect(
      typeErrors([], 'export const wrong: Exact<Dashboard> = { schemaVersion: 42, graphTolltip: 1 };'),
    ).toHaveLength(1);
    expect(
      typeErrors([], "export const wrong: Exact<Dashboard> = { schemaVersion: 42, graphTooltip: 'x' };"),
    ).toHaveLength(1);
  });
});

/** Panel types with the module of @grafana/schema that describes their options. */
const OPTION_TYPES: Readonly<Record<string, string>> = {
  bargauge: 'bargauge/panelcfg/x/BarGaugePanelCfg_types.gen',
  heatmap: 'heatmap/panelcfg/x/HeatmapPanelCfg_types.gen',
  histogram: 'histogram/panelcfg/x/HistogramPanelCfg_types.gen',
  stat: 'stat/panelcfg/x/StatPanelCfg_types.gen',
  'state-timeline': 'statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen',
  table: 'table/panelcfg/x/TablePanelCfg_types.gen',
  timeseries: 'timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen',
};

/** Panels whose options no package of Grafana describes: what we know of them stands beside the panel. */
const OWN_TYPES: Readonly<Record<string, string>> = {
  alertlist: "import('./links-and-alerts.js').AlertListOptions",
};

function schemaType(panel: string): string {
  const module = OPTION_TYPES[panel];
  if (module === undefined) throw new Error(`no options type for ${panel}`);
  return `import('@grafana/schema/dist/esm/raw/composable/${module}').Options`;
}

/** Compiles the dashboards as typed literals: a literal with a key that its type does not know is an error. */
function typeErrors(files: readonly string[], extra = ''): string[] {
  const literals = files.map((file, index) => {
    const dashboard = readDashboard(file);
    const options = panelsOf(dashboard).map((panel, number) => {
      const type = OWN_TYPES[panel.type] ?? schemaType(panel.type);
      return `export const o${index}_${number}: Exact<Partial<${type}>> = ${JSON.stringify(panel.options ?? {})};`;
    });
    return [`export const d${index}: Exact<Dashboard> = ${JSON.stringify(dashboard)};`, ...options].join(
      '\n',
    );
  });
  const source = [
    "import type { AnnotationQuery, Dashboard as Schema, DataQuery } from '@grafana/schema';",
    // What the Prometheus data source adds to an annotation and its query: the schema leaves it open.
    'type Marked = AnnotationQuery<DataQuery & { expr: string; interval?: string; range?: boolean; instant?: boolean }>',
    '  & { titleFormat?: string; textFormat?: string };',
    "type Dashboard = Omit<Schema, 'annotations'> & { annotations?: { list?: Marked[] } };",
    // JSON has texts where the types have enums.
    'type Exact<T> = T extends string ? `${T}` : T extends number ? number : T extends boolean | null | undefined ? T',
    '  : T extends readonly (infer E)[] ? Exact<E>[] : T extends object ? { [K in keyof T]: Exact<T[K]> } : T;',
    ...literals,
    extra,
  ].join('\n');
  const name = new URL('grafana/src/schema-check.ts', root).pathname;
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: [],
  };
  const host = ts.createCompilerHost(options);
  const base = ts.createCompilerHost(options);
  host.fileExists = (file) => file === name || base.fileExists(file);
  host.readFile = (file) => (file === name ? source : base.readFile(file));
  host.getSourceFile = (file, ...rest) =>
    file === name
      ? ts.createSourceFile(file, source, ts.ScriptTarget.ES2023)
      : base.getSourceFile(file, ...rest);
  return ts
    .getPreEmitDiagnostics(ts.createProgram([name], options, host))
    .map((diagnostic) => ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n').slice(0, 600));
}
