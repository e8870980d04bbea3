/** What the responder tells: codes for its reasons, and the address that it sees. */
import type { Socket } from 'node:net';
import type { ProblemCode } from '../wire/line-fields.js';
import type { RejectCode } from '../wire/messages.js';
import { plainAddress } from '../net/client-address.js';
import type { RejectReason } from './responder-metrics.js';

/** What a client is told where the reason is no code of its own; `undefined` tells nothing. */
export const CODE_OF: Partial<Record<RejectReason, RejectCode>> = {
  version: 'version',
  syntax: 'syntax',
  oversized: 'syntax',
  binary: 'syntax',
  rate: 'syntax',
  auth: 'auth',
  limit_client: 'limit_client',
  limit_total: 'limit_total',
  duplicate_probe: 'duplicate_probe',
  timeout: 'timeout',
};

/** Under which reason a line that was not understood is counted. */
export const REASON_OF: Record<ProblemCode, RejectReason> = {
  binary: 'binary',
  verb: 'syntax',
  version: 'version',
  syntax: 'syntax',
};

/** The peer's address and port as the protocol writes them. */
export function seenAddress({ remoteAddress, remotePort, remoteFamily }: Socket): string {
  const address = plainAddress(remoteAddress ?? (remoteFamily === 'IPv6' ? '::' : '0.0.0.0'));
  return address.includes(':') ? `[${address}]:${remotePort ?? 0}` : `${address}:${remotePort ?? 0}`;
}
