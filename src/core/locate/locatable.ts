/** In which modes a path's box can be located, and how often connections are refreshed meanwhile. */
import type { FindingsByMode } from '../diagnosis/publishable.js';
import { DEATHS_OF_A_CLAIM, type Finding } from '../finding.js';
import { MODES, type Mode } from '../modes.js';
import type { Seconds } from '../../units.js';

/**
 * Longest time between two refreshes, seconds. The fourth unanswered keepalive in a row leaves a Linux box's mapping
 * 300 s (`nf_conntrack_tcp_timeout_max_retrans`), however long its timeout is: a longer interval would kill what it
 * should keep. Not a whole minute, after which some boxes forget: which of both comes first would be chance.
 */
const LONGEST_INTERVAL: Seconds = 55;

/** Shortest that either end can do, seconds. */
const SHORTEST_INTERVAL: Seconds = 1;

/**
 * Refreshes within the shortest timeout. So many that a harm control sees what the fourth does: an entry that it leaves
 * less than one interval is gone before the control is tested.
 */
const REFRESHES_PER_TIMEOUT = 8;

/** A finding whose bracket is confirmed: somebody forgets, all connections alike, and not in doubt. */
export interface Locatable {
  readonly mode: Mode;
  readonly lower: Seconds;
  readonly upper: Seconds;
}

/**
 * The modes in which a box can be looked for. One that forgets when another does adds nothing and is left out. Loose
 * boxes forget in `recv` only: there they are found.
 *
 * @param guard distance within which two brackets are one, seconds
 */
export function modesToLocate(findings: FindingsByMode, guard: Seconds): readonly Locatable[] {
  const found: Locatable[] = [];
  for (const mode of MODES) {
    const bracket = bracketOf(findings[mode]);
    if (bracket === undefined) continue;
    const isKnown = found.some(
      ({ lower, upper }) => bracket.lower <= upper + guard && lower <= bracket.upper + guard,
    );
    if (!isKnown) found.push({ mode, ...bracket });
  }
  return found;
}

/** The bracket of a finding that can be asked about; undefined while it is not one or does not hold for all. */
function bracketOf(finding: Finding | undefined): Omit<Locatable, 'mode'> | undefined {
  if (finding === undefined || finding.suspect || finding.closed === true) return undefined;
  const { lower, upper, timeout, deaths, mixture } = finding;
  if (lower === undefined || upper === undefined || timeout === undefined || mixture !== undefined)
    return undefined;
  return lower > 0 && deaths >= DEATHS_OF_A_CLAIM ? { lower, upper } : undefined;
}

/**
 * Whole seconds between two refreshes on a path: a part of the shortest idle timeout that any mode has shown, so that
 * boxes which forget sooner in another mode stay fresh as well.
 */
export function refreshInterval(findings: FindingsByMode): Seconds {
  const shortest = MODES.flatMap((mode) => {
    const { lower, upper } = findings[mode] ?? {};
    return upper === undefined || lower === undefined ? [] : [lower];
  });
  const wanted = Math.min(LONGEST_INTERVAL, ...shortest.map((lower) => lower / REFRESHES_PER_TIMEOUT));
  return Math.max(SHORTEST_INTERVAL, Math.floor(wanted));
}
