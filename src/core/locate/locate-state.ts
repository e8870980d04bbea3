/** What a localisation remembers: a plain value. */
import type { Seconds } from '../../units.js';
import { ask, cellOf, type Tallies } from './cells.js';
import type { DistanceSearch } from './distances.js';
import {
  type LocateAction,
  type LocateOptions,
  type Means,
  type ProbeId,
  type Question,
  type Side,
  SIDES,
} from './locate-contract.js';
import type { CellCount, LocateEvidence, Localization, NotLocated } from './localization.js';

/** Share of the longest idle time that survives at which harm controls are tested. */
const HARM_SHARE = 0.9;

/** One end of the path. */
export interface End {
  /** How it refreshes; undefined once it is lost, or where it never could. */
  readonly means: Means | undefined;
  /** Why its refreshes say nothing, after all ways were tried. */
  readonly lost?: NotLocated;
  readonly search?: DistanceSearch;
  /** Routers as it counts them. */
  readonly distance?: number;
  /** Tests in which its refreshes arrived that must not, or did not that must. */
  readonly strays: number;
  /** Tests with the largest TTL in which its refreshes did not arrive. */
  readonly unanswered: number;
}

/** One connection, from the wish to open it to its one verdict. */
export interface Probe {
  readonly id: ProbeId;
  readonly question: Question;
  readonly state: 'opening' | 'idle' | 'testing';
  /** When its idle clock started; absent while it is opened. */
  readonly since?: Seconds;
  /** In place of one that was lost in the same round: the next round does not wait for it. */
  readonly again?: true;
}

export interface LocateState {
  readonly options: LocateOptions;
  readonly now: Seconds;
  readonly stage: 'new' | 'distances' | 'cells' | 'over';
  readonly ends: Readonly<Record<Side, End>>;
  readonly tallies: Tallies;
  readonly probes: readonly Probe[];
  /** Questions of this round whose tests were lost: they are asked again in it, once. */
  readonly lost: readonly Question[];
  readonly nextId: ProbeId;
  /** Rounds of connections since it began, or began anew. */
  readonly rounds: number;
  /** Connections opened so far. */
  readonly opened: number;
  readonly interruptions: number;
  /** Connections that could not be opened. */
  readonly failures: number;
  /** When the next round may begin, after connections could not be opened. */
  readonly resumeAt: Seconds | null;
  readonly result: Localization | null;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A state under change, with the actions that it asks for. */
export interface LocateDraft extends Mutable<LocateState> {
  actions: LocateAction[];
}

/** An end at the start, with the first of its ways to refresh. */
export function freshEnd(options: LocateOptions, side: Side): End {
  return { means: options.means[side][0], strays: 0, unanswered: 0 };
}

/** Idle time at which a question's connection is tested, seconds. */
export function testAt({ lower, upper, guard }: LocateOptions, { harm }: Question): Seconds {
  return harm ? HARM_SHARE * lower : upper + guard;
}

/** The ends that refresh, the client first. */
export function liveSides(state: Pick<LocateState, 'ends'>): readonly Side[] {
  return SIDES.filter((side) => state.ends[side].means !== undefined);
}

/** The number of routers on which both ends agree; undefined where they do not, or only one can tell. */
export function commonHops({ ends }: Pick<LocateState, 'ends'>): number | undefined {
  const { client, responder } = ends;
  if (client.means === undefined || responder.means === undefined) return undefined;
  return client.distance === responder.distance ? client.distance : undefined;
}

/** The cell in which an end refreshes with the smallest TTL that reaches the other one. */
export function fullCell(side: Side, { distance = 0 }: End): Question {
  return cellOf(side, distance + 1);
}

/**
 * The harm control of an end: refreshed up to the last router, so that all are reached that any row reaches unanswered.
 * Undefined without a router.
 */
export function harmControl(side: Side, { distance = 0 }: End): Question | undefined {
  return distance === 0 ? undefined : { ...cellOf(side, distance), harm: true };
}

/** The cell that nobody refreshes. */
export const SILENT: Question = ask(0, 0);

/** Gives up connections: no verdict of theirs is wanted any more. */
export function discardProbes(draft: LocateDraft, isUnwanted: (probe: Probe) => boolean): void {
  const unwanted = draft.probes.filter(isUnwanted);
  for (const { id } of unwanted) draft.actions.push({ kind: 'discard', id });
  draft.probes = draft.probes.filter((probe) => !unwanted.includes(probe));
}

/** Ends the localisation: connections that are still open are given up. */
export function conclude(draft: LocateDraft, result: Localization): void {
  discardProbes(draft, () => true);
  draft.stage = 'over';
  draft.result = result;
  draft.actions.push({ kind: 'conclude', result });
}

/** Ends it without a box. */
export function giveUp(draft: LocateDraft, reason: NotLocated): void {
  conclude(draft, { kind: 'not_located', reason, evidence: evidenceOf(draft) });
}

/** All that was seen. */
export function evidenceOf({ options, ends, tallies }: LocateState): LocateEvidence {
  const { mode, lower, upper, interval } = options;
  const counts = (harm: boolean): CellCount[] =>
    Object.values(tallies)
      .filter((tally) => tally.harm === harm && tally.alive + tally.dead > 0)
      .map(({ k, m, alive, dead }) => ({ k, m, alive, dead }))
      .sort((a, b) => a.k - b.k || a.m - b.m);
  const known = <Value>(read: (end: End) => Value | undefined): Partial<Record<Side, Value>> =>
    Object.fromEntries(
      SIDES.map((side) => [side, read(ends[side])] as const).filter(([, value]) => value !== undefined),
    );
  return {
    mode,
    lower,
    upper,
    idle: testAt(options, SILENT),
    interval,
    hops: known(({ distance }) => distance),
    cells: counts(false),
    harm: counts(true),
    lost: known(({ lost }) => lost),
  };
}
