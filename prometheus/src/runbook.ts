/** Where an alert's link to the runbook leads: every exporter and responder serves it. */

/**
 * Labels of the site info, with the site's address made of them; `first` takes the only series of an instance. A label
 * that is empty is none for VictoriaMetrics, and its vmalert has no text for that.
 */
const SITE =
  '{{ with first . }}{{ or .Labels.external_url (printf `%s://%s%s` .Labels.scheme .Labels.instance (or .Labels.route_prefix ``)) }}{{ end }}';

/** The metric by which exporter and responder tell where their site is. */
const INFO = 'nat_idle_exporter_site_info';

/** Which site an alert links to: the one that it is about, or any that is left where that one is gone. */
export type RunbookSite = 'own' | 'any';

/**
 * The runbook's address as a template for Prometheus. The site tells its own; one of an older version does not, and is
 * taken to be where it is scraped. Where no site is left there is no link.
 */
export function linkForPrometheus(site: RunbookSite, anchor: string): string {
  if (site === 'any') return `{{ with query \`${INFO}\` }}${SITE}/runbook#${anchor}{{ end }}`;
  const own = `printf \`${INFO}{job=%q,instance=%q}\` $labels.job $labels.instance | query`;
  return `{{ with ${own} }}${SITE}{{ else }}http://{{ $labels.instance }}{{ end }}/runbook#${anchor}`;
}

/**
 * The same for Grafana, whose templates cannot ask Prometheus: where the site is scraped. There is none of a site that
 * is gone.
 * @see https://github.com/grafana/grafana/blob/main/pkg/services/ngalert/state/template/template.go
 */
export function linkForGrafana(site: RunbookSite, anchor: string): string | undefined {
  return site === 'any' ? undefined : `http://{{ $labels.instance }}/runbook#${anchor}`;
}
