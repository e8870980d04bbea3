/**
 * A path as a chain of boxes, packet by packet: routers that lower the TTL, bridges that do not, and what they remember.
 * It knows no law of rows and corners; that a localisation reads it right is what the tests are about.
 */
import type { Arrivals, Cell, Means } from '../../src/core/locate/locate-contract.js';
import type { Mode } from '../../src/core/modes.js';
import type { DeathEvidence } from '../../src/core/verdict.js';

/** Towards the far end, or from there. */
export type Direction = 'outbound' | 'inbound';

/** One box of a chain. Everything left out is not done. */
export interface ChainBox {
  /** A router lowers the TTL; a bridge does not, and stands for a host's own firewall at the ends of a chain, too. */
  readonly kind: 'router' | 'bridge';
  /** Seconds after which it forgets an idle connection and drops its packets; without it, it remembers nothing. */
  readonly timeout?: number;
  /** Directions in which a router looks at the TTL before it remembers; else it remembers on arrival. */
  readonly ttlFirst?: Direction | 'both';
  /** The only direction whose packets refresh it. */
  readonly refreshedBy?: Direction;
  /** Segments without payload pass and refresh nothing. */
  readonly payloadOnly?: boolean;
  /** The direction whose packets make a forgotten connection known again (`outbound`: loose, as Linux is). */
  readonly revivedBy?: Direction;
  /** Seconds of silence after which it drops segments without payload, before it remembers them. */
  readonly eats?: number;
  /** Sends a RST to both ends when it forgets. */
  readonly resets?: boolean;
  /** Sets the TTL of what arrives. */
  readonly rewrites?: Direction | 'both';
  /** What the fourth keepalive in a row from one end leaves it, seconds: Linux' `timeout_max_retrans`, 300. */
  readonly trap?: number;
}

export type Chain = readonly ChainBox[];

/** The usual TTL of hosts and of boxes that rewrite it. */
const USUAL_TTL = 64;
/** Keepalives in a row from one end that set the trap. */
const TRAP_AFTER = 4;

const does = (setting: Direction | 'both' | undefined, direction: Direction): boolean =>
  setting === 'both' || setting === direction;

/** Routers of a chain. */
export function hopsOf(chain: Chain): number {
  return chain.filter(({ kind }) => kind === 'router').length;
}

/** What a box remembers of one connection. */
interface Memory {
  expires: number;
  /** Newest keepalives in a row from one end. */
  row: { direction: Direction; count: number };
  /** When payload last passed. */
  payload: number;
}

/** One connection across a chain, whose data went both ways at time 0. */
class Flow {
  readonly #chain: Chain;
  readonly #memories: Memory[];

  constructor(chain: Chain) {
    this.#chain = chain;
    this.#memories = chain.map(({ timeout = Number.POSITIVE_INFINITY }) => ({
      expires: timeout,
      row: { direction: 'outbound', count: 0 },
      payload: 0,
    }));
  }

  /** Sends one segment. @returns whether it arrives */
  send(direction: Direction, ttl: number, means: Means, at: number): boolean {
    let left = ttl;
    const order = this.#chain.map((box, index) => [box, this.#memories[index]!] as const);
    for (const [box, memory] of direction === 'outbound' ? order : order.reverse()) {
      if (means === 'keepalive' && box.eats !== undefined && at - memory.payload > box.eats) return false;
      if (means === 'data') memory.payload = at;
      const isRouter = box.kind === 'router';
      if (does(box.rewrites, direction)) left = USUAL_TTL;
      if (isRouter && does(box.ttlFirst, direction) && left <= 1) return false;
      if (!this.#remember(box, memory, direction, means, at, isRouter && left <= 1)) return false;
      if (isRouter) {
        if (left <= 1) return false;
        left -= 1;
      }
    }
    return true;
  }

  /** @returns whether the segment may pass */
  #remember(
    box: ChainBox,
    memory: Memory,
    direction: Direction,
    means: Means,
    at: number,
    dies: boolean,
  ): boolean {
    const { timeout, refreshedBy, revivedBy, trap, payloadOnly } = box;
    if (timeout === undefined) return true;
    if (at >= memory.expires) {
      // What dies here makes nothing known again.
      if (revivedBy !== direction || dies) return false;
      memory.expires = at + timeout;
      return true;
    }
    if (refreshedBy !== undefined && refreshedBy !== direction) return true;
    if (payloadOnly === true && means === 'keepalive') return true;
    const { row } = memory;
    const goesOn = means === 'keepalive' && row.direction === direction;
    memory.row = { direction, count: goesOn ? row.count + 1 : 1 };
    const trapped = trap !== undefined && memory.row.count >= TRAP_AFTER;
    memory.expires = at + (trapped ? Math.min(trap, timeout) : timeout);
    return true;
  }

  /** When a box has sent a RST to both ends, at the latest now. */
  resetBy(now: number): number | undefined {
    const times = this.#chain.flatMap(({ resets }, index) =>
      resets === true && this.#memories[index]!.expires <= now ? [this.#memories[index]!.expires] : [],
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }
}

