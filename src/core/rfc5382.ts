/** What RFC 5382 asks of a NAT, as numbers: the only place where they stand. */
import type { Seconds } from '../units.js';

/**
 * The least "established connection idle-timeout" that a NAT may have: 2 h 4 min.
 * @see RFC 5382 REQ-5 (and RFC 6888 REQ-1, which binds carrier-grade NATs to it)
 */
export const REQ5_ESTABLISHED_IDLE_TIMEOUT: Seconds = 7440;
