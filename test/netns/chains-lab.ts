/**
 * Chains of the kernel's own boxes, drawn by chance and located side by side, each judged by its own truth. Prints what
 * was said of each, writes the figures to docs/BENCHMARKS.md, and ends with 1 where a claim was false or fewer than 95 %
 * were located.
 *
 *     npm run lab:chains -- [chains=100] [seed=chance]
 */
import { table, writeSection } from '../../bench/document.js';
import type { Localization } from '../../src/core/locate/localization.js';
import { hopsOf } from '../support/simulated-chain.js';
import { missingForBridges } from './chains.js';
import { falsehoodOf, locateChain, type RandomChain, randomChains } from './locate-chain.js';
import { missingForLab } from './requirements.js';

/** Chains at once: each has two programs, which share the processors with the others. */
const AT_ONCE = 12;
/** Share that must be located. */
const ENOUGH = 0.95;

interface Judged {
  readonly chain: RandomChain;
  readonly result: Localization;
  readonly wrong: string | undefined;
}

async function judge(chain: RandomChain): Promise<Judged> {
  const { seed, boxes, mode, family } = chain;
  const result = await locateChain(boxes, mode, { family });
  const wrong = falsehoodOf(chain, result);
  const said = result.kind === 'located' ? JSON.stringify(result.box) : `not located: ${result.reason}`;
  console.log(`seed ${seed}, ${hopsOf(boxes)} routers, IP${family}, ${mode}: ${wrong ?? said}`);
  return { chain, result, wrong };
}

/** Does the same with each of a list, so many at a time. */
async function sideBySide<T, U>(list: readonly T[], work: (each: T) => Promise<U>): Promise<U[]> {
  const queue = [...list];
  const done: U[] = [];
  const worker = async (): Promise<void> => {
    for (let each = queue.shift(); each !== undefined; each = queue.shift()) done.push(await work(each));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return done;
}

function figures(judged: readonly Judged[], seed: number, seconds: number): string {
  const count = (holds: (each: Judged) => boolean): string => String(judged.filter(holds).length);
  const reasons = judged.flatMap(({ result }) => (result.kind === 'not_located' ? [result.reason] : []));
  const kind = (wanted: string): string =>
    count(({ result }) => result.kind === 'located' && result.box.kind === wanted);
  const rows = [
    ['chains (seeds from)', `${judged.length} (${seed})`],
    [
      'over IPv6 · in `recv`',
      `${count(({ chain }) => chain.family === 'v6')} · ${count(({ chain }) => chain.mode === 'recv')}`,
    ],
    ['wrong claims', count(({ wrong }) => wrong !== undefined)],
    ['located', count(({ result }) => result.kind === 'located')],
    [
      'as router · transparent · looking at the TTL first',
      ['router', 'transparent', 'ttl_first'].map(kind).join(' · '),
    ],
    ['as several · one-sided', ['several', 'one_sided'].map(kind).join(' · ')],
    [
      'not located, why',
      reasons.length === 0 ? 'none' : [...new Set(reasons)].map((reason) => `\`${reason}\``).join(', '),
    ],
    ['time for all, side by side', `${Math.round(seconds)} s`],
  ];
  return [
    `Measured by \`npm run lab:chains\` on real kernels: chains of boxes in network namespaces, each with one to three boxes that`,
    'forget after 10 s, in the place of the product plain sockets; the claims are those of the same machine.',
    '',
    table(['figure', 'measured'], rows),
  ].join('\n');
}

const missing = [...missingForLab(), ...missingForBridges()];
if (missing.length > 0) throw new Error(`lab:chains: missing ${missing.join('; ')}`);
const [count = 100, seed = Math.floor(Math.random() * 2 ** 31)] = process.argv.slice(2).map(Number);
if (![count, seed].every((value) => Number.isInteger(value) && value > 0))
  throw new Error(`lab:chains: whole numbers, found ${process.argv.slice(2).join(' ')}`);
console.log(`seed ${seed}; to repeat: npm run lab:chains -- ${count} ${seed}`);
const began = performance.now();
const judged = await sideBySide(randomChains(seed, count), judge);
const text = figures(judged, seed, (performance.now() - began) / 1000);
console.log(text);
writeSection('chains', text);
const located = judged.filter(({ result }) => result.kind === 'located').length;
process.exitCode = judged.some(({ wrong }) => wrong !== undefined) || located < ENOUGH * count ? 1 : 0;
