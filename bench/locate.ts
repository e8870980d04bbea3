/** The benchmark of localisation in virtual time: random chains judged by their own truth, and known ones in words. */
import { locateDuration, locateProgress } from '../src/core/locate/locate-progress.js';
import type { Cell } from '../src/core/locate/locate-contract.js';
import { modesToLocate, refreshInterval } from '../src/core/locate/locatable.js';
import { createLocate, locateStep } from '../src/core/locate/locate-step.js';
import {
  evidenceLines,
  localizationSentence,
  mendedSentence,
  profileSentence,
} from '../src/core/locate/locate-words.js';
import { hopLabel, type PathSurroundings, placeOf } from '../src/core/locate/places.js';
import {
  cellsBehind,
  type CellTimeout,
  leftWhenMended,
  profileCells,
  profileKey,
  profileOf,
} from '../src/core/locate/profile.js';
import { drawChain } from '../test/support/arbitrary-chain.js';
import { driveLocate, type LocateRun, type Troubles } from '../test/support/chain-driver.js';
import { falsehood } from '../test/support/chain-judge.js';
import { findingsOf, optionsFor, timeoutToFind } from '../test/support/chain-options.js';
import { randomFrom } from '../test/support/prng.js';
import {
  type Chain,
  type ChainBox,
  forgettingBoxes,
  hopsOf,
  idleAcross,
} from '../test/support/simulated-chain.js';
import { table, writeSection } from './document.js';
import { quantile } from './search/model.js';

const CHAINS = 3000;
const FIRST_SEED = 1;
/** How long a test may stay unanswered, seconds. */
const DEADLINE = 3;
/** The second box of a chain forgets within so many seconds of the first, or much later. */
const NEAR = 4;
/** Longest idle time that profiles ask about, seconds. */
const LONGEST = 7500;

const R: ChainBox = { kind: 'router' };
const forgets = (kind: ChainBox['kind'], timeout: number): ChainBox => ({ kind, timeout });

/** Chains whose truth can be read off. */
const KNOWN: readonly (readonly [what: string, chain: Chain])[] = [
  ['modem in bridge mode before three routers', [forgets('bridge', 900), R, R, R]],
  ['carrier-grade NAT at hop 3 of 4', [R, R, forgets('router', 900), R]],
  ['home router 900 s, carrier-grade NAT 3600 s', [forgets('router', 900), R, forgets('router', 3600), R]],
];

const SURROUNDINGS: PathSurroundings = { conntrack: {}, guard: 5, addresses: new Map() };

/** Prints the figures and writes them to docs/BENCHMARKS.md. */
export function benchLocate(): void {
  const text = [
    'Measured by `npm run bench -- locate` in virtual time, packet by packet: chains of 0 to 12 routers and transparent',
    `boxes drawn by the seeds from ${FIRST_SEED} on, one to three of which forget. A claim is judged by the chain itself.`,
    'Some boxes drop keepalives or take harm from them: there data is tried, which the exporter itself does not send. On a path',
    'that is not steady a connection is evicted (1 %), says nothing (3 %) or cannot be opened (3 %), each by chance.',
    '',
    table(
      [
        'figure',
        'steady, all',
        'keepalives refresh',
        'keepalives dropped or harmful',
        'not steady, keepalives refresh',
      ],
      random(),
    ),
    '',
    ...KNOWN.map(known),
  ].join('\n');
  console.log(text);
  writeSection('locate', text);
}

/** What goes wrong beside a path that is not steady, each with its probability. */
const UNSTEADY: Troubles = { eviction: 0.01, inconclusive: 0.03, openFails: 0.03 };

interface Located {
  readonly run: LocateRun;
  readonly timeout: number;
  readonly hops: number;
  readonly wrong: boolean;
  /** Keepalives are dropped, or do harm. */
  readonly odd: boolean;
}

function random(): string[][] {
  const steady = locateAll({});
  const clear = steady.filter(({ odd }) => !odd);
  const columns = [
    steady,
    clear,
    steady.filter(({ odd }) => odd),
    locateAll(UNSTEADY).filter(({ odd }) => !odd),
  ].map(figuresOf);
  return (columns[0] ?? []).map(([figure = ''], row) => [
    figure,
    ...columns.map((column) => column[row]?.[1] ?? ''),
  ]);
}

