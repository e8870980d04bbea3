/** The table of probers: the list of modes is the list of what this program can measure. */
import type { Mode } from '../core/modes.js';
import { keepaliveProber } from './keepalive.js';
import type { Prober } from './prober.js';
import { recvProber } from './recv.js';
import { sendProber } from './send.js';

export const PROBERS: Readonly<Record<Mode, Prober>> = {
  send: sendProber,
  recv: recvProber,
  keepalive: keepaliveProber,
};