/** How a connection is kept fresh: the TTLs of both ends and what they send. */
export interface Refreshing extends Cell {
  readonly interval: number;
  readonly means: Readonly<Record<'client' | 'responder', Means>>;
}

export interface FlowOutcome {
  readonly alive: boolean;
  readonly evidence: DeathEvidence;
  /** When it died by itself; absent when it was tested. */
  readonly diedAt?: number;
  readonly arrivals: Arrivals;
}

/** Seconds after the hello at which each end begins to refresh. */
const FIRST = { client: 0.3, responder: 0.4 } as const;

/** Lets a connection idle, kept fresh as told, and tests it as the mode does. */
export function idleAcross(chain: Chain, mode: Mode, idle: number, refreshing: Refreshing): FlowOutcome {
  const flow = new Flow(chain);
  const { k, m, interval, means } = refreshing;
  const arrivals: { client?: boolean; responder?: boolean } = {};
  const moments = (end: 'client' | 'responder', ttl: number) => {
    const count = ttl === 0 ? 0 : Math.max(0, Math.ceil((idle - FIRST[end]) / interval));
    return Array.from({ length: count }, (_, index) => ({ at: FIRST[end] + index * interval, end }));
  };
  for (const { at, end } of [...moments('client', k), ...moments('responder', m)].sort(
    (a, b) => a.at - b.at,
  )) {
    const diedAt = flow.resetBy(at);
    if (diedAt !== undefined) return { alive: false, evidence: 'reset_idle', diedAt, arrivals };
    if (end === 'client') {
      const arrived = flow.send('outbound', k, means.client, at);
      arrivals.client = arrived && flow.send('inbound', m === 0 ? USUAL_TTL : m, 'keepalive', at + 0.02);
    } else {
      const arrived = flow.send('inbound', m, means.responder, at);
      arrivals.responder = arrived || arrivals.responder === true;
      if (arrived) flow.send('outbound', k === 0 ? USUAL_TTL : k, 'keepalive', at + 0.02);
    }
  }
  const diedAt = flow.resetBy(idle);
  if (diedAt !== undefined) return { alive: false, evidence: 'reset_idle', diedAt, arrivals };
  return { alive: answers(flow, mode, idle), evidence: 'silence', arrivals };
}

/** Breaks the silence, with the usual TTL from both ends. */
function answers(flow: Flow, mode: Mode, at: number): boolean {
  const means = mode === 'keepalive' ? 'keepalive' : 'data';
  const [there, back]: readonly Direction[] =
    mode === 'recv' ? ['inbound', 'outbound'] : ['outbound', 'inbound'];
  return flow.send(there!, USUAL_TTL, means, at) && flow.send(back!, USUAL_TTL, means, at + 0.04);
}

const SILENCE: Refreshing = {
  k: 0,
  m: 0,
  interval: 1,
  means: { client: 'keepalive', responder: 'keepalive' },
};

/** Whether a connection that nobody refreshes lives that long. */
export function survives(chain: Chain, mode: Mode, idle: number): boolean {
  return idleAcross(chain, mode, idle, SILENCE).alive;
}

/** The idle timeout of a path in a mode; undefined where nothing dies. */
export function timeoutOf(chain: Chain, mode: Mode): number | undefined {
  const timeouts = chain.flatMap(({ timeout }) => (timeout === undefined ? [] : [timeout]));
  return timeouts.sort((a, b) => a - b).find((timeout) => !survives(chain, mode, timeout + 0.01));
}

/** The TTLs with which a segment from one end is acknowledged, right after data. */
export function ackedTtls(
  chain: Chain,
  side: 'client' | 'responder',
  ttls: readonly number[],
  means: Means,
): number[] {
  const [there, back]: readonly Direction[] =
    side === 'client' ? ['outbound', 'inbound'] : ['inbound', 'outbound'];
  return ttls.filter((ttl) => {
    const flow = new Flow(chain);
    return flow.send(there!, ttl, means, 0.3) && flow.send(back!, USUAL_TTL, 'keepalive', 0.32);
  });
}

/** A box with its place: the hop of a router; for a bridge, the hop that it stands behind. */
export interface PlacedBox extends ChainBox {
  readonly hop: number;
}

/** The boxes that kill a connection after that idle time, each by itself. */
export function forgettingBoxes(chain: Chain, mode: Mode, idle: number): readonly PlacedBox[] {
  return chain.flatMap((box, index) => {
    const alone = chain.map((other, at) => (at === index ? other : withoutTimeout(other)));
    const hop = hopsOf(chain.slice(0, index + 1));
    return survives(alone, mode, idle) ? [] : [{ ...box, hop }];
  });
}

function withoutTimeout({ timeout: _timeout, ...box }: ChainBox): ChainBox {
  return box;
}
