/** The cells of the plane: their names, and what was counted in each of them. */
import type { Cell, Question, Side } from './locate-contract.js';

/** What became of one question's tests. */
export interface Tally extends Question {
  readonly alive: number;
  readonly dead: number;
  /** Rounds in which tests said nothing, and the newest of them. */
  readonly unclear: number;
  readonly unclearIn?: number;
  /** Its answers contradicted each other or their neighbours once and were thrown away: it is asked three times now. */
  readonly cleared: boolean;
}

/** Tallies by the keys of their questions. */
export type Tallies = Readonly<Record<string, Tally>>;

/** Same answers that a decisive cell needs. */
export const DECISIVE = 3;

export function keyOf({ k, m, harm }: Question): string {
  return `${k},${m}${harm ? ' harm' : ''}`;
}

/** A cell as a question. */
export function ask(k: number, m: number): Question {
  return { k, m, harm: false };
}

/** The cell in which one end refreshes with a TTL and the other keeps silent. */
export function cellOf(side: Side, ttl: number): Question {
  return side === 'client' ? ask(ttl, 0) : ask(0, ttl);
}

/** The TTL with which one end refreshes in a cell. */
export function ttlOf(side: Side, cell: Cell): number {
  return side === 'client' ? cell.k : cell.m;
}

/** The ends that refresh in a cell. */
export type RefreshedBy = Side | 'both' | 'none';

export function sideOf({ k, m }: Cell): RefreshedBy {
  if (k > 0) return m > 0 ? 'both' : 'client';
  return m > 0 ? 'responder' : 'none';
}

/** What was counted for a question so far. */
export function tallyOf(tallies: Tallies, question: Question): Tally {
  return tallies[keyOf(question)] ?? { ...question, alive: 0, dead: 0, unclear: 0, cleared: false };
}

/** What a cell's tests agree on; undefined while there is none, too few after a contradiction, or they disagree. */
export function answerOf(tallies: Tallies, question: Question): 'alive' | 'dead' | undefined {
  const { alive, dead, cleared } = tallyOf(tallies, question);
  if (alive + dead < (cleared ? DECISIVE : 1) || (alive > 0 && dead > 0)) return undefined;
  return alive > 0 ? 'alive' : 'dead';
}

/** A question as many times as it has to be asked yet. */
export function missing(tallies: Tallies, question: Question, wanted: number): Question[] {
  const { alive, dead, cleared, k, m, harm } = tallyOf(tallies, question);
  const count = Math.max(cleared ? DECISIVE : 0, wanted) - alive - dead;
  return Array.from({ length: Math.max(0, count) }, () => ({ k, m, harm }));
}

/** Each question once. */
export function unique(questions: readonly Question[]): readonly Question[] {
  const byKey = new Map(questions.map(({ k, m, harm }) => [keyOf({ k, m, harm }), { k, m, harm }]));
  return [...byKey.values()];
}
