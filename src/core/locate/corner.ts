/**
 * The law: what two rows and their corner say about the box that forgets.
 *
 * A box that tracks on arrival and stands at hop j of h is reached by the client's TTL j and by the responder's
 * h + 1 - j, so that kc + ks = h + 1. A transparent one behind hop j needs one more from the client: h + 2. A router
 * that looks at the TTL before it remembers needs one more from both: h + 3. Two boxes, kc from one and ks from the
 * other, can look like any of them: the corner (kc - 1, ks - 1) is dead only if one box has both numbers.
 */
import { ask } from './cells.js';
import type { Cell, Question } from './locate-contract.js';
import type { ForgettingBox } from './localization.js';

/** Both steps on a path of `hops` routers. */
export interface Steps {
  readonly hops: number;
  readonly kc: number;
  readonly ks: number;
}

export function cornerOf({ kc, ks }: Pick<Steps, 'kc' | 'ks'>): Question {
  return ask(kc - 1, ks - 1);
}

/**
 * The cells that tell whether refreshes of one end count by themselves. Where only the largest TTL of an end helped, it
 * may have been the other end's acknowledgement that did it. That cannot pass the first router when its sender keeps a
 * TTL of 1: dead = only that sender's packets refresh. Where the acknowledgement of hop 1 itself is in question, no TTL
 * is small enough.
 */
export function echoesOf({ hops, kc, ks }: Steps): readonly Question[] {
  return [
    ...(ks === hops + 1 && kc >= 2 ? [ask(1, hops + 1)] : []),
    ...(kc === hops + 1 && ks >= 2 ? [ask(hops + 1, 1)] : []),
  ];
}

/** Whether in a cell one end's refreshes arrive, and the acknowledgements of the other one do not come back. */
export function isEcho({ k, m }: Cell, hops: number): boolean {
  return k > 0 && m > 0 && (k > hops || m > hops);
}

/**
 * The box that explains both steps; undefined where none does.
 *
 * @param cornerIsDead what the corner's tests agree on
 * @param echoIsDead the same of the echoes that were asked, in the order client, responder
 */
export function boxOf(
  { hops, kc, ks }: Steps,
  cornerIsDead: boolean,
  deadEchoes: readonly Question[],
): ForgettingBox | undefined {
  const onlyOutbound = deadEchoes.some(({ m }) => m > hops);
  const onlyInbound = deadEchoes.some(({ k }) => k > hops);
  if (onlyOutbound && onlyInbound) return undefined;
  if (onlyOutbound) return { kind: 'one_sided', kc, refreshedBy: 'client' };
  if (onlyInbound) return { kind: 'one_sided', ks, refreshedBy: 'responder' };
  const beyond = kc + ks - hops;
  if (!cornerIsDead) return beyond >= 2 ? { kind: 'several', kc, ks } : undefined;
  if (beyond === 1) return { kind: 'router', hop: kc, kc, ks };
  if (beyond === 2) return { kind: 'transparent', after: kc - 1, kc, ks };
  if (beyond === 3) return { kind: 'ttl_first', hop: kc - 1, kc, ks };
  return undefined;
}
