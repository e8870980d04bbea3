/**
 * How the descriptors of one process are shared out among its doors, so that no door can use up what another one, or
 * the process itself, needs.
 */

/**
 * Descriptors that the connections of the native and the legacy port never get: the site's connections, those over a
 * limit that wait to be told so, and listeners, files, name lookups and probes of the process itself.
 */
export const RESERVED_DESCRIPTORS = 256;

/** Most connections of a site, however many descriptors there are: half of the reserve. */
const MOST_SITE_CONNECTIONS = RESERVED_DESCRIPTORS / 2;

/** With fewer a browser and a few scrapers would be in each other's way. */
const LEAST_SITE_CONNECTIONS = 16;

/** How many connections the site of a process may hold. */
export interface SiteShare {
  /** In all, handshakes under way included. */
  readonly connections: number;
  /** Of one client, see `clientKey`. */
  readonly perClient: number;
  /** Streams that never end by themselves, in all: the rest is for those who ask and go. */
  readonly streams: number;
  /** Such streams of one client. */
  readonly streamsPerClient: number;
}

/**
 * The site's share. A client may have half of it, since all readers behind a reverse proxy, a tunnel or a
 * carrier-grade NAT are one client, and streams three quarters of each.
 *
 * @param descriptors the process' limit of open descriptors, infinite where it has none
 */
export function siteShare(descriptors: number): SiteShare {
  const quarter = Math.floor(descriptors / 4);
  const connections = Math.max(LEAST_SITE_CONNECTIONS, Math.min(MOST_SITE_CONNECTIONS, quarter));
  const perClient = Math.floor(connections / 2);
  return {
    connections,
    perClient,
    streams: Math.floor(connections * 0.75),
    streamsPerClient: Math.floor(perClient * 0.75),
  };
}
