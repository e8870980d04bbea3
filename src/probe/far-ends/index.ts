/** The table of protocols: the list of far ends that this program can measure against. */
import type { TargetConfig } from '../../config/config.js';
import type { FarEnd } from '../../config/far-ends.js';
import type { Path, PathOptions, Protocol } from '../path.js';
import { embedded } from './embedded.js';
import { natTcpTest } from './nat-tcp-test.js';
import { native } from './native.js';
import { ssh } from './ssh.js';

const FAR_ENDS: { readonly [Kind in FarEnd['kind']]: Protocol<Extract<FarEnd, { kind: Kind }>> } = {
  native,
  'nat-tcp-test': natTcpTest,
  ssh,
  embedded,
};

/** From a target's configuration to its path; opens nothing yet. @throws TokenError */
export function openPath(options: PathOptions): Path {
  const protocol: Protocol = FAR_ENDS[options.target.far_end.kind];
  return protocol.path(options);
}

/** The name or address that leads to the far end of a target on the network. @throws FarEndError */
export function hostOf(target: TargetConfig): string {
  const { far_end: farEnd } = target;
  if (farEnd.kind === 'embedded') throw new Error('the built-in far end has no host');
  const protocol: Protocol = FAR_ENDS[farEnd.kind];
  return protocol.host?.(target) ?? farEnd.host;
}
