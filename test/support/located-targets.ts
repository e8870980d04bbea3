/** Targets that forget after an hour, and what was found of where. */
import type { ForgettingBox, Localization } from '../../src/core/locate/localization.js';
import { type LocalizationFound, modeLocating, told } from '../../src/core/locate/locating.js';
import type { TargetSnapshot } from '../../src/engine/snapshot.js';
import { forgettingTarget, SCENE_TIME } from './fake-view.js';
import { BRIDGE_MODEM, locating, locatingAgain, CGN, PROFILE, SURROUNDINGS } from './located.js';

const { evidence } = BRIDGE_MODEM;

/** A localisation with another box and the evidence of the bridge modem: what is shown of it does not depend on that. */
export function boxed(box: ForgettingBox): Localization {
  return { kind: 'located', box, evidence };
}

/** A target on which `send` came to this, with the same told in words. */
export function locatedTarget(name: string, found: Omit<LocalizationFound, 'at'>): TargetSnapshot {
  return { ...forgettingTarget(name), locating: locating(found) };
}

/** The blog's modem with its profile, a CGN that is asked for again, two boxes, and one that nobody looks for. */
export function locatedTargets(): TargetSnapshot[] {
  const again = locatingAgain({ result: CGN });
  return [
    locatedTarget('home', { result: BRIDGE_MODEM, profile: PROFILE }),
    { ...forgettingTarget('office'), locating: again },
    locatedTarget('both', { result: boxed({ kind: 'several', kc: 3, ks: 3 }) }),
    {
      ...forgettingTarget('idle'),
      locating: {
        ...again,
        modes: [modeLocating('send', { why: 'the far end cannot refresh connections' })],
      },
    },
  ];
}

/** What `told` says of a box where the hosts' own tracking and the routers' addresses are known. */
export function toldOf(box: ForgettingBox, addresses = SURROUNDINGS.addresses, local?: number) {
  const conntrack = local === undefined ? SURROUNDINGS.conntrack : { local };
  return told({ at: SCENE_TIME, result: boxed(box) }, { ...SURROUNDINGS, conntrack, addresses });
}
