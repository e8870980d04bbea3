/** Tests counted by their idle time. */
import type { Seconds } from '../../units.js';
import type { Tally } from './minority.js';

/** Entries of a tally, and tests in it, beyond which the nearest are merged and the old ones fade. */
const MOST_ENTRIES = 40;
const MOST_TESTS = 800;
const FADING = 0.9;
/** How much farther apart entries with deaths count than entries without. */
const EDGE = 1000;

/** Idle times no farther apart than this are told as one, seconds. */
export function nearness(idle: Seconds): Seconds {
  return Math.max(1, Math.min(4, 0.003 * idle));
}

/** The tally with one test more. */
export function tallied(tally: readonly Tally[], idle: Seconds, alive: boolean): readonly Tally[] {
  const more = added(tally, { idle, alive: Number(alive), dead: Number(!alive) });
  const total = more.reduce((sum, entry) => sum + entry.alive + entry.dead, 0);
  const bounded = more.length > MOST_ENTRIES ? mergedNearest(more) : more;
  if (total <= MOST_TESTS) return bounded;
  return bounded.map((entry) => ({ ...entry, alive: entry.alive * FADING, dead: entry.dead * FADING }));
}

/** The tests of two tallies in one. */
export function united(tally: readonly Tally[], other: readonly Tally[]): readonly Tally[] {
  const merged: Tally[] = [];
  let next = 0;
  for (const entry of tally) {
    for (let one = other[next]; one !== undefined && one.idle < entry.idle; one = other[++next])
      merged.push(one);
    merged.push(entry);
  }
  merged.push(...other.slice(next));
  const joined: Tally[] = [];
  for (const entry of merged) {
    const last = joined.at(-1);
    if (last === undefined || entry.idle - last.idle > nearness(entry.idle)) joined.push(entry);
    else
      joined[joined.length - 1] = {
        ...last,
        alive: last.alive + entry.alive,
        dead: last.dead + entry.dead,
      };
  }
  return joined;
}

function added(tally: readonly Tally[], one: Tally): readonly Tally[] {
  const { idle } = one;
  const nearest = tally.reduce<Tally | undefined>(
    (best, entry) => (Math.abs(entry.idle - idle) < Math.abs((best?.idle ?? Infinity) - idle) ? entry : best),
    undefined,
  );
  if (nearest === undefined || Math.abs(nearest.idle - idle) > nearness(idle))
    return [...tally, one].sort((a, b) => a.idle - b.idle);
  return tally.map((entry) =>
    entry === nearest ? { ...entry, alive: entry.alive + one.alive, dead: entry.dead + one.dead } : entry,
  );
}

/**
 * The two entries that are nearest to one another, as shares of their idle time, become one: rather two of survivors
 * alone, for an edge between survivals and deaths would be lost.
 */
function mergedNearest(tally: readonly Tally[]): readonly Tally[] {
  let closest = 1;
  for (let index = 2; index < tally.length; index++)
    if (distanceAt(tally, index) < distanceAt(tally, closest)) closest = index;
  return tally.flatMap((entry, index) => {
    const next = tally[index + 1];
    if (index === closest) return [];
    if (index !== closest - 1 || next === undefined) return [entry];
    const [weight, more] = [entry.alive + entry.dead, next.alive + next.dead];
    const idle = (entry.idle * weight + next.idle * more) / (weight + more);
    return [{ idle, alive: entry.alive + next.alive, dead: entry.dead + next.dead }];
  });
}

function distanceAt(tally: readonly Tally[], index: number): number {
  const [entry, before] = [tally[index], tally[index - 1]];
  if (entry === undefined || before === undefined) return Infinity;
  return entry.idle / before.idle + (entry.dead + before.dead > 0 ? EDGE : 0);
}
