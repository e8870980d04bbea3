/** The kernel's own view of a TCP connection, from `/proc/net/tcp` and `/proc/net/tcp6` (Linux only). */
import { readFile } from 'node:fs/promises';
import ipaddr from 'ipaddr.js';

/** The four values that name a connection on this host. */
export interface ConnectionName {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

const TABLES = { ipv4: '/proc/self/net/tcp', ipv6: '/proc/self/net/tcp6' } as const;

/** Column of `/proc/net/tcp` that counts keepalive (or zero-window) probes sent and not yet answered. */
const UNANSWERED_PROBES_COLUMN = 8;

const reading = new Map<string, Promise<string>>();

/** Reads a table; callers of the same moment share one reading. */
function readTable(path: string): Promise<string> {
  const shared = reading.get(path);
  if (shared !== undefined) return shared;
  const fresh = readFile(path, 'latin1').finally(() => reading.delete(path));
  reading.set(path, fresh);
  return fresh;
}

/**
 * How many keepalive probes of this connection are unanswered.
 * @returns a count ≥ 0, or undefined where the kernel does not tell (not Linux, or the connection is gone)
 * @see Documentation/networking/proc_net_tcp.rst of the Linux kernel
 */
export async function unansweredProbes(name: ConnectionName): Promise<number | undefined> {
  const local = ipaddr.parse(name.localAddress);
  let table: string;
  try {
    table = await readTable(TABLES[local.kind()]);
  } catch {
    return undefined;
  }
  const key = `: ${hexEndpoint(name.localAddress, name.localPort)} ${hexEndpoint(name.remoteAddress, name.remotePort)} `;
  const start = table.indexOf(key);
  if (start < 0) return undefined;
  const columns = table
    .slice(table.lastIndexOf('\n', start) + 1)
    .trimStart()
    .split(/\s+/, 10);
  const count = Number(columns[UNANSWERED_PROBES_COLUMN]);
  return Number.isInteger(count) ? count : undefined;
}

/** An endpoint as the kernel prints it: each 32-bit word of the address in host byte order (little endian), then the port. */
function hexEndpoint(address: string, port: number): string {
  const bytes = ipaddr.parse(address).toByteArray();
  let text = '';
  for (let word = 0; word < bytes.length; word += 4)
    for (let byte = 3; byte >= 0; byte--) text += (bytes[word + byte] ?? 0).toString(16).padStart(2, '0');
  return `${text}:${port.toString(16).padStart(4, '0')}`.toUpperCase();
}
