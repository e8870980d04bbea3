/** What this host's own connection tracking would do to an idle connection. */
import { readFileSync } from 'node:fs';
import type { Seconds } from '../units.js';

const ESTABLISHED_TIMEOUT = '/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established';

/**
 * The host's own timeout for established TCP connections in seconds; undefined where there is no connection
 * tracking. The file exists as soon as the module is loaded, whether or not a rule uses it, so the value says
 * what the host could forget after, not that it does.
 * @see https://docs.kernel.org/networking/nf_conntrack-sysctl.html
 */
export function hostConntrackTimeout(file: string = ESTABLISHED_TIMEOUT): Seconds | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'latin1').trim();
  } catch {
    return undefined;
  }
  return /^[0-9]{1,10}$/.test(text) ? Number(text) : undefined;
}
