/** What an exporter says of itself in an `ANNOUNCE`: its values, their bounds, and their form on a line. */

import { hidesSomething } from '../visible.js';

/** Where an exporter can be scraped, and under which labels. */
export interface AnnouncementFields {
  /**
   * `192.0.2.1:15382`, `[2001:db8::1]:15382` or `name.example:15382`; `:15382` leaves the host to the responder,
   * which takes the address that it sees.
   */
  readonly address: string;
  /** `http` unless it is said. */
  readonly scheme?: Scheme;
  /** `/metrics` unless it is said; without query. */
  readonly path?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export type Scheme = 'http' | 'https';
export const SCHEMES: readonly Scheme[] = ['http', 'https'];

/** Most labels of one announcement; the line's 512 bytes bound their length. */
export const MAX_ANNOUNCED_LABELS = 16;

/** Longest path of an announcement, in characters. */
export const MAX_ANNOUNCED_PATH = 128;

/** Letters, digits and `/ . _ ~ -`: what an exporter's own telemetry path may consist of. */
export const TELEMETRY_PATH = /^\/[A-Za-z0-9/._~-]*$/;
const ADDRESS = /^(?:\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9_.-]{0,253}):([1-9][0-9]{0,4})$/;
const LABEL_NAME = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

/** Whether the text has the form of an announced address: a host, which may be empty, and a port of 1 to 65535. */
export function isAnnouncedAddress(text: string): boolean {
  const port = ADDRESS.exec(text)?.[1];
  return port !== undefined && Number(port) <= 65_535;
}

/** Whether the text can be the path of an announcement. */
export function isAnnouncedPath(text: string): boolean {
  return text.length <= MAX_ANNOUNCED_PATH && TELEMETRY_PATH.test(text);
}

/** Whether the text can be a label's value: at least one character, nothing hidden, well-formed. */
export function isAnnouncedLabelValue(text: string): boolean {
  return text !== '' && !hidesSomething(text);
}

/** The line without its mac and its terminator; also what the mac proves. */
export function announcementText({ address, scheme, path, labels }: AnnouncementFields): string {
  const written = Object.entries(labels ?? {}).map(([name, value]) => `${name}:${encodeURIComponent(value)}`);
  return [
    `ANNOUNCE address=${address}`,
    ...(scheme === undefined ? [] : [`scheme=${scheme}`]),
    ...(path === undefined ? [] : [`path=${path}`]),
    ...(written.length === 0 ? [] : [`labels=${written.join(',')}`]),
  ].join(' ');
}

/** Reads `site:home,isp:example%20net`, escaped as `announcementText` does it and not otherwise; a text says which rule is broken. */
export function parseLabels(text: string): Readonly<Record<string, string>> | string {
  const pairs = text.split(',');
  if (pairs.length > MAX_ANNOUNCED_LABELS) return `labels must be at most ${MAX_ANNOUNCED_LABELS}`;
  const labels = new Map<string, string>();
  for (const pair of pairs) {
    const [, name = '', escaped = ''] = /^([^:]*):([A-Za-z0-9_.!~*'()%-]+)$/.exec(pair) ?? [];
    if (!LABEL_NAME.test(name)) return 'labels must be name:value pairs with names of Prometheus';
    if (labels.has(name)) return `label ${name} is given twice`;
    const value = unescape(escaped);
    if (value === undefined || !isAnnouncedLabelValue(value))
      return `label ${name} must have a text as its value`;
    // The mac is computed over what is written here, so that every value has one spelling.
    if (encodeURIComponent(value) !== escaped)
      return `label ${name} has escapes that encodeURIComponent has not`;
    labels.set(name, value);
  }
  return Object.fromEntries(labels);
}

function unescape(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
