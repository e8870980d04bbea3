/** The table of protocols: the list of far ends that this program can measure against. */
import type { FarEnd } from '../../config/far-ends.js';
import type { Path, PathOptions, Protocol } from '../path.js';
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
