/** The list of our dashboards and the two forms in which they are shipped. */
import { fleetDashboard } from './fleet-dashboard.js';
import { healthDashboard } from './health-dashboard.js';
import type { Dashboard } from './assemble.js';
import { pathDashboard } from './path-dashboard.js';

/** File name without ending, and the dashboard. */
export function dashboards(): readonly (readonly [file: string, dashboard: Dashboard])[] {
  return [
    ['nat-idle-timeout', pathDashboard()],
    ['nat-idle-fleet', fleetDashboard()],
    ['nat-idle-health', healthDashboard()],
  ];
}

/** The text of a dashboard file. */
export function dashboardFile(dashboard: object): string {
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}

/**
 * The form for an upload to grafana.com or the import dialogue: the reader is asked for a data source, and no
 * variable chooses one. Provisioned files must not look like this.
 */
export function importVariant(dashboard: Dashboard): object {
  const text = JSON.stringify(dashboard).replaceAll('${datasource}', '${DS_PROMETHEUS}');
  const copy = JSON.parse(text) as Dashboard;
  const types = new Set(copy.panels?.map((panel) => panel.type).filter((type) => type !== 'row'));
  return {
    __inputs: [
      {
        name: 'DS_PROMETHEUS',
        label: 'Prometheus',
        description: 'The Prometheus that scrapes nat-idle-exporter',
        type: 'datasource',
        pluginId: 'prometheus',
        pluginName: 'Prometheus',
      },
    ],
    __requires: [
      { type: 'grafana', id: 'grafana', name: 'Grafana', version: '10.4.0' },
      { type: 'datasource', id: 'prometheus', name: 'Prometheus', version: '1.0.0' },
      ...[...types].sort().map((type) => ({ type: 'panel', id: type, name: type, version: '' })),
    ],
    ...copy,
    templating: {
      ...copy.templating,
      list: copy.templating?.list?.filter((variable) => variable.name !== 'datasource'),
    },
  };
}
