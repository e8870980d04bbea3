/** Tests whose moment is fixed when the connection is opened (legacy recv): decides the ages to launch. */
import type { Seconds } from '../../units.js';
import { agreeingDeaths, deathsForBracket, isClosed, resolutionOf, upperOf } from './bracket.js';
import { discard, open, roomOf } from './draft-connections.js';
import { askDistance } from './bracket.js';
import { KNOWN_VALUES } from './known-values.js';
import { confirmation, ladderOf, nextRung } from './questions.js';
import { callWitnesses } from './rise.js';
import type { Draft } from './state.js';
import { deathsMissing } from './suspicion.js';

/** Decides what to launch until the bracket is closed and confirmed. */
export function searchAppointed(draft: Draft): void {
  if (draft.deaths.length === 0) climb(draft);
  else refine(draft);
}

/** Suspicions and rises in the steady state: the witnesses have to be launched. */
export function huntAppointed(draft: Draft): void {
  callWitnesses(draft);
  for (const suspicion of draft.suspicions) {
    const witnesses = inFlight(draft).filter(
      (age) => age >= suspicion.idle - 1e-6 && age <= suspicion.idle * 1.1,
    );
    let missing = Math.min(roomOf(draft), deathsMissing(draft, suspicion) - witnesses.length);
    for (; missing > 0; missing--) open(draft, 'lower', suspicion.idle);
  }
}

/** Ages asked about by the connections that are open, rising. */
function inFlight(draft: Draft): Seconds[] {
  return draft.connections
    .map((connection) => connection.testAt ?? 0)
    .filter((age) => age > 0)
    .sort((a, b) => a - b);
}

function climb(draft: Draft): void {
  const { options } = draft;
  const ladder = ladderOf(options.connections);
  while (roomOf(draft) > 0) {
    const ages = inFlight(draft);
    const highest = Math.max(draft.lower, ages.at(-1) ?? 0);
    if (highest < options.maxIdle - 1e-6) open(draft, 'ladder', nextRung(draft, highest, ladder));
    else {
      const gap = widestGap([draft.lower, ...ages.filter((age) => age > draft.lower)]);
      if (gap.width <= options.resolution) return;
      open(draft, 'ladder', Math.max(options.minIdle, gap.middle));
    }
  }
}

function refine(draft: Draft): void {
  const { lower, options } = draft;
  const upper = upperOf(draft);
  for (const connection of draft.connections) {
    const age = connection.testAt ?? 0;
    if (age <= lower || age > upper + 2 * resolutionOf(draft)) discard(draft, connection);
  }
  let missing =
    deathsForBracket(draft) - agreeingDeaths(draft) - inFlight(draft).filter((age) => age >= upper).length;
  for (; missing > 0 && roomOf(draft) > 0 && isClosed(draft); missing--)
    open(draft, 'ladder', confirmation(draft));
  while (roomOf(draft) > 0 && !isClosed(draft)) {
    const question = nextGap(draft, lower, upper);
    if (question === undefined) return;
    open(draft, 'ladder', Math.max(options.minIdle, question));
  }
}

/** Just below and above a known value, then the middle of the widest gap between the ages already asked about. */
function nextGap(draft: Draft, lower: Seconds, upper: Seconds): Seconds | undefined {
  const inside = inFlight(draft).filter((age) => age > lower && age < upper);
  const distance = askDistance(draft.options);
  for (const known of KNOWN_VALUES)
    for (const question of [known - distance, known + distance])
      if (question > lower && question < upper && question >= draft.options.minIdle)
        if (!inside.some((age) => Math.abs(age - question) < distance / 2)) return question;
  const gap = widestGap([Math.max(lower, lower === 0 ? draft.options.minIdle - 1e-3 : 0), ...inside, upper]);
  if (gap.width <= resolutionOf(draft) / 2) return undefined;
  return gap.middle;
}

function widestGap(ages: readonly Seconds[]): { width: Seconds; middle: Seconds } {
  let widest = { width: 0, middle: 0 };
  for (let index = 1; index < ages.length; index++) {
    const from = ages[index - 1] ?? 0;
    const to = ages[index] ?? 0;
    if (to - from > widest.width) widest = { width: to - from, middle: (from + to) / 2 };
  }
  return widest;
}
