/** The benchmark of the modes of one target together: 24 connections each beside 12, in virtual time. */
import { table, writeSection } from './document.js';
import { standing } from './search/figures.js';
import {
  FEW_FIGURES,
  type ModeFigure,
  MODES_FULL,
  MODES_SHORT,
  MODES_SUBSET,
  type ModeSize,
  modeFigures,
} from './search/mode-figures.js';

const WORDS = { aim: 'PASS (aim)', pass: 'PASS', below: '**below**' } as const;

const SIZES: Readonly<Record<string, ModeSize>> = { '--quick': MODES_SUBSET, '--short': MODES_SHORT };

/**
 * Prints the figures and writes them to docs/BENCHMARKS.md; `--short` simulates less than half as much, `--quick` the
 * subset of the tests.
 */
export function benchModes(args: readonly string[]): void {
  const [size = MODES_FULL] = args.flatMap((arg) => SIZES[arg] ?? []);
  const command = ['npm run bench -- search-modes', ...args].join(' ');
  const text = [
    about(size, command),
    table(['figure', 'at least', 'aim', '3 × 24', '', '3 × 12', ''], rows(size)),
    table(
      ['figure', 'at least', 'aim', 'measured', ''],
      FEW_FIGURES.map((figure) => [...limitsOf(figure), ...measured(figure, size)]),
    ),
  ].join('\n\n');
  console.log(text);
  writeSection('search-modes', text);
}

function about({ timeouts, pools, days, months, quiet, changes }: ModeSize, command: string): string {
  return [
    `Measured by \`${command}\` in virtual time, with the model above: three modes of a`,
    'target over one NAT, which tell one another what they test and hint what to ask. Pools: a share forgets after 300, 900',
    `or 3600 s, the others after a day, with 0.5 % evictions and an outage a day. Runs: ${timeouts} timeouts,`,
    `${pools} paths of ${days} days for each pool, ${changes} changes, ${months} months of evictions at T = ${quiet.join(', ')} s. All seeded.`,
  ].join('\n');
}

function rows(size: ModeSize): string[][] {
  const twelve = modeFigures(12);
  return modeFigures(24).map((figure, index) => [
    ...limitsOf(figure),
    ...measured(figure, size),
    ...measured(twelve[index] ?? figure, size),
  ]);
}

function limitsOf({ name, more, atLeast, aim }: ModeFigure): string[] {
  const sign = more === true ? '≥ ' : '≤ ';
  return [name, ...[atLeast, aim].map((limits) => (limits === undefined ? '–' : sign + limits.join(' · ')))];
}

function measured(figure: ModeFigure, size: ModeSize): string[] {
  const values = figure.measure(size);
  console.error(`${figure.name}: ${values.map((value) => value.toFixed(figure.digits)).join(' · ')}`);
  return [values.map((value) => value.toFixed(figure.digits)).join(' · '), WORDS[standing(figure, values)]];
}
