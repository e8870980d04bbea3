/** Which cells are asked next: first what makes rows readable, then the rows, then what a claim rests on. */
import { cellOf, DECISIVE, missing, type Tallies, tallyOf } from './cells.js';
import { cornerOf, echoesOf } from './corner.js';
import type { Question, Side } from './locate-contract.js';
import { commonHops, fullCell, harmControl, liveSides, type LocateState, SILENT } from './locate-state.js';
import { gapOf, rowOf, spread, stepOf } from './refresh-rows.js';

/** The step of an end's row; undefined while it is not known. */
export function stepOfEnd({ tallies, ends }: LocateState, side: Side): number | undefined {
  return stepOf(rowOf(tallies, side, ends[side].distance ?? 0));
}

/**
 * The questions that are to be asked now, at most as many as there are places; the same one may stand there several
 * times. Empty when all is known that can be.
 */
export function nextQuestions(state: LocateState): readonly Question[] {
  const { places } = state.options;
  const controls = controlsOf(state);
  const steps = liveSides(state).map((side) => stepOfEnd(state, side));
  if (steps.every((step) => step !== undefined))
    return [
      ...controls,
      ...decisiveCells(state).flatMap((cell) => missing(state.tallies, cell, DECISIVE)),
    ].slice(0, places);
  return [...controls, ...rowQuestions(state, places - controls.length)].slice(0, places);
}

/** What makes rows readable: nobody refreshes, each end refreshes all the way, and refreshes do no harm. */
function controlsOf(state: LocateState): readonly Question[] {
  const { tallies, ends } = state;
  return [
    ...missing(tallies, SILENT, 1),
    ...liveSides(state).flatMap((side) => again(tallies, fullCell(side, ends[side]))),
    ...liveSides(state).flatMap((side) => {
      const control = harmControl(side, ends[side]);
      return control === undefined ? [] : again(tallies, control);
    }),
  ];
}

/** A control that must be alive: one death may be an eviction, so that it is asked once more. */
function again(tallies: Tallies, control: Question): Question[] {
  const { alive, dead } = tallyOf(tallies, control);
  return missing(tallies, control, alive === 0 && dead === 1 ? 2 : 1);
}

/** The cells in which the steps may lie yet, as many as there are places, evenly spread. */
function rowQuestions(state: LocateState, places: number): readonly Question[] {
  const { tallies, ends } = state;
  const gaps = liveSides(state).map((side) => {
    const { distance = 0 } = ends[side];
    return gapOf(side, rowOf(tallies, side, distance), distance);
  });
  const all = gaps.reduce((sum, gap) => sum + gap.length, 0);
  return gaps
    .flatMap((gap) => spread(gap, Math.max(1, Math.floor((places * gap.length) / Math.max(1, all)))))
    .flatMap((cell) => missing(tallies, cell, 1));
}

/** The cells on which a claim rests, once the steps are known: those beside each step, the corner, the echoes. */
function decisiveCells(state: LocateState): readonly Question[] {
  const hops = commonHops(state);
  const [kc, ks] = [stepOfEnd(state, 'client'), stepOfEnd(state, 'responder')];
  const beside = liveSides(state).flatMap((side) => {
    const step = stepOfEnd(state, side) ?? 0;
    return [cellOf(side, step - 1), cellOf(side, step)];
  });
  if (hops === undefined || kc === undefined || ks === undefined) return unique(beside);
  return unique([...beside, cornerOf({ kc, ks }), ...echoesOf({ hops, kc, ks })]);
}

function unique(cells: readonly Question[]): readonly Question[] {
  return cells.filter(
    ({ k, m }, index) => cells.findIndex((other) => other.k === k && other.m === m) === index,
  );
}
