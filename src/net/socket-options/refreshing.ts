/**
 * TTL-limited refresh: keepalives that go only so many hops. The boxes up to there keep the connection in mind, those
 * beyond may forget it; and which of them did is told by what becomes of the connection.
 */
import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { type Seconds, toMilliseconds } from '../../units.js';
import { sendKeepAliveNow, setHops, startKeepAlive, stopKeepAlive, tcpInfo } from './options.js';
import type { TcpInfo } from './tcp-info.js';

/** Segments of a connection since its refreshing began. */
export interface RefreshCount {
  /** How many this end has sent: the keepalives, where nothing else was written. */
  readonly sent: number;
  /** How many have come. Keepalives that reach the other end are acknowledged: then they did not end on the way. */
  readonly heard: number;
}

/** A connection that is being refreshed; one at a time on a socket. */
export interface Refreshing {
  /** What has come of it so far; undefined where the connection has ended. */
  count(): RefreshCount | undefined;
  /** Ends it; what is sent afterwards goes all the way. */
  stop(): RefreshCount | undefined;
}

/** How often it is looked whether a keepalive was answered, and how long. Three leave in that time. */
const LOOK: Seconds = 0.1;
const LOOKS = 25;

/**
 * Sends a keepalive whenever the connection has been idle for `interval`; the first one then. Nothing may be
 * unacknowledged: a retransmission would go no further.
 * @param hops 1 to 255
 * @param interval whole seconds
 * @returns undefined where it cannot be done
 */
export function refresh(socket: Socket, hops: number, interval: Seconds): Refreshing | undefined {
  const before = tcpInfo(socket);
  if (before === undefined || !setHops(socket, hops)) return undefined;
  if (!startKeepAlive(socket, { idle: interval, interval })) {
    stopRefreshing(socket);
    return undefined;
  }
  const count = (): RefreshCount | undefined => countSince(before, tcpInfo(socket));
  return {
    count,
    stop: () => {
      const counted = count();
      stopRefreshing(socket);
      return counted;
    },
  };
}

/**
 * Whether a keepalive of so many hops is acknowledged by the other end, on a connection that has been idle for a second.
 * It takes 2.5 s where it is not. Afterwards what is sent goes all the way again.
 * @returns undefined where it cannot be told
 */
export async function reaches(socket: Socket, hops: number): Promise<boolean | undefined> {
  const before = tcpInfo(socket);
  if (before === undefined || !setHops(socket, hops)) return undefined;
  try {
    if (!sendKeepAliveNow(socket)) return undefined;
    for (let look = 0; look < LOOKS; look++) {
      await setTimeout(toMilliseconds(LOOK));
      const now = tcpInfo(socket);
      const { sent, heard } = countSince(before, now) ?? {};
      if (now === undefined || sent === undefined || heard === undefined || !now.isEstablished)
        return undefined;
      if (sent > 0 && heard > 0 && now.unansweredProbes === 0) return true;
    }
    return (countSince(before, tcpInfo(socket))?.sent ?? 0) > 0 ? false : undefined;
  } finally {
    stopRefreshing(socket);
  }
}

/** Ends keepalives; what is sent from then on goes all the way. Harmless where there were none. */
export function stopRefreshing(socket: Socket): void {
  stopKeepAlive(socket);
  setHops(socket, undefined);
}

function countSince(before: TcpInfo, now: TcpInfo | undefined): RefreshCount | undefined {
  // The kernel's counters are of 32 bits.
  return (
    now && {
      sent: (now.segmentsOut - before.segmentsOut) >>> 0,
      heard: (now.segmentsIn - before.segmentsIn) >>> 0,
    }
  );
}
