/**
 * A row: one end refreshes with each TTL from 0 to beyond the last router, the other one keeps silent. Small TTLs do
 * not reach the box that forgets, so that a row reads dead … dead alive … alive; the first living cell is `kc` in the
 * client's row and `ks` in the responder's.
 */
import { answerOf, cellOf, type Tallies } from './cells.js';
import type { Question, Side } from './locate-contract.js';

/** What is known of a row whose last cell is the distance plus 1, the smallest TTL that reaches the other end. */
export interface Row {
  /** Largest TTL that is known to be dead, and smallest known to be alive; undefined where there is none. */
  readonly dead: number | undefined;
  readonly alive: number | undefined;
}

export function rowOf(tallies: Tallies, side: Side, distance: number): Row {
  const cells = Array.from({ length: distance + 2 }, (_, ttl) => answerOf(tallies, cellOf(side, ttl)));
  const dead = cells.lastIndexOf('dead');
  const alive = cells.indexOf('alive');
  return { dead: dead === -1 ? undefined : dead, alive: alive === -1 ? undefined : alive };
}

/** The smallest TTL that keeps the connection alive, once its neighbour below is known to be dead. */
export function stepOf({ dead, alive }: Row): number | undefined {
  return dead !== undefined && alive !== undefined && alive === dead + 1 ? alive : undefined;
}

/** The cells between a living one and a dead one that was refreshed farther: none of them can be believed. */
export function contradicting(side: Side, { dead, alive }: Row): readonly Question[] {
  if (dead === undefined || alive === undefined || alive > dead) return [];
  return Array.from({ length: dead - alive + 1 }, (_, index) => cellOf(side, alive + index));
}

/** The cells in which the step may lie yet, in order: it is known that 0 is dead and that the last cell is alive. */
export function gapOf(side: Side, row: Row, distance: number): readonly Question[] {
  const { dead = 0, alive = distance + 1 } = row;
  return Array.from({ length: Math.max(0, alive - dead - 1) }, (_, index) => cellOf(side, dead + 1 + index));
}

/** So many elements of a list, evenly spread over it. */
export function spread<T>(list: readonly T[], count: number): readonly T[] {
  if (count >= list.length) return list;
  return list.filter((_, index) => {
    const place = ((index + 1) * (count + 1)) / (list.length + 1);
    const before = (index * (count + 1)) / (list.length + 1);
    return Math.floor(place) > Math.floor(before);
  });
}
