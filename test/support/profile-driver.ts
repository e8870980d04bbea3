/** Drives a profile across a simulated chain in virtual time. */
import type { LocateEvent, ProbeId } from '../../src/core/locate/locate-contract.js';
import type { NotLocated } from '../../src/core/locate/localization.js';
import {
  createProfile,
  type ProfileAction,
  profileConnections,
  type ProfileFound,
  type ProfileOptions,
  profileStep,
} from '../../src/core/locate/profile-search.js';
import type { Mode } from '../../src/core/modes.js';
import { type Chain, idleAcross, type Refreshing } from './simulated-chain.js';

export interface ProfileRun {
  /** What it came to: the timeouts, or why there are none. */
  readonly result: ProfileFound | NotLocated;
  /** What was told before the end. */
  readonly before: ProfileFound | undefined;
  /** Virtual seconds. */
  readonly duration: number;
  readonly opened: number;
  readonly peak: number;
}

/** Steps after which a run that does not end is given up. */
const ENOUGH = 100_000;

/**
 * @param troubles `strange`: refreshes come to the other end whatever their TTL, or nobody knows; everything is interrupted so often, so
 *   many seconds apart
 */
export function driveProfile(
  options: ProfileOptions,
  chain: Chain,
  mode: Mode,
  troubles: { strange?: 'arrive' | 'unknown'; interruptions?: number; apart?: number } = {},
): ProfileRun {
  const { strange, interruptions = 0, apart = 1800 } = troubles;
  let state = createProfile(options);
  let now = 0;
  let wakeAt = Infinity;
  let [opened, peak, left] = [0, 0, interruptions];
  let result: ProfileRun['result'] | undefined;
  let before: ProfileFound | undefined;
  let queue: { readonly at: number; readonly event: LocateEvent }[] = [];
  const probes = new Map<ProbeId, { readonly since: number; readonly refreshing: Refreshing }>();

  const carryOut = (action: ProfileAction): void => {
    switch (action.kind) {
      case 'open': {
        const { id, client, responder, interval } = action;
        const means = { client: 'keepalive', responder: 'keepalive' } as const;
        const refreshing = { k: client?.ttl ?? 0, m: responder?.ttl ?? 0, interval, means };
        probes.set(id, { since: now + 0.1, refreshing });
        queue.push({ at: now + 0.1, event: { kind: 'opened', id } });
        opened += 1;
        return;
      }
      case 'test': {
        const probe = probes.get(action.id)!;
        const idle = now - probe.since;
        const { alive, evidence, arrivals } = idleAcross(chain, mode, idle, probe.refreshing);
        const told =
          strange === 'arrive'
            ? { client: true, responder: true }
            : { client: false, responder: false, ...arrivals };
        queue.push({
          at: now + (alive ? 0.1 : 3),
          event: {
            kind: 'verdict',
            id: action.id,
            verdict: alive ? { kind: 'alive' } : { kind: 'dead', evidence },
            idle,
            arrivals: strange === 'unknown' ? {} : told,
          },
        });
        return;
      }
      case 'discard':
        probes.delete(action.id);
        return;
      case 'wake':
        wakeAt = action.at;
        return;
      case 'learnt':
        before = action.profile;
        return;
      case 'conclude':
        result = action.profile;
        return;
      case 'fail':
        result = action.reason;
    }
  };
  const feed = (event: LocateEvent): void => {
    if (event.kind === 'verdict' && !probes.delete(event.id)) return;
    wakeAt = Infinity;
    const stepped = profileStep(state, now, event);
    state = stepped.state;
    for (const action of stepped.actions) carryOut(action);
    peak = Math.max(peak, profileConnections(state));
  };

  feed({ kind: 'start' });
  for (let steps = 0; result === undefined && steps < ENOUGH; steps++) {
    queue.sort((a, b) => a.at - b.at);
    const at = Math.min(queue[0]?.at ?? Infinity, wakeAt);
    if (!Number.isFinite(at)) break;
    if (left > 0 && at > (interruptions - left + 1) * apart) {
      left -= 1;
      queue = [];
      probes.clear();
      feed({ kind: 'interrupted' });
      continue;
    }
    now = Math.max(now, at);
    const next = queue[0];
    if (next !== undefined && next.at <= wakeAt) {
      queue.shift();
      feed(next.event);
    } else feed({ kind: 'tick' });
  }
  if (result === undefined) throw new Error('the profile does not end');
  return { result, before, duration: now, opened, peak };
}
