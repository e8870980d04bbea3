/** Where a site is reached, as its metrics tell it: alerts make the link to the runbook of it. */
import { Gauge, type Registry } from 'prom-client';

/** What a server knows of its own address; how Prometheus calls it (`instance`) it cannot know. */
export interface SiteInfo {
  readonly scheme: 'http' | 'https';
  /** Empty, or such as `/nat-idle`. */
  readonly routePrefix: string;
  /** Where people reach the site, without a slash at its end; absent: as Prometheus does. */
  readonly externalUrl?: string;
}

const NAME = 'nat_idle_exporter_site_info';

/** Shows the info, in the place of an earlier one. */
export function registerSiteInfo(
  registry: Registry,
  { scheme, routePrefix, externalUrl = '' }: SiteInfo,
): void {
  registry.removeSingleMetric(NAME);
  new Gauge({
    name: NAME,
    help: 'Always 1; the labels tell where this site is reached: its external_url where one is configured, else scheme, instance and route_prefix.',
    labelNames: ['external_url', 'scheme', 'route_prefix'],
    registers: [registry],
  }).set({ external_url: externalUrl, scheme, route_prefix: routePrefix }, 1);
}

/** The scheme of the address that a server listens at. */
export function schemeOf(url: string | undefined): SiteInfo['scheme'] {
  return url?.startsWith('https:') === true ? 'https' : 'http';
}

/** The host of a site's address, as a browser names it. */
export function hostOf(url: string | undefined): string | undefined {
  return url === undefined ? undefined : new URL(url).hostname;
}

/** The address of a site's first page that can be opened on this host, of the one that a server listens at. */
export function openableUrl(url: string, routePrefix: string): string {
  return `${url.replace(/\/\/(\[::\]|0\.0\.0\.0)(?=:|$)/, '//localhost')}${routePrefix}/`;
}
