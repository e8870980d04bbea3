/** Survivals beyond the upper bound: asks for more of them at once, and takes the refuted finding back. */
import { DEATHS_OF_A_CLAIM } from '../finding.js';
import type { Seconds } from '../../units.js';
import { deathsForBracket, upperOf } from './bracket.js';
import { countEarly, NOTHING_COUNTED } from './census.js';
import { addAnchor } from './climb.js';
import { open, roomOf } from './draft-connections.js';
import { watchQuestion } from './questions.js';
import type { Draft, Survival } from './state.js';
import { suspect } from './suspicion.js';

/** Survivals in a row beyond the upper bound that make a rise. */
const RISE_SURVIVALS = 4;
const RISE_SURVIVALS_MOST = 64;
const DAY: Seconds = 86_400;

/**
 * Survivals in a row that a rise needs now: doubled by each drop of the last day, so that a path whose nodes
 * disagree stays on the worse of its two answers instead of flapping.
 */
export function survivalsForRise(draft: Draft): number {
  draft.drops = draft.drops.filter((at) => draft.now - at < DAY);
  return Math.min(RISE_SURVIVALS_MOST, RISE_SURVIVALS * 2 ** draft.drops.length);
}

/** A survival beyond the upper bound: too few deaths there were no deaths by age, or the timeout rose. */
export function survivedBeyondUpper(draft: Draft, survival: Survival): void {
  const overtaken = draft.deaths.filter((death) => death.idle <= survival.idle);
  if (overtaken.length < deathsForBracket(draft)) {
    raiseLower(draft, survival.idle);
    for (const death of overtaken) {
      suspect(draft, death);
      if (death.closed !== true) draft.census = countEarly(draft.census, { ...death, alive: false });
    }
    return;
  }
  if (draft.risen === 0) draft.risenAt = draft.now;
  draft.risen += 1;
  if (draft.risen >= survivalsForRise(draft)) declareRise(draft, survival.idle);
}

/**
 * While a rise is being confirmed: opens what is missing of its witnesses at once instead of at the next rounds. No
 * more than a first rise needs: where nodes disagree, more would come and go without end.
 */
export function callWitnesses(draft: Draft): void {
  if (draft.risen === 0) return;
  const upper = upperOf(draft);
  const needed = Math.min(RISE_SURVIVALS, survivalsForRise(draft) - draft.risen);
  const asking = draft.connections.filter(({ testAt }) => testAt !== undefined && testAt > upper).length;
  for (let missing = Math.min(needed - asking, roomOf(draft)); missing > 0; missing--)
    open(draft, 'lower', watchQuestion(draft, 'lower'));
}

/** What was shown is refuted and gone in the same moment: what is left is what the survivals prove. */
function declareRise(draft: Draft, idle: Seconds): void {
  // Deaths from before the rise speak of the old timeout, whatever their idle time was.
  draft.deaths = draft.deaths.filter((death) => death.at >= draft.risenAt);
  raiseLower(draft, idle);
  draft.risen = 0;
  if (draft.confirmedAt !== null) draft.actions.push({ kind: 'announce', change: 'rise' });
  draft.published = null;
  draft.census = NOTHING_COUNTED;
  const proof = draft.deaths.filter(({ idle: at, closed }) => closed !== true && at < draft.options.required);
  // Nothing proves the 0 any more; but where the timeout also dropped within a day, it may do so again.
  if (draft.compliant === false && proof.length < DEATHS_OF_A_CLAIM && draft.drops.length === 0)
    draft.compliant = null;
  if (draft.deaths.length === 0) addAnchor(draft);
}

function raiseLower(draft: Draft, idle: Seconds): void {
  draft.lower = idle;
  draft.deaths = draft.deaths.filter((death) => death.idle > idle);
  if (draft.deaths.length > 0) return;
  // A new climb: its pace counts from the start of the oldest connection that can take part.
  draft.climbSince = draft.connections.reduce(
    (oldest, { since }) => Math.min(oldest, since ?? oldest),
    draft.now,
  );
}
