/** Takes addresses and host names out of a document, so that it can be shown in public. */
import ipaddr from 'ipaddr.js';
import type { ReportDocument } from './report-document.js';

/** What may be an IPv4 or IPv6 address in running text, not followed by a prefix length. */
const CANDIDATES =
  /(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}(?:\d{1,3}(?:\.\d{1,3}){3})?(?:%[\w.-]+)?)(?![\w/]|\.\d)/gi;

/** Stands for the far end's host name (RFC 2606 keeps it free). */
const HIDDEN_HOST = 'responder.example';

/**
 * A copy without addresses, without the far end's host name, and without what tells whose line it is: the customer's
 * own fields and time zone. Equal addresses get equal placeholders
 * (`address-1`), so that it still shows how many there were; ports stay.
 */
export function redacted(document: ReportDocument): ReportDocument {
  const { reference: _reference, time_zone: _zone, ...shown } = document;
  const { host, ...target } = shown.target;
  const hidden = host === undefined ? target : { ...target, host: HIDDEN_HOST };
  return mapStrings({ ...shown, redacted: true, target: hidden }, scrubber(host)) as ReportDocument;
}

function scrubber(host: string | undefined): (text: string) => string {
  const placeholders = new Map<string, string>();
  // A name without a dot tells nobody anything, and may be a common word of the report.
  const named = host?.includes('.') === true && !ipaddr.isValid(host) ? host : undefined;
  const hostPattern =
    named === undefined
      ? undefined
      : new RegExp(`(?<![\\w.-])${named.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w-]|\\.\\w)`, 'gi');
  const replaceAddress = (found: string): string => {
    const bare = found.split('%')[0] ?? found;
    if (!ipaddr.isValid(bare)) return found;
    const key = ipaddr.process(bare).toString();
    const known = placeholders.get(key);
    if (known !== undefined) return known;
    const made = `address-${placeholders.size + 1}`;
    placeholders.set(key, made);
    return made;
  };
  return (text) => {
    const withoutHost = hostPattern === undefined ? text : text.replace(hostPattern, HIDDEN_HOST);
    return withoutHost.replace(CANDIDATES, replaceAddress);
  };
}

function mapStrings(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, map));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, map)]));
  }
  return value;
}
