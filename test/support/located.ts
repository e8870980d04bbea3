/** What localisations come to, made by hand, for tests of what shows them. */
import type { LocateEvidence, Localization } from '../../src/core/locate/localization.js';
import {
  type Locating,
  type LocalizationFound,
  modeLocating,
  type Profile,
  told,
} from '../../src/core/locate/locating.js';
import type { PathSurroundings } from '../../src/core/locate/places.js';
import { SCENE_TIME } from './fake-view.js';

/** A path of three routers whose addresses are known. */
export const ADDRESSES = [
  { hop: 1, address: '192.168.1.1' },
  { hop: 2, address: '100.64.2.1' },
] as const;

export const SURROUNDINGS: PathSurroundings = {
  conntrack: { responder: 432_000 },
  guard: 5,
  addresses: new Map(ADDRESSES.map(({ hop, address }) => [hop, address])),
};

/** The modem in bridge mode in front of hop 1: this end's TTL 1 keeps it fresh, the far end needs all of its own. */
const EVIDENCE: LocateEvidence = {
  mode: 'send',
  lower: 3598,
  upper: 3602,
  idle: 3607,
  interval: 55,
  hops: { client: 3, responder: 3 },
  cells: [
    { k: 0, m: 0, alive: 0, dead: 3 },
    { k: 0, m: 1, alive: 0, dead: 1 },
    { k: 0, m: 2, alive: 0, dead: 1 },
    { k: 0, m: 3, alive: 0, dead: 3 },
    { k: 0, m: 4, alive: 3, dead: 0 },
    { k: 1, m: 0, alive: 3, dead: 0 },
    { k: 2, m: 0, alive: 1, dead: 0 },
    { k: 3, m: 0, alive: 1, dead: 0 },
    { k: 4, m: 0, alive: 1, dead: 0 },
  ],
  harm: [
    { k: 0, m: 3, alive: 1, dead: 0 },
    { k: 3, m: 0, alive: 1, dead: 0 },
  ],
  lost: {},
};

export const BRIDGE_MODEM: Localization = {
  kind: 'located',
  box: { kind: 'transparent', after: 0, kc: 1, ks: 4 },
  evidence: EVIDENCE,
};

/** The provider's router at hop 2, which told an address of RFC 6598. */
export const CGN: Localization = {
  kind: 'located',
  box: { kind: 'router', hop: 2, kc: 2, ks: 2 },
  evidence: {
    ...EVIDENCE,
    cells: [
      { k: 0, m: 0, alive: 0, dead: 3 },
      { k: 0, m: 1, alive: 0, dead: 3 },
      { k: 0, m: 2, alive: 3, dead: 0 },
      { k: 1, m: 0, alive: 0, dead: 3 },
      { k: 1, m: 1, alive: 0, dead: 3 },
      { k: 2, m: 0, alive: 3, dead: 0 },
      { k: 3, m: 0, alive: 1, dead: 0 },
    ],
  },
};

export const MIXED: Localization = { kind: 'not_located', reason: 'mixed', evidence: EVIDENCE };

/** What stands along the path with the bridge modem. */
export const PROFILE: Profile = {
  at: SCENE_TIME - 1800,
  places: [
    { hop: '0-1', kind: 'transparent', lower: 3598, upper: 3602 },
    { hop: '1', kind: 'router', lower: 7440 },
  ],
  behind: { lower: 7440 },
};

/** A path on which `send` came to this, and the other modes wait. */
export function locating(found: Omit<LocalizationFound, 'at'>): Locating {
  const other = 'it forgets when send does, where it is located';
  return {
    hops: { client: 3, responder: 3 },
    addresses: ADDRESSES,
    modes: [
      modeLocating('send', { found: told({ at: SCENE_TIME - 3600, ...found }, SURROUNDINGS) }),
      modeLocating('recv', { why: other }),
      modeLocating('keepalive', { why: other }),
    ],
  };
}

/** The same while `send` is asked again. */
export function locatingAgain(found: Omit<LocalizationFound, 'at'>): Locating {
  const before = locating(found);
  const running = { stage: 'rows', connections: 11, tests: 0, left: 7200 } as const;
  return {
    ...before,
    modes: before.modes.map((each) =>
      each.mode === 'send' ? modeLocating('send', { running, found: each.found }) : each,
    ),
  };
}
