/** Keeps a target that cannot be shown from taking the others with it. */
import type { TargetSnapshot } from '../engine/snapshot.js';

/** What is told of one damaged target, once for each thing that is wrong with it. */
export type TellBroken = (target: TargetSnapshot, error: unknown) => void;

/** More kinds of trouble than this are not told: it has been said often enough. */
const MOST_TOLD = 1_000;

/** Tells the same of the same target once. */
export function tellOnce(tell: (name: string, error: unknown) => void): TellBroken {
  const told = new Set<string>();
  return ({ config: { name } }, error) => {
    const key = `${name}\n${whyBroken(error)}`;
    if (told.has(key) || told.size >= MOST_TOLD) return;
    told.add(key);
    tell(name, error);
  };
}

/** What is wrong, for people. */
export function whyBroken(error: unknown): string {
  return error instanceof Error && error.message !== '' ? error.message : String(error);
}

/** Makes something of a target, or else what stands in its place. */
export function guarded<T>(
  target: TargetSnapshot,
  tell: TellBroken,
  make: (target: TargetSnapshot) => T,
  instead: (why: string) => T,
): T {
  try {
    return make(target);
  } catch (error) {
    tell(target, error);
    return instead(whyBroken(error));
  }
}
