/** Which cells are asked next: first what makes rows readable, then the rows, then what a claim rests on. */
import { cellOf, DECISIVE, keyOf, missing, type Tallies, tallyOf, unique } from './cells.js';
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
  const steps = stepsPossible(state);
  const decisive = decisiveOf(state, steps).flatMap((cell) => missing(state.tallies, cell, DECISIVE));
  const pairs = steps.client.length * steps.responder.length;
  if (
    pairs === 1 ||
    (state.rounds > 0 && pairs > 0 && pairs <= STEPS_AT_ONCE && controls.length + decisive.length <= places)
  ) {
    const others = controls.filter((control) => !decisive.some((cell) => keyOf(cell) === keyOf(control)));
    const spares = isDisturbed(state) ? unique(decisive) : [];
    return [...others, ...decisive, ...spares].slice(0, places);
  }
  return [...controls, ...rowQuestions(state, places - controls.length)].slice(0, places);
}

/** So few pairs of steps are told apart and confirmed in one idle time: what a lost or doubtful test has left open. */
const STEPS_AT_ONCE = 4;

/** Whether tests were lost: where one was, others will be, so that each decisive cell gets one more. */
function isDisturbed({ tallies, failures }: LocateState): boolean {
  return failures > 0 || Object.values(tallies).some(({ unclear }) => unclear > 0);
}

/** The steps that an end's row may have yet; undefined alone where it has no row. */
type StepsPossible = Readonly<Record<Side, readonly (number | undefined)[]>>;

function stepsPossible(state: LocateState): StepsPossible {
  const of = (side: Side): readonly (number | undefined)[] => {
    const { means, distance = 0 } = state.ends[side];
    if (means === undefined) return [undefined];
    const step = stepOfEnd(state, side);
    if (step !== undefined) return [step];
    const { dead = 0, alive = distance + 1 } = rowOf(state.tallies, side, distance);
    return Array.from({ length: alive - dead }, (_, index) => dead + 1 + index);
  };
  return { client: of('client'), responder: of('responder') };
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

/** The cells on which a claim rests, whichever of the steps are the right ones. */
function decisiveOf(state: LocateState, { client, responder }: StepsPossible): readonly Question[] {
  return unique(client.flatMap((kc) => responder.flatMap((ks) => decisiveCells(state, kc, ks))));
}

/** The cells on which a claim rests: those beside each step, the corner, the echoes. */
function decisiveCells(
  state: LocateState,
  kc: number | undefined,
  ks: number | undefined,
): readonly Question[] {
  const hops = commonHops(state);
  const beside = (side: Side, step: number | undefined): readonly Question[] =>
    step === undefined ? [] : [cellOf(side, step - 1), cellOf(side, step)];
  const rows = [...beside('client', kc), ...beside('responder', ks)];
  if (hops === undefined || kc === undefined || ks === undefined) return rows;
  return [...rows, cornerOf({ kc, ks }), ...echoesOf({ hops, kc, ks })];
}
