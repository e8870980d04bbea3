/** What to do about a box that was located, and whom to ask: decided here, told by page, report and terminal. */
import { durationWithSeconds } from '../human-duration.js';
import type { Seconds } from '../../units.js';
import type { ForgettingBox } from './localization.js';
import type { HopAddress, LocalizationTold } from './locating.js';
import type { LocatedPlace } from './places.js';

export interface PlaceAdvice {
  /** What whoever reads this can do, in one to three sentences. */
  readonly todo: string;
  /**
   * What to ask of whoever runs the line, in one or two sentences; absent where it is none of theirs. It accuses nobody:
   * who runs a hop cannot be measured.
   */
  readonly letter?: string;
}

/** What a box of Linux takes, and what it has unless told otherwise. */
const TRACKING = 'net.netfilter.nf_conntrack_tcp_timeout_established = 432000';

/**
 * The advice about a located box; undefined where none was located.
 *
 * @param required idle time that has to survive, seconds
 */
export function placeAdvice(
  { result, place = 'unknown' }: LocalizationTold,
  addresses: readonly HopAddress[],
  required: Seconds,
): PlaceAdvice | undefined {
  if (result.kind === 'not_located') return undefined;
  const { box, evidence } = result;
  const hop = (number: number): string => hopWords(number, addresses);
  const enough = `at least ${durationWithSeconds(required)}`;
  const hops = evidence.hops.client ?? 0;
  switch (box.kind) {
    case 'transparent':
      return transparentAdvice(box, place, { hops, hop, enough });
    case 'router':
    case 'ttl_first':
      return routerAdvice(hop(box.hop), place, enough);
    case 'several':
      return {
        todo: 'More than one box has to be mended: begin with the nearest one, then let it be looked for again.',
        letter: `Please find the devices on this line that forget idle TCP connections, at least two of them (see “Which box forgets”), and set their timeouts for established TCP connections to ${enough}.`,
      };
    case 'one_sided':
      return {
        todo: 'One end alone cannot tell which of the places named it is. Begin with those that are yours.',
        letter: `Please find which of the devices named under “Which box forgets” forgets idle TCP connections, and set its timeout for established TCP connections to ${enough}.`,
      };
  }
}

function hopWords(hop: number, addresses: readonly HopAddress[]): string {
  const address = addresses.find((each) => each.hop === hop)?.address;
  return `hop ${hop}${address === undefined ? '' : ` (${address})`}`;
}

/** What a path is called in advice. */
interface Path {
  readonly hops: number;
  readonly hop: (number: number) => string;
  readonly enough: string;
}

type Transparent = Extract<ForgettingBox, { kind: 'transparent' }>;

function transparentAdvice(
  { after }: Transparent,
  place: LocatedPlace,
  { hops, hop, enough }: Path,
): PlaceAdvice {
  if (place === 'own_host')
    return { todo: `Raise this computer's own connection tracking (${TRACKING}), then measure again.` };
  if (place === 'far_end')
    return { todo: `Raise the connection tracking of the far end's host (${TRACKING}), then measure again.` };
  if (hops === 0)
    return {
      todo: 'No router stands in between: look at the firewalls of both hosts, and at what connects them.',
    };
  if (after === 0)
    return {
      todo:
        `It stands on this side of ${hop(1)}. Switch the firewall of the modem off (in bridge mode it should not track ` +
        "connections at all), update it, or put another one in its place; then look at this computer's own firewall. " +
        'Measure again after each change.',
    };
  if (after === hops)
    return {
      todo:
        `It stands behind ${hop(hops)}, in front of the far end: ask whoever runs that host or its cloud (a firewall, a ` +
        'security group, a load balancer). A far end elsewhere does not show it.',
    };
  const where = `between ${hop(after)} and ${hop(after + 1)}`;
  return {
    todo: `Look at what stands ${where}: where a modem in bridge mode of yours does, switch its firewall off, update it, or put another one in its place.`,
    letter: `Please find what stands ${where} without an address of its own (a modem in bridge mode, a transparent firewall): it should not track connections at all, or keep established TCP connections for ${enough}.`,
  };
}

/** What is said of the address beside whom to ask. */
const TO_WHOM: Partial<Readonly<Record<LocatedPlace, string>>> = {
  cgn_hop:
    'Its address is one of 100.64.0.0/10, which providers use inside of their networks: give them the report.',
  public_hop: 'The registry of its address (whois) says who runs it: give them the report.',
};

function routerAdvice(router: string, place: LocatedPlace, enough: string): PlaceAdvice {
  const what = `timeout for established TCP connections to ${enough}`;
  if (place === 'private_hop')
    return {
      todo: `If the router at ${router} is yours, set its ${what}; then nobody has to be asked. Otherwise give the report to whoever runs it.`,
      letter: `If you supplied or run the router at ${router}, counted from our computer: please set its ${what}.`,
    };
  return {
    todo: TO_WHOM[place] ?? `Whoever runs the router at ${router} has to mend it: give them the report.`,
    letter: `Please set, of the router at ${router} as counted from our computer, the ${what}.`,
  };
}
