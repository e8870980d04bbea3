/** The table of protocols: the list of far ends that this program can measure against. */
import type { FarEnd } from '../../config/far-ends.js';
import type { Mode } from '../../core/modes.js';
import type { Path, PathOptions, Protocol, Timing } from '../path.js';
import { embedded } from './embedded.js';
import { natTcpTest } from './nat-tcp-test.js';
import { native } from './native.js';

const FAR_ENDS: { readonly [Kind in FarEnd['kind']]: Protocol<Extract<FarEnd, { kind: Kind }>> } = {
  native,
  'nat-tcp-test': natTcpTest,
  embedded,
};

/** From a target's configuration to its path; opens nothing yet. @throws TokenError */
export function openPath(options: PathOptions): Path {
  const protocol: Protocol = FAR_ENDS[options.target.far_end.kind];
  return protocol.path(options);
}

/**
 * When the moment of a test of this mode is chosen.
 * @throws Error where the far end cannot be asked the mode, which the configuration should not have let through
 */
export function timingOf({ kind }: FarEnd, mode: Mode): Timing {
  const timing = FAR_ENDS[kind].modes[mode];
  if (timing === undefined) throw new Error(`a far end of kind ${kind} cannot be asked ${mode}`);
  return timing;
}
