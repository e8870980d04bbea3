/** Chains drawn by chance: every kind of box, one to three that forget, 0 to 12 routers. */
import type { Random } from './prng.js';
import type { Chain, ChainBox, Direction } from './simulated-chain.js';

/** A kind of box or path that a property wants to have met. */
export type ChainTrait =
  | 'router'
  | 'bridge'
  | 'ttl_first'
  | 'one_direction'
  | 'asymmetric'
  | 'loose'
  | 'inbound_revives'
  | 'eater'
  | 'resets'
  | 'rewrites'
  | 'trap'
  | 'own_firewall'
  | 'far_end_firewall'
  | 'two_forget'
  | 'three_forget'
  | 'twelve_hops'
  | 'no_router';

export interface DrawnChain {
  readonly chain: Chain;
  readonly traits: ReadonlySet<ChainTrait>;
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[Math.floor(random() * list.length)]!;
}

const directions: readonly Direction[] = ['outbound', 'inbound'];

/** What a box that forgets does besides, each with its share. */
function manner(
  random: Random,
  kind: ChainBox['kind'],
  note: (trait: ChainTrait) => void,
): Partial<ChainBox> {
  const draw = random();
  if (draw < 0.4) return {};
  if (draw < 0.52 && kind === 'router') {
    note('ttl_first');
    return { ttlFirst: 'both' };
  }
  if (draw < 0.6) {
    note('one_direction');
    return { refreshedBy: pick(random, directions) };
  }
  if (draw < 0.66 && kind === 'router') {
    note('asymmetric');
    return { ttlFirst: pick(random, directions) };
  }
  if (draw < 0.76) {
    note('loose');
    return { revivedBy: 'outbound' };
  }
  if (draw < 0.84) {
    note('inbound_revives');
    return { revivedBy: 'inbound' };
  }
  if (draw < 0.9) {
    note('resets');
    return { resets: true, ...(kind === 'router' ? { ttlFirst: 'inbound' } : {}) };
  }
  if (draw < 0.94) {
    note('trap');
    return { trap: pick(random, [10, 40]) };
  }
  return {};
}

/**
 * @param timeout of the box that forgets first, seconds; those beside it forget within `near` seconds more, or much later
 */
export function drawChain(random: Random, timeout: number, near: number): DrawnChain {
  const traits = new Set<ChainTrait>();
  const note = (trait: ChainTrait): void => void traits.add(trait);
  const hops = pick(random, [0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8, 12]);
  if (hops === 0) note('no_router');
  if (hops === 12) note('twelve_hops');
  const chain: ChainBox[] = [];
  for (let hop = 0; hop <= hops; hop++) {
    if (hop > 0) chain.push(random() < 0.4 ? { kind: 'router', timeout: 432_000 } : { kind: 'router' });
    if (random() < 0.3) chain.push({ kind: 'bridge' });
  }
  if (chain.length === 0) chain.push({ kind: 'bridge' });
  const count = Math.min(chain.length, pick(random, [1, 1, 1, 2, 2, 3]));
  if (count === 2) note('two_forget');
  if (count === 3) note('three_forget');
  const places = new Set<number>();
  while (places.size < count) places.add(Math.floor(random() * chain.length));
  for (const [nth, place] of [...places].entries()) {
    const { kind } = chain[place]!;
    note(kind);
    if (kind === 'bridge' && place === 0) note('own_firewall');
    if (kind === 'bridge' && place === chain.length - 1) note('far_end_firewall');
    const own = nth === 0 ? timeout : pick(random, [timeout, timeout + near * random(), timeout * 3]);
    chain[place] = { kind, timeout: own, ...manner(random, kind, note) };
  }
  const disturbed = Math.floor(random() * chain.length);
  const draw = random();
  if (draw < 0.08) {
    note('eater');
    chain[disturbed] = { ...chain[disturbed]!, eats: 2.5 };
  } else if (draw < 0.18 && chain[disturbed]!.kind === 'router' && hops > 0) {
    note('rewrites');
    chain[disturbed] = { ...chain[disturbed]!, rewrites: pick(random, [...directions, 'both'] as const) };
  }
  return { chain, traits };
}
