/** The benchmark of the search: the product's own state machine in virtual time, and its rivals. */
import { randomFrom } from '../test/support/prng.js';
import { table, writeSection } from './document.js';
import { coldStart, multiples } from './search/cold-start.js';
import type { ColdStart } from './search/cold-start.js';
import {
  FIGURES,
  FULL,
  SHORT,
  SUBSET,
  coldStartsOnGrid,
  coldStartsOnMixture,
  standing,
} from './search/figures.js';
import type { Size } from './search/figures.js';
import { logGrid, quantile, shippedSearch } from './search/model.js';
import { sequential, sequentialNotices, sweep, sweepNotices } from './search/rivals.js';
import { changeNoticed } from './search/steady.js';

const COMMAND = 'npm run bench -- search';
const WORDS = { aim: 'PASS (aim)', pass: 'PASS', below: '**below**' } as const;

/**
 * Prints the figures and writes them to docs/BENCHMARKS.md; `--short` from a fifth of the runs. `--quick` only prints, from
 * the subset of the tests.
 */
export function benchSearch(args: readonly string[]): void {
  const quick = args.includes('--quick');
  const size = quick ? SUBSET : args.includes('--short') ? SHORT : FULL;
  const sections = [about(size), figures(size), coldStarts(size), changes(size)];
  const text = sections.join('\n\n');
  console.log(text);
  if (!quick) writeSection('search', text);
}

function about(size: Size): string {
  return [
    `Measured by \`${COMMAND}${size === SHORT ? ' --short' : ''}\` in virtual time: every figure comes from the state machine that the exporter runs,`,
    'driven over simulated NATs. The model: a test is answered after 60 ms or is a death 8 s later, a test uses its',
    'connection up, opening takes 30 ms. The grid is evenly spaced on a logarithmic scale; the mixture is 90 %',
    'popular values (300, 350, 600, 900, 1200, 1800, 3600, 7200, 7440, 86 400 s, equally likely; the last has no',
    'bracket below `max_idle` and is left out there) and 10 % log-uniform. "±60 s" means a bracket at most 120 s',
    'wide, "±5 s" one at most 10 s wide. Packets are counted as 10 for each connection, not captured.',
    `Runs: ${size.timeouts} timeouts (${size.dearTimeouts} with 130 connections), ${size.changes} changes,`,
    `${size.months} months of disturbances for each timeout, ${size.nodeRuns} paths of two nodes for`,
    `${size.nodeDays} days each. All seeded.`,
  ].join('\n');
}

function figures(size: Size): string {
  const rows = FIGURES.map((figure) => {
    const measured = figure.measure(size);
    console.error(`${figure.name}: ${measured.map((value) => value.toFixed(figure.digits)).join(' · ')}`);
    const show = (values: readonly number[] | undefined): string =>
      values === undefined ? '' : values.map((value) => value.toFixed(figure.digits)).join(' · ');
    const limits = (values: readonly number[] | undefined): string => values?.join(' · ') ?? '';
    const sign = figure.more === true ? '≥ ' : '≤ ';
    const atLeast = figure.atLeast === undefined ? '–' : sign + limits(figure.atLeast);
    const aim = figure.aim === undefined ? '–' : sign + limits(figure.aim);
    return [figure.name, atLeast, aim, show(measured), WORDS[standing(figure, measured)]];
  });
  return table(['figure', 'at least', 'aim', 'measured', ''], rows);
}

function coldStarts(size: Size): string {
  const timeouts = logGrid(120, 7800, size.timeouts, randomFrom(1));
  const dear = logGrid(120, 7739, size.dearTimeouts, randomFrom(6));
  const rows: [string, string, readonly ColdStart[]][] = [
    ['sweep, one test a minute (the original)', '130', timeouts.filter((t) => t < 7740).map(sweep)],
    ['one connection, doubling, then bisection', '1', timeouts.map((timeout) => sequential(timeout, 7800))],
    ...[8, 16, 24, 32].map((count): [string, string, readonly ColdStart[]] => [
      'this search',
      String(count),
      coldStartsOnGrid(count, size),
    ]),
    ['this search, mixture of popular values', '24', coldStartsOnMixture(24, size)],
    ['this search', '130', dear.map((timeout, seed) => coldStart(shippedSearch(130), timeout, seed))],
  ];
  const show = (values: readonly number[]): string =>
    values.length === 0
      ? 'never'
      : `${quantile(values, 0.5).toFixed(2)} · ${quantile(values, 0.95).toFixed(2)} · ${Math.max(...values).toFixed(2)}`;
  return `Cold start, time / T, median · p95 · worst, T from 120 s to 7800 s:\n\n${table(
    ['search', 'connections', '±60 s', '±5 s', '±5 s and 3 deaths', 'opened (median)'],
    rows.map(([name, connections, runs]) => [
      name,
      connections,
      show(multiples(runs, 'within60')),
      show(multiples(runs, 'within5')),
      show(multiples(runs, 'confirmed')),
      quantile(
        runs.map(({ opened }) => opened),
        0.5,
      ).toFixed(0),
    ]),
  )}`;
}

function changes(size: Size): string {
  const kinds = [
    { from: 7440, to: 3600 },
    { from: 7440, to: 7200 },
    { from: 7440, to: 300 },
    { from: 3600, to: 7440 },
  ];
  const show = (delays: readonly (number | undefined)[]): string => {
    const minutes = delays.map((delay) => (delay ?? Number.POSITIVE_INFINITY) / 60);
    return `${quantile(minutes, 0.5).toFixed(0)} · ${Math.max(...minutes).toFixed(0)}`;
  };
  const rows = kinds.flatMap(({ from, to }) =>
    (['existing', 'refreshed'] as const).map((applies) => {
      const repeat = (notice: (seed: number) => number | undefined): (number | undefined)[] =>
        Array.from({ length: Math.ceil(size.changes / 2) }, (_, seed) => notice(seed + 1));
      const isDrop = to < from;
      return [
        `${from} → ${to}`,
        applies === 'existing' ? 'existing and new (A)' : 'new only (B)',
        show(repeat((seed) => changeNoticed(shippedSearch(24), { from, to, applies }, seed))),
        show(repeat((seed) => changeNoticed(shippedSearch(8), { from, to, applies }, seed))),
        isDrop ? show(repeat((seed) => sweepNotices(to, applies, randomFrom(seed)))) : '–',
        isDrop ? show(repeat((seed) => sequentialNotices(from, applies, randomFrom(seed)))) : '–',
      ];
    }),
  );
  return [
    'A change of the timeout until its announcement, minutes, median · worst. This search announces after 4',
    'independent deaths with 24 connections and 3 with 8; its rivals are credited with their very first death:',
    '',
    table(
      ['change', 'mappings that it rules', '24 connections', '8', 'sweep repeated (130)', 'one at a time'],
      rows,
    ),
  ].join('\n');
}