function locateAll(troubles: Troubles): readonly Located[] {
  const runs: Located[] = [];
  for (let seed = FIRST_SEED; runs.length < CHAINS; seed++) {
    const next = randomFrom(seed);
    const { chain, traits } = drawChain(next, [60, 300, 900, 3600][seed % 4] ?? 60, NEAR);
    const found = timeoutToFind(chain);
    if (found === undefined || chain.some(({ rewrites }) => rewrites === 'both')) continue;
    const options = optionsFor(chain, found);
    const run = driveLocate(options, chain, next, troubles);
    const truth = forgettingBoxes(chain, found.mode, options.upper + options.guard);
    const box = run.result?.kind === 'located' ? run.result.box : undefined;
    const wrong = box !== undefined && falsehood(box, truth, hopsOf(chain)) !== undefined;
    const odd = traits.has('eater') || traits.has('trap');
    runs.push({ run, timeout: found.timeout, hops: hopsOf(chain), wrong, odd });
  }
  return runs;
}

function figuresOf(runs: readonly Located[]): string[][] {
  const located = runs.filter(({ run }) => run.result?.kind === 'located');
  const spread = (values: readonly number[], digits: number): string =>
    [quantile(values, 0.5), quantile(values, 0.95), Math.max(...values)]
      .map((value) => value.toFixed(digits))
      .join(' · ');
  return [
    ['chains', String(runs.length)],
    ['wrong claims', String(runs.filter(({ wrong }) => wrong).length)],
    ['located', `${((100 * located.length) / runs.length).toFixed(1)} %`],
    [
      'time / T until then, median · p95 · worst',
      spread(
        located.map(({ run, timeout }) => run.duration / timeout),
        2,
      ),
    ],
    [
      'connections opened, the same',
      spread(
        located.map(({ run }) => run.opened),
        0,
      ),
    ],
    [
      'connections opened less 2 h, the same',
      spread(
        located.map(({ run, hops }) => run.opened - 2 * hops),
        0,
      ),
    ],
    [
      'most at once, the same',
      spread(
        located.map(({ run }) => run.peak),
        0,
      ),
    ],
  ];
}

/** What is said of a chain, with the evidence and the profile. */
function known([what, chain]: (typeof KNOWN)[number]): string {
  const findings = findingsOf(chain);
  const found = modesToLocate(findings, SURROUNDINGS.guard)[0];
  const timeout = timeoutToFind(chain);
  if (found === undefined || timeout === undefined) throw new Error(`${what}: nothing forgets`);
  const options = optionsFor(chain, timeout, { interval: refreshInterval(findings) });
  const first = locateProgress(locateStep(createLocate(options), 0, { kind: 'start' }).state);
  const { result, duration } = driveLocate(options, chain, randomFrom(FIRST_SEED));
  if (result?.kind !== 'located') throw new Error(`${what}: ${String(result?.kind)}`);
  const { box, evidence } = result;
  const expected = Math.round(locateDuration(options, DEADLINE));
  const lines = [
    `Hop ${hopLabel(box, hopsOf(chain))}, place \`${placeOf(box, evidence, SURROUNDINGS)}\`.`,
    ...evidenceLines(evidence),
    `Told beforehand: ${expected} s, beginning with the ${first.stage}; it took ${Math.round(duration)} s.`,
    `Profile: ${profileWords(chain, box).join(' ')}`,
  ];
  const sentence = localizationSentence(result, SURROUNDINGS);
  return `${what[0]?.toUpperCase()}${what.slice(1)}. ${sentence}\n\n${lines.map((line) => `- ${line}`).join('\n')}\n`;
}

function profileWords(chain: Chain, box: Parameters<typeof cellsBehind>[0]): string[] {
  const hops = hopsOf(chain);
  const cells = new Map<string, CellTimeout>();
  for (let asked = profileCells(hops, cells); asked.length > 0; asked = profileCells(hops, cells))
    for (const cell of asked) cells.set(profileKey(cell), search(chain, cell));
  const behind = cellsBehind(box);
  for (const cell of behind) cells.set(profileKey(cell), search(chain, cell));
  const left = leftWhenMended(behind, cells);
  return [
    ...profileOf(hops, cells).map(profileSentence),
    ...(left === undefined ? [] : [mendedSentence(left)]),
  ];
}

/** The idle timeout of a cell by bisection, to ten seconds. */
function search(chain: Chain, { k, m }: Cell): CellTimeout {
  const means = { client: 'keepalive', responder: 'keepalive' } as const;
  const lives = (idle: number): boolean =>
    idleAcross(chain, 'send', idle, { k, m, interval: 30, means }).alive;
  if (lives(LONGEST)) return { lower: LONGEST };
  let [lower, upper] = [0, LONGEST];
  while (upper - lower > 10) {
    const middle = (lower + upper) / 2;
    if (lives(middle)) lower = middle;
    else upper = middle;
  }
  return { lower, upper };
}
