/** Whether what is said of a chain is true of it. */
import type { ForgettingBox } from '../../src/core/locate/localization.js';
import type { ProfileFound } from '../../src/core/locate/profile-search.js';
import type { Mode } from '../../src/core/modes.js';
import { type Chain, forgettingBoxes, type PlacedBox } from './simulated-chain.js';

/** Which of both directions' packets a router remembers only after it has looked at the TTL. */
function looksFirst(box: PlacedBox, direction: 'outbound' | 'inbound'): boolean {
  return box.kind === 'router' && (box.ttlFirst === 'both' || box.ttlFirst === direction);
}

/** Whether a box has that number as the smallest TTL of the client's refreshes that keeps it fresh. */
function hasClientStep(box: PlacedBox, kc: number): boolean {
  const reachedAt = box.kind === 'bridge' ? box.hop + 1 : box.hop;
  return kc === (looksFirst(box, 'outbound') ? reachedAt + 1 : reachedAt);
}

/** The same of the responder's. The first router counts for the last TTL, too: its acknowledgement may refresh it. */
function hasResponderStep(box: PlacedBox, ks: number, hops: number): boolean {
  if (ks === hops + 1 && box.hop <= 1 && (box.kind === 'router' || box.hop === 0)) return true;
  const reachedAt = hops + 1 - box.hop;
  return ks === (looksFirst(box, 'inbound') ? reachedAt + 1 : reachedAt);
}

/** The other end's last TTL, by symmetry. */
function hasLastClientStep(box: PlacedBox, kc: number, hops: number): boolean {
  return kc === hops + 1 && box.hop === hops;
}

/** Twice the distance from the client, so that bridges lie between routers. */
function position(box: PlacedBox): number {
  return box.kind === 'bridge' ? 2 * box.hop + 1 : 2 * box.hop;
}

/** Whether a box can be what is said to stand behind a hop. */
function looksTransparent(box: PlacedBox, after: number): boolean {
  return (
    (box.kind === 'bridge' && box.hop === after) ||
    // A router next to it that treats the two directions differently, as the words say.
    (box.kind === 'router' &&
      (box.hop === after || box.hop === after + 1) &&
      ((box.ttlFirst !== undefined && box.ttlFirst !== 'both') || box.refreshedBy !== undefined))
  );
}

/**
 * What is wrong with a profile. What forgets within a bracket must stand where it is said; nothing may stand there that
 * forgets before a lower bound; what is left must not be more than the second box allows.
 * @param within how inexact bounds are, seconds
 */
export function profileFalsehoods(
  { places, behind }: ProfileFound,
  chain: Chain,
  mode: Mode,
  within: number,
): readonly string[] {
  const boxes = forgettingBoxes(chain, mode, Number.MAX_SAFE_INTEGER).map((box) => ({
    ...box,
    timeout: box.timeout ?? Infinity,
  }));
  const wrong = places.filter(({ hop, kind, lower, upper }) => {
    const place = Number.parseInt(hop, 10);
    if (upper === undefined) {
      const sort = kind === 'transparent' ? 'bridge' : 'router';
      return boxes.some((box) => box.kind === sort && box.hop === place && box.timeout < lower - within);
    }
    return !boxes.some(
      (box) =>
        box.timeout >= lower - within &&
        box.timeout <= upper + within &&
        (kind === 'transparent' ? looksTransparent(box, place) : box.kind === 'router' && box.hop === place),
    );
  });
  const second = boxes.map(({ timeout }) => timeout).sort((a, b) => a - b)[1] ?? Infinity;
  const isTooMuch = behind !== undefined && second > (behind.upper ?? Infinity) + within;
  return [...wrong, ...(isTooMuch ? [behind] : [])].map((claim) => JSON.stringify(claim));
}

/**
 * @param truth the boxes that forget, from the client to the far end
 * @returns what is wrong with the claim; undefined when it is true
 */
export function falsehood(
  claim: ForgettingBox,
  truth: readonly PlacedBox[],
  hops: number,
): string | undefined {
  const holds = (() => {
    switch (claim.kind) {
      case 'router':
        return truth.some(
          (box) => box.kind === 'router' && box.hop === claim.hop && box.ttlFirst === undefined,
        );
      case 'ttl_first':
        return truth.some((box) => box.kind === 'router' && box.hop === claim.hop && box.ttlFirst === 'both');
      case 'transparent':
        return truth.some((box) => looksTransparent(box, claim.after));
      case 'several':
        return (
          truth.length > 1 &&
          truth.some((box) => hasResponderStep(box, claim.ks, hops)) &&
          truth.some((box) => hasClientStep(box, claim.kc) || hasLastClientStep(box, claim.kc, hops))
        );
      case 'one_sided':
        return (
          (claim.kc === undefined ||
            (truth.some((box) => hasClientStep(box, claim.kc!) || hasLastClientStep(box, claim.kc!, hops)) &&
              truth.every((box) => position(box) <= 2 * claim.kc!))) &&
          (claim.ks === undefined ||
            (truth.some((box) => hasResponderStep(box, claim.ks!, hops)) &&
              truth.every((box) => 2 * (hops + 1) - position(box) <= 2 * claim.ks!))) &&
          (claim.refreshedBy === undefined ||
            truth.some(
              ({ refreshedBy }) => refreshedBy === (claim.refreshedBy === 'client' ? 'outbound' : 'inbound'),
            ))
        );
    }
  })();
  return holds
    ? undefined
    : `${JSON.stringify(claim)} is said of ${hops} routers where ${JSON.stringify(truth)} forget`;
}
