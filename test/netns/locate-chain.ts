/** A chain of the kernel's own boxes that is made, located once, and removed; and chains drawn by chance. */
import type { Means } from '../../src/core/locate/locate-contract.js';
import type { Localization } from '../../src/core/locate/localization.js';
import { drawChain } from '../support/arbitrary-chain.js';
import { falsehood } from '../support/chain-judge.js';
import { randomFrom } from '../support/prng.js';
import { forgettingBoxes, hopsOf, timeoutOf } from '../support/simulated-chain.js';
import { locateAcross } from './chain-locate.js';
import { type ChainMode, ChainSockets } from './chain-sockets.js';
import { createChain, type LabBox } from './chains.js';
import { inTurn } from './turns.js';

/** Idle timeout of boxes, seconds. */
export const T = 10;

/** Seconds from the timeout to the test: what forgets within them forgets as well. */
const BEYOND = 1.5;

const BOTH_MEANS: readonly Means[] = ['keepalive', 'data'];

export type Family = 'v4' | 'v6';

export interface LocateHow {
  readonly family?: Family;
  /** An old responder: it cannot refresh. */
  readonly oneSided?: boolean;
  /** Idle timeout of the box that is looked for, seconds. */
  readonly timeout?: number;
  /** Time between two refreshes, whole seconds. */
  readonly interval?: number;
  /** What both ends can refresh with. */
  readonly means?: readonly Means[];
}

/** Makes a chain, locates the box that forgets, and removes the chain. */
export async function locateChain(
  boxes: readonly LabBox[],
  mode: ChainMode,
  { family = 'v4', oneSided = false, timeout = T, interval = 1, means = BOTH_MEANS }: LocateHow = {},
): Promise<Localization> {
  // Programs that start at once delay each other's timers.
  const { chain, sockets } = await inTurn(async () => {
    const made = await createChain(boxes);
    return { chain: made, sockets: await ChainSockets.start(made, family) };
  });
  const options = {
    mode,
    lower: timeout - 0.6,
    upper: timeout + BEYOND - 1,
    guard: 1,
    interval,
    places: 45,
    maxHops: 13,
    means: { client: means, responder: oneSided ? [] : means },
  };
  try {
    return await locateAcross(sockets, options);
  } finally {
    await chain.close();
  }
}

export interface RandomChain {
  readonly seed: number;
  readonly boxes: readonly LabBox[];
  readonly mode: ChainMode;
  readonly family: Family;
}

/** Chains of up to 8 routers, drawn by the seeds from `first` on. */
export function randomChains(first: number, count: number): readonly RandomChain[] {
  const chains: RandomChain[] = [];
  for (let seed = first; chains.length < count; seed++) {
    const random = randomFrom(seed);
    const { chain } = drawChain(random, T, 0);
    const mode = (['send', 'recv'] as const).find((each) => (timeoutOf(chain, each) ?? 1e9) === T);
    const translating = random() < 0.5;
    const boxes = chain.map((box): LabBox => {
      const canTranslate = translating && box.kind === 'router' && box.refreshedBy === undefined;
      return canTranslate && random() < 0.4 ? { ...box, translates: true } : box;
    });
    if (mode !== undefined && hopsOf(chain) <= 8 && isForKernels(boxes))
      chains.push({ seed, boxes, mode, family: random() < 0.5 ? 'v4' : 'v6' });
  }
  return chains;
}

/** What no plain socket or rule here can do, or whose moments are too near to that of a test. */
function isForKernels(boxes: readonly LabBox[]): boolean {
  return boxes.every(
    ({ eats, trap, resets, rewrites, timeout = T }) =>
      eats === undefined &&
      trap === undefined &&
      resets === undefined &&
      rewrites !== 'both' &&
      (timeout === T || timeout > 2 * T),
  );
}

/** What is false in what was said of a chain; undefined when nothing is. */
export function falsehoodOf({ boxes, mode }: RandomChain, result: Localization): string | undefined {
  if (result.kind === 'not_located') return undefined;
  return falsehood(result.box, forgettingBoxes(boxes, mode, T + BEYOND), hopsOf(boxes));
}
