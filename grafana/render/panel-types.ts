/** Which panel types the renderer can draw, and with what: Grafana's own component, or a drawing of ours. */

/** `component`: Grafana's own, from its packages. `caption`: ours, and what the picture says of it. */
export type PanelType = { readonly component: string } | { readonly caption: string };

/**
 * Every panel type that a dashboard of ours may use. The packages of Grafana have the components of some panels
 * only; the others are drawn after Grafana's options and say so below the panel.
 */
export const PANEL_TYPES = {
  alertlist: { caption: "drawn by this repository: Grafana's alert list is not in its packages" },
  bargauge: { component: 'BarGauge' },
  heatmap: { caption: "drawn by this repository: Grafana's heatmap panel is not in its packages" },
  histogram: { caption: "drawn by this repository: Grafana's histogram panel is not in its packages" },
  stat: { component: 'BigValue' },
  'state-timeline': {
    caption: "drawn by this repository: Grafana's state timeline panel is not in its packages",
  },
  table: { component: 'Table' },
  timeseries: { component: 'TimeSeries' },
} as const satisfies Readonly<Record<string, PanelType>>;

export type PanelTypeName = keyof typeof PANEL_TYPES;

/** Whether the renderer has a drawing for this panel type. */
export function isKnownPanelType(type: string): type is PanelTypeName {
  return Object.hasOwn(PANEL_TYPES, type);
}
