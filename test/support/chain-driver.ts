/** Drives a localisation across a simulated chain in virtual time, with whatever goes wrong beside it. */
import type {
  LocateAction,
  LocateEvent,
  LocateOptions,
  Means,
  ProbeId,
  Refresh,
  Side,
} from '../../src/core/locate/locate-contract.js';
import type { Localization } from '../../src/core/locate/localization.js';
import type { LocateState } from '../../src/core/locate/locate-state.js';
import { createLocate, locateStep } from '../../src/core/locate/locate-step.js';
import type { Random } from './prng.js';
import { ackedTtls, type Chain, idleAcross, type Refreshing } from './simulated-chain.js';

/** What goes wrong, each with its probability; all 0 when left out. */
export interface Troubles {
  /** A connection is evicted, whatever was refreshed. */
  readonly eviction?: number;
  /** A test says nothing. */
  readonly inconclusive?: number;
  /** A connection cannot be opened. */
  readonly openFails?: number;
  /** A sweep's segment is lost. */
  readonly loss?: number;
  /** Everything is interrupted once while connections idle. */
  readonly interruption?: number;
  /** Another chain that a connection takes with a probability of one half. */
  readonly otherPath?: Chain;
  /** The chain that takes the place of the first one at an interruption. */
  readonly afterwards?: Chain;
  /** A far end that lies: about its distance, and with which TTL it refreshes (0: not at all). */
  readonly lies?: { readonly distance?: number; readonly ttl?: (asked: number) => number };
}

export interface LocateRun {
  readonly result: Localization | null;
  readonly state: LocateState;
  /** Virtual seconds. */
  readonly duration: number;
  readonly opened: number;
  readonly rounds: number;
  /** Most connections that were open at once. */
  readonly peak: number;
}

interface OpenProbe {
  readonly chain: Chain;
  readonly refreshing: Refreshing;
  since: number;
}

/** Steps after which a run that does not end is given up. */
const ENOUGH = 20_000;

export function driveLocate(
  options: LocateOptions,
  chain: Chain,
  random: Random,
  troubles: Troubles = {},
): LocateRun {
  let state = createLocate(options);
  let path = chain;
  let now = 0;
  let wakeAt = Number.POSITIVE_INFINITY;
  let peak = 0;
  let opened = 0;
  let result: Localization | null = null;
  let interruptionAt =
    random() < (troubles.interruption ?? 0) ? random() * 2 * options.upper : Number.POSITIVE_INFINITY;
  const probes = new Map<ProbeId, OpenProbe>();
  let queue: { readonly at: number; readonly event: LocateEvent }[] = [];
  const happens = (probability = 0): boolean => random() < probability;
  const later = (delay: number, event: LocateEvent): void => void queue.push({ at: now + delay, event });

  const carryOut = (action: LocateAction): void => {
    switch (action.kind) {
      case 'reach':
        return later(2, {
          kind: 'reached',
          side: action.side,
          acked: reach(action.side, action.ttls, action.means),
        });
      case 'open': {
        if (happens(troubles.openFails)) return later(1, { kind: 'open_failed', id: action.id });
        opened += 1;
        probes.set(action.id, {
          chain: troubles.otherPath !== undefined && happens(0.5) ? troubles.otherPath : path,
          refreshing: refreshing(action),
          since: now + 0.1,
        });
        later(0.1, { kind: 'opened', id: action.id });
        watchForReset(action.id);
        return;
      }
      case 'test':
        return test(action.id);
      case 'discard':
        probes.delete(action.id);
        return;
      case 'wake':
        wakeAt = action.at;
        return;
      case 'conclude':
        result = action.result;
    }
  };
  const reach = (side: Side, ttls: readonly number[], means: Means): number[] => {
    const lie = side === 'responder' ? troubles.lies?.distance : undefined;
    const acked = lie === undefined ? ackedTtls(path, side, ttls, means) : ttls.filter((ttl) => ttl > lie);
    return acked.filter(() => !happens(troubles.loss));
  };
  const refreshing = ({
    client,
    responder,
    interval,
  }: {
    client: Refresh | undefined;
    responder: Refresh | undefined;
    interval: number;
  }): Refreshing => ({
    k: client?.ttl ?? 0,
    m: responder === undefined ? 0 : (troubles.lies?.ttl?.(responder.ttl) ?? responder.ttl),
    interval,
    means: { client: client?.means ?? 'keepalive', responder: responder?.means ?? 'keepalive' },
  });
  const watchForReset = (id: ProbeId): void => {
    const probe = probes.get(id)!;
    if (!probe.chain.some(({ resets }) => resets === true)) return;
    const outcome = idleAcross(probe.chain, options.mode, 2 * options.upper, probe.refreshing);
    if (outcome.diedAt !== undefined && outcome.diedAt < options.upper)
      later(0.1 + outcome.diedAt, {
        kind: 'verdict',
        id,
        verdict: { kind: 'dead', evidence: 'reset_idle' },
        idle: outcome.diedAt,
        arrivals: told(probe, outcome.arrivals),
      });
  };
  /** What this end can know: whether the far end refreshes at all is what its segments tell. */
  const told = ({ refreshing: { m } }: OpenProbe, arrivals: { client?: boolean; responder?: boolean }) =>
    m === 0 ? { ...arrivals, responder: false } : arrivals;
  const test = (id: ProbeId): void => {
    const probe = probes.get(id);
    if (probe === undefined) return;
    const idle = now - probe.since;
    const { alive, evidence, arrivals } = idleAcross(probe.chain, options.mode, idle, probe.refreshing);
    const evicted = happens(troubles.eviction);
    later(alive && !evicted ? 0.05 : 3, {
      kind: 'verdict',
      id,
      verdict: happens(troubles.inconclusive)
        ? { kind: 'inconclusive', reason: 'canary_lost' }
        : alive && !evicted
          ? { kind: 'alive' }
          : { kind: 'dead', evidence },
      idle,
      arrivals: told(probe, arrivals),
    });
  };
  const feed = (event: LocateEvent): void => {
    if (event.kind === 'verdict') {
      // Its one verdict: a reset came before the test, or the connection was given up.
      if (!probes.delete(event.id)) return;
    }
    wakeAt = Number.POSITIVE_INFINITY;
    const stepped = locateStep(state, now, event);
    state = stepped.state;
    for (const action of stepped.actions) carryOut(action);
    peak = Math.max(peak, probes.size);
  };

  feed({ kind: 'start' });
  for (let steps = 0; result === null && steps < ENOUGH; steps++) {
    queue.sort((a, b) => a.at - b.at);
    const next = queue[0];
    const at = Math.min(next?.at ?? Number.POSITIVE_INFINITY, wakeAt, interruptionAt);
    if (!Number.isFinite(at)) break;
    now = Math.max(now, at);
    if (at === interruptionAt) {
      interruptionAt = Number.POSITIVE_INFINITY;
      path = troubles.afterwards ?? path;
      probes.clear();
      queue = [];
      feed({ kind: 'interrupted' });
    } else if (next !== undefined && next.at <= wakeAt) {
      queue.shift();
      feed(next.event);
    } else {
      wakeAt = Number.POSITIVE_INFINITY;
      feed({ kind: 'tick' });
    }
  }
  return { result, state, duration: now, opened, rounds: state.rounds, peak };
}
