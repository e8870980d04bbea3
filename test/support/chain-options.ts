/** What a search would have told a localisation of a simulated chain. */
import { refreshInterval } from '../../src/core/locate/locatable.js';
import type { LocateOptions } from '../../src/core/locate/locate-contract.js';
import type { FindingsByMode } from '../../src/core/diagnosis/publishable.js';
import { MODES, type Mode } from '../../src/core/modes.js';
import { type Chain, timeoutOf } from './simulated-chain.js';

/** Longest idle time that searches here test, seconds. */
const LONGEST = 7440;

/** Half the width of a bracket, seconds. */
const WIDTH = 0.4;

export interface FoundTimeout {
  readonly mode: Mode;
  readonly timeout: number;
}

/** The first mode that forgets; undefined where none does. */
export function timeoutToFind(chain: Chain): FoundTimeout | undefined {
  for (const mode of MODES) {
    const timeout = timeoutOf(chain, mode);
    if (timeout !== undefined && timeout <= LONGEST) return { mode, timeout };
  }
  return undefined;
}

/** What a search would have found of a chain in each mode that forgets. */
export function findingsOf(chain: Chain): FindingsByMode {
  return Object.fromEntries(
    MODES.flatMap((each) => {
      const own = timeoutOf(chain, each);
      const finding = { phase: 'track', suspect: false, deaths: 3 } as const;
      return own === undefined || own > LONGEST
        ? []
        : [[each, { ...finding, timeout: own, lower: own - WIDTH, upper: own + WIDTH }] as const];
    }),
  );
}

/** Options for a chain and what was found of it. */
export function optionsFor(
  chain: Chain,
  { mode, timeout }: FoundTimeout,
  given: Partial<LocateOptions> = {},
): LocateOptions {
  return {
    mode,
    lower: timeout - WIDTH,
    upper: timeout + WIDTH,
    guard: 5,
    interval: refreshInterval(findingsOf(chain)),
    places: 45,
    maxHops: 24,
    means: { client: ['keepalive', 'data'], responder: ['keepalive', 'data'] },
    ...given,
  };
}
