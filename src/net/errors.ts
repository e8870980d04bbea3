/** What a socket error says about the path: one table from errno to meaning. */

import type { Remedy } from '../config/remedy.js';

/**
 * How a connection ended.
 * - `reset`: a RST arrived.
 * - `closed`: the far end closed it (FIN).
 * - `silence`: the kernel gave up waiting for an acknowledgement.
 * - `refused`: nobody listens there.
 * - `unreachable`: the network says that there is no way.
 * - `local`: something on this host (descriptors, permissions, addresses, ourselves).
 */
export interface LinkEnd {
  readonly kind: 'reset' | 'closed' | 'silence' | 'refused' | 'unreachable' | 'local';
  /** For people. */
  readonly detail: string;
  /** What has to be set right before it can work, where nothing else helps. */
  readonly remedy?: Remedy;
}

const MEANING: Readonly<Record<string, LinkEnd>> = {
  ECONNRESET: { kind: 'reset', detail: 'connection reset' },
  EPIPE: { kind: 'reset', detail: 'connection reset (broken pipe)' },
  ECONNABORTED: { kind: 'reset', detail: 'connection aborted' },
  ETIMEDOUT: { kind: 'silence', detail: 'no answer (the kernel gave up)' },
  ECONNREFUSED: { kind: 'refused', detail: 'connection refused' },
  EHOSTUNREACH: { kind: 'unreachable', detail: 'no route to host' },
  ENETUNREACH: { kind: 'unreachable', detail: 'network is unreachable' },
  EHOSTDOWN: { kind: 'unreachable', detail: 'host is down' },
  ENETDOWN: { kind: 'unreachable', detail: 'network is down' },
  EADDRNOTAVAIL: {
    kind: 'local',
    detail: 'the local address is not available',
    remedy: 'local_address',
  },
  EADDRINUSE: { kind: 'local', detail: 'the local address is in use' },
  EMFILE: { kind: 'local', detail: 'too many open files in this process' },
  ENFILE: { kind: 'local', detail: 'too many open files on this host' },
  ENOBUFS: { kind: 'local', detail: 'no buffer space' },
  ENOMEM: { kind: 'local', detail: 'out of memory' },
  EACCES: { kind: 'local', detail: 'forbidden by this host (firewall or permissions)' },
  EPERM: { kind: 'local', detail: 'forbidden by this host (firewall or permissions)' },
};

/** The meaning of a socket error; an unknown one is a problem of this host, never a verdict. */
export function classifyError(error: Error): LinkEnd {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  return MEANING[code ?? ''] ?? { kind: 'local', detail: code ?? error.message };
}
