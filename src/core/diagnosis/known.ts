/** Which known products share a measured value: a hint, never a proof. */
import { durationWithSeconds } from '../human-duration.js';
import { KNOWN_TIMEOUTS, type KnownTimeout } from '../known-timeouts.js';
import { type Mode, MODE_ROWS } from '../modes.js';
import type { Seconds } from '../../units.js';
import { type Forgets, nearBracket, outcomeSentence } from './outcome.js';
import { type Explanation, hint } from './explanation.js';

/** Most products that one hint names; the rest is counted. */
const MOST_NAMES = 4;

/** Widest bracket, relative to its upper bound, that still singles a value out. */
const WIDEST_BRACKET = 0.1;

/** Best sources first. */
const EVIDENCE_ORDER: readonly KnownTimeout['evidence'][] = [
  'source-code',
  'vendor-doc',
  'third-party',
  'user-report',
];

/**
 * A hint at products with a timeout like the shortest one measured; undefined when the bracket is too wide to
 * single one out or nothing fits. Observations on somebody's line are never named.
 *
 * @param patterns ids of the explanations already given: a product that is known to behave otherwise is left out
 */
export function knownValues(
  dying: readonly (readonly [Mode, Forgets])[],
  patterns: readonly string[],
  guard: Seconds,
): Explanation | undefined {
  const shortest = [...dying].sort(([, a], [, b]) => a.upper - b.upper)[0];
  if (shortest === undefined) return undefined;
  const [mode, bracket] = shortest;
  if (bracket.upper - bracket.lower > Math.max(2 * guard, WIDEST_BRACKET * bracket.upper)) return undefined;
  const rows = KNOWN_TIMEOUTS.filter(
    (row) =>
      row.kind !== 'measured' &&
      row.withoutData !== true &&
      nearBracket(bracket, row.tcpEstablished, Math.min(guard, 0.02 * bracket.upper)) &&
      !contradicts(row, dying, patterns),
  ).sort((a, b) => rank(a) - rank(b));
  if (rows.length === 0) return undefined;
  const values = [...new Set(rows.map((row) => row.tcpEstablished))];
  const named = rows.slice(0, MOST_NAMES).map((row) => row.name);
  const more = rows.length > MOST_NAMES ? ` and ${rows.length - MOST_NAMES} more` : '';
  return hint(
    'known_value',
    `Looks like: ${named.join('; ')}${more} (${values.map((v) => durationWithSeconds(v)).join(', ')} by default). ` +
      'Many products share a value: a hint, not a proof.',
    [
      outcomeSentence(mode, bracket),
      ...rows.slice(0, MOST_NAMES).map((row) => `${row.name}: ${row.tcpEstablished} s (${row.source}).`),
    ],
  );
}

function contradicts(
  row: KnownTimeout,
  dying: readonly (readonly [Mode, Forgets])[],
  patterns: readonly string[],
): boolean {
  const loose = patterns.includes('revived_from_inside');
  const reset = dying.some(([, { manner }]) => manner === 'reset' || manner === 'reset_idle');
  const inside = dying.filter(([mode]) => MODE_ROWS[mode].from === 'inside');
  const silentData = inside.some(
    ([mode, { manner }]) => MODE_ROWS[mode].answeredBy === 'program' && manner === 'silence',
  );
  switch (row.onExpiry) {
    case 'loose':
      return !loose && inside.length > 0;
    case 'drop':
      return loose || reset;
    case 'reset':
      return loose || silentData;
    case 'unknown':
      return false;
  }
}

/** Rows whose behaviour is known come first (it fits, else they were left out), then the better source. */
function rank(row: KnownTimeout): number {
  return (row.onExpiry === 'unknown' ? EVIDENCE_ORDER.length : 0) + EVIDENCE_ORDER.indexOf(row.evidence);
}
