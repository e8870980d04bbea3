/** What the router on the way out tells of itself: its outer address, asked for now and then. */
import { isIPv4 } from 'node:net';
import type { Clock } from '../clock.js';
import type { Seconds } from '../units.js';
import { defaultGateway } from './default-gateway.js';
import { askOuterAddress } from './nat-pmp.js';

/** The same router is asked at most this often, whatever it answered, seconds. */
const ASK_AGAIN_AFTER: Seconds = 3600;

/** Both ends of a path, as addresses without port. */
export interface PathEnds {
  readonly local: string;
  readonly remote: string;
}

export interface RouterAnswer {
  /** The router's outer IPv4 address. */
  readonly address: string;
  /** When it was asked, monotonic seconds. */
  readonly askedAt: Seconds;
}

/**
 * Asks the default gateway of a path for its outer address, or returns what it answered within the last hour.
 * Undefined where there is no such gateway, and where it does not answer or refuses. Never throws.
 */
export type AskRouter = (ends: PathEnds) => Promise<RouterAnswer | undefined>;

/** Makes an `AskRouter` with a memory of its own; targets that share a router share its answer. */
export function createAskRouter(
  clock: Clock,
  ask: typeof askOuterAddress = askOuterAddress,
  gatewayOf: typeof defaultGateway = defaultGateway,
): AskRouter {
  const asked = new Map<string, { readonly at: Seconds; readonly answer: Promise<string | undefined> }>();
  return async ({ local, remote }) => {
    const gateway = await gatewayOf(remote);
    if (gateway === undefined || !isIPv4(local)) return undefined;
    const now = clock.monotonic();
    for (const [key, { at }] of asked) if (now - at >= ASK_AGAIN_AFTER) asked.delete(key);
    const key = `${local} ${gateway}`;
    const question = asked.get(key) ?? { at: now, answer: ask({ gateway, local, clock }) };
    asked.set(key, question);
    const address = await question.answer;
    return address === undefined ? undefined : { address, askedAt: question.at };
  };
}
