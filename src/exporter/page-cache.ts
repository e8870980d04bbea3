/** What is drawn or read for the page is kept for a moment, however many look at it. */
import type { HistoryEntry } from '../history/entry.js';
import type { TargetSnapshot } from '../engine/snapshot.js';
import type { Milliseconds, Seconds } from '../units.js';
import { guarded, type TellBroken } from './guard.js';
import { changeKey } from './live-events.js';
import { type CardContext, renderCard } from './page/card.js';
import { renderRow } from './page/fleet-table.js';

/** How long an unchanged card is handed out again; the passing of time is drawn by the browser. */
const FRAGMENT_KEPT_MS: Milliseconds = 500;
const HISTORY_KEPT_MS: Milliseconds = 60_000;

/** A target's pieces of the page, as its script takes them over. */
interface Fragment {
  readonly name: string;
  /** Unix time at which they were true. */
  readonly at: Seconds;
  /** Empty where only rows are wanted. */
  readonly card: string;
  readonly row: string;
}

/** Renders a target at most once in a while, however many look at it: drawing must not hold up the probes. */
export function cachedFragments(): (
  target: TargetSnapshot,
  context: CardContext,
  rowsOnly: boolean,
) => Fragment {
  const cache = new Map<
    string,
    { readonly key: number; readonly until: number; readonly fragment: Fragment }
  >();
  return (target, context, rowsOnly) => {
    const { name } = target.config;
    const slot = `${rowsOnly ? 'row' : 'card'} ${name}`;
    const kept = cache.get(slot);
    // A target that cannot be shown changes all the time.
    const key = guarded<number>(
      target,
      () => undefined,
      changeKey,
      () => NaN,
    );
    if (kept?.key === key && performance.now() < kept.until) return kept.fragment;
    const card = rowsOnly ? '' : renderCard(target, context).text;
    const row = renderRow(target, context).text;
    const fragment: Fragment = { name, at: context.now, card, row };
    cache.set(slot, { key, until: performance.now() + FRAGMENT_KEPT_MS, fragment });
    return fragment;
  };
}

/** Reads the histories of some targets; each is read again after a minute, however many look at it. */
export function cachedHistories(
  read: ((target: string) => Promise<readonly HistoryEntry[]>) | undefined,
  broken: TellBroken,
): (targets: readonly TargetSnapshot[]) => Promise<ReadonlyMap<string, readonly HistoryEntry[]>> {
  const cache = new Map<
    string,
    { readonly at: number; readonly entries: Promise<readonly HistoryEntry[]> }
  >();
  return async (targets) => {
    if (read === undefined) return new Map();
    const found = new Map<string, readonly HistoryEntry[]>();
    await Promise.all(
      targets.map(async (target) => {
        const { name } = target.config;
        let kept = cache.get(name);
        if (kept === undefined || performance.now() - kept.at > HISTORY_KEPT_MS) {
          const entries = read(name).catch((error: unknown) => {
            broken(target, error);
            return [];
          });
          kept = { at: performance.now(), entries };
          cache.set(name, kept);
        }
        found.set(name, await kept.entries);
      }),
    );
    return found;
  };
}
