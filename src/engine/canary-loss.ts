/** What it means that canaries of a path are lost although a fresh connection works. */
import type { LinkEnd } from '../net/errors.js';
import type { Introduction } from '../probe/path.js';
import type { LivingCanary } from './living-canary.js';

/** Why every canary is lost although a fresh connection works. */
export type Loss = 'mappingLoss' | 'farEndRestarted' | 'closedByFarEnd' | 'outageOutlasted';

/**
 * What it means that all canaries are lost although a fresh connection works.
 * @param ends how each of them ended, where it did
 * @param fresh what that connection learnt
 */
export function lossOf(
  canaries: readonly LivingCanary[],
  ends: readonly (LinkEnd['kind'] | undefined)[],
  { instance }: Introduction,
): Loss | undefined {
  const known = canaries.map(({ canary }) => canary.introduction.instance);
  if (instance !== undefined && !known.includes(undefined)) {
    if (!known.includes(instance)) return 'farEndRestarted';
  } else if (ends.every((end) => end === 'closed')) return 'farEndRestarted';
  if (ends.every((end) => end === 'silence' || end === 'unreachable')) return 'outageOutlasted';
  if (ends.includes('closed')) return 'closedByFarEnd';
  // A forgotten mapping is silent, or answered with a RST once it is used: whoever was reset at once never stayed.
  return canaries.some(({ heardAt, hasStayed }, index) =>
    ends[index] === undefined ? heardAt !== undefined : hasStayed,
  )
    ? 'mappingLoss'
    : undefined;
}

/** Those whose questions have arrived at the far end, which does not answer them. */
export async function hangingOf(
  silent: readonly LivingCanary[],
  signal: AbortSignal,
): Promise<ReadonlySet<LivingCanary>> {
  const hang = await Promise.all(
    silent.map(async ({ canary }) => canary.end === undefined && (await canary.hangs?.(signal)) === true),
  );
  return new Set(silent.filter((_, index) => hang[index]));
}

/**
 * Whether connections beside canaries that were cut off still come through, as far as the far end can be asked: then it was
 * their end, and not that of all mappings.
 */
export async function othersLive(lost: readonly LivingCanary[], signal: AbortSignal): Promise<boolean> {
  const live = await Promise.all(
    lost.map(async ({ canary }) => canary.end === undefined && (await canary.othersLive?.(signal)) === true),
  );
  return live.includes(true);
}
