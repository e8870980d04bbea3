/** The steady state: keeps the finding fresh with few tests, and hunts down every suspicion at once. */
import type { Seconds } from '../../units.js';
import { resolutionOf, upperOf } from './bracket.js';
import {
  ageOf,
  discard,
  idleConnections,
  isAged,
  open,
  replace,
  test,
  testAtAge,
  wakeAt,
} from './draft-connections.js';
import { usableHint } from './hints.js';
import { watchQuestion } from './questions.js';
import { callWitnesses } from './rise.js';
import { earnedLaunches, GROUP_BUDGET } from './rounds.js';
import type { Connection, Draft, Role, Suspicion } from './state.js';
import { deathsMissing } from './suspicion.js';

/**
 * Roles of the connections of one group, launched together. Ages alike make each of them the other's witness: a
 * death at half the bound is confirmed by its siblings at once. Different questions spread the tests over time.
 */
const GROUP_ROLES: readonly Role[] = ['half', 'lower', 'between', 'upper'];
/** Roles in turn when the budget is too small for groups: evenly spaced ages are each other's witnesses. */
const SINGLE_ROLES: readonly Role[] = ['lower', 'half', 'lower', 'upper'];

/** A survival that is no older than this answers a sibling's suspicion, seconds. */
const SURVIVAL_IS_RECENT: Seconds = 600;

/** Takes a round: launches what the pace of the budget allows. */
export function launchRound(draft: Draft): void {
  const roles = draft.options.connections >= GROUP_BUDGET ? GROUP_ROLES : SINGLE_ROLES;
  const size = roles === GROUP_ROLES ? roles.length : 1;
  const count = earnedLaunches(draft, Math.min(upperOf(draft), draft.options.maxIdle), size);
  for (let member = 0; member < count; member++) {
    const role = roles[draft.watched % roles.length] ?? 'lower';
    draft.watched += 1;
    open(draft, role, watchQuestion(draft, role));
  }
}

/** Tests what is ripe and what a suspicion asks for. */
export function watch(draft: Draft): void {
  adoptLadder(draft);
  for (const suspicion of draft.suspicions) hunt(draft, suspicion);
  askSuspected(draft);
  for (const connection of idleConnections(draft))
    testAtAge(
      draft,
      connection,
      suspectedQuestion(draft, connection) ?? watchQuestion(draft, connection.role),
    );
  callWitnesses(draft);
}

/** A sibling suspects an idle time: one connection as old is asked, unless one survived it a moment ago. */
function askSuspected(draft: Draft): void {
  const { suspected } = usableHint(draft);
  if (suspected === undefined || draft.suspicions.length > 0) return;
  if (draft.connections.some(({ state }) => state === 'testing')) return;
  const isRecent = draft.survivals.some(
    ({ idle, at }) => idle >= suspected - 1 && draft.now - at < SURVIVAL_IS_RECENT,
  );
  const witness = idleConnections(draft).findLast((connection) => isAged(draft, connection, suspected));
  if (!isRecent && witness !== undefined) test(draft, witness);
}

/** While a suspicion waits for younger connections to come of age, they ask about its idle time. */
function suspectedQuestion(draft: Draft, connection: Connection): Seconds | undefined {
  if (connection.role === 'half' || connection.since === undefined) return undefined;
  for (const { idle, since } of draft.suspicions)
    if (connection.since >= since && idle >= draft.lower / 3) return idle;
  return undefined;
}

/** Gives the connections that a search left over a role in the steady state. */
function adoptLadder(draft: Draft): void {
  for (const connection of draft.connections) {
    if (connection.role !== 'ladder' && connection.role !== 'anchor') continue;
    if (connection.state === 'testing') continue;
    const age = ageOf(draft, connection);
    if (age > upperOf(draft) + 2 * resolutionOf(draft)) {
      discard(draft, connection);
      continue;
    }
    replace(draft, {
      ...connection,
      role: isAged(draft, connection, watchQuestion(draft, 'lower')) ? 'upper' : 'lower',
    });
  }
}

/** Looks for the deaths that would confirm a suspicion, or the survivals that would end it. */
function hunt(draft: Draft, suspicion: Suspicion): void {
  let missing = deathsMissing(draft, suspicion);
  for (const connection of draft.connections) if (connection.state === 'testing') missing -= 1;
  const idle = idleConnections(draft);
  const witnesses = idle.filter((connection) => isAged(draft, connection, suspicion.idle));
  witnesses.sort(
    (a, b) => Number((a.since ?? 0) < suspicion.since) - Number((b.since ?? 0) < suspicion.since),
  );
  for (const connection of witnesses) {
    if (missing <= 0) return;
    test(draft, connection);
    missing -= 1;
  }
  if (missing <= 0 || draft.connections.some((connection) => connection.state === 'testing')) return;
  const least = Math.max(suspicion.idle / 2, suspicion.survived + 1, draft.options.minIdle);
  const younger = idle.find((connection) => {
    const age = ageOf(draft, connection);
    return age >= least && age < suspicion.idle;
  });
  if (younger !== undefined) test(draft, younger);
  for (const connection of idle)
    if (
      connection !== younger &&
      (connection.since ?? 0) >= suspicion.since &&
      !isAged(draft, connection, suspicion.idle)
    )
      wakeAt(draft, (connection.since ?? 0) + suspicion.idle);
}
