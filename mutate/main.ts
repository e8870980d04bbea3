/**
 * `npm run mutate -- [--seed N] [--count 300] [--room NAME]... [--thorough]`, or with `--by-hand`: changes the program in
 * places drawn by the seed, or chosen by hand, one at a time, and prints which changes no related test notices. A room may
 * be a file of one, `web/server.ts`: all of its changes are tried where it has fewer than the count. @see test/README.md
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { randomFrom } from '../test/support/prng.js';
import { BY_HAND } from './by-hand.js';
import { Copy } from './copy.js';
import { draw } from './draw.js';
import { fitted, instrument, type Mutant, replaced } from './mutants.js';
import { reach, type Reaching } from './reach.js';
import { type Fate, Trial } from './trial.js';

/** Where mutants are drawn from. */
const ROOMS = ['core/search', 'engine', 'probe', 'net', 'wire', 'responder', 'web'];
const COUNT = 300;
/** Mutants of each room at least, of as many as are drawn by default. */
const LEAST = 30;
/** What the test files reach, from run to run. */
const MEMORY = 'build/mutate/reach.json';

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      count: { type: 'string' },
      room: { type: 'string', multiple: true, default: ROOMS },
      'by-hand': { type: 'boolean', default: false },
      thorough: { type: 'boolean', default: false },
    },
  });
  const seed = Number(values.seed ?? randomInt(2 ** 31));
  const count = Number(values.count ?? COUNT);
  const { room: names } = values;
  if (
    !Number.isInteger(seed) ||
    !Number.isInteger(count) ||
    count < 1 ||
    !names.every((name) => ROOMS.some((room) => `${name}/`.startsWith(`${room}/`)))
  ) {
    console.error(
      'usage: npm run mutate -- [--seed N] [--count N] [--room NAME]... [--by-hand] [--thorough]',
    );
    return 2;
  }
  const copy = new Copy(process.cwd());
  const trial = new Trial(copy, values.thorough);
  try {
    const instrumented = await instrument([
      ...ROOMS.flatMap((room) => copy.sources(`src/${room}`)),
      ...[...new Set(BY_HAND.map(({ file }) => file))]
        .filter((file) => !ROOMS.some((room) => file.startsWith(`src/${room}/`)))
        .map((file) => ({ file, text: copy.read(file) })),
    ]);
    const { mutants } = instrumented;
    const rooms = names.map((room) => [...mutants].filter(([, { file }]) => isIn(file, room)));
    const drawn = (): readonly Mutant[] => {
      const sizes = names.map((room, index) => `${room} ${rooms[index]?.length ?? 0}`).join(', ');
      console.log(`seed ${seed}; mutants in all: ${sizes}`);
      const most = Math.min(count, rooms.flat().length);
      const least = Math.floor((LEAST * Math.min(most, COUNT)) / COUNT);
      return draw(rooms, most, least, randomFrom(seed)).map(([, mutant]) => mutant);
    };
    const chosen = values['by-hand']
      ? BY_HAND.map((change) => replaced(copy.read(change.file), change))
      : drawn();
    const reaching = await reach(copy, instrumented, join(process.cwd(), MEMORY));
    const fates: Told[] = [];
    for (const [index, mutant] of chosen.entries()) {
      const program = values['by-hand'] ? mutant : fitted(copy.read(mutant.file), mutant);
      const before = performance.now();
      const { fate, by = '' } =
        program === undefined
          ? { fate: 'killed' as const, by: 'no program' }
          : await trial.try(program, reachingAt(mutant, mutants, reaching));
      fates.push({ mutant, fate });
      const seconds = ((performance.now() - before) / 1000).toFixed(0);
      console.log(`${index + 1}/${chosen.length} ${fate} ${inWords(mutant)} (${by} ${seconds} s)`);
    }
    for (const room of names) {
      const own = fates.filter(({ mutant }) => isIn(mutant.file, room));
      if (own.length > 0) console.log(`${room}: ${inNumbers(own)}`);
    }
    console.log(`\n${values['by-hand'] ? 'by hand' : `seed ${seed}`}: ${inNumbers(fates)}`);
    for (const { mutant, fate } of fates) if (fate === 'survived') console.log(inWords(mutant));
    return 0;
  } finally {
    await trial.close();
    copy.close();
  }
}

/** @param room a folder of `src/`, or a file in it */
function isIn(file: string, room: string): boolean {
  return `${file}/`.startsWith(`src/${room}/`);
}

interface Told {
  readonly mutant: Mutant;
  readonly fate: Fate;
}

/**
 * The test files that reach the changed text: a mutant inside of it, or the least one around it; anything of its file
 * where there is neither, as for a number of the module.
 */
function reachingAt(
  { file, from, to }: Mutant,
  mutants: ReadonlyMap<string, Mutant>,
  reaching: ReadonlyMap<string, readonly Reaching[]>,
): readonly Reaching[] {
  const near = [...mutants].filter(([, other]) => other.file === file);
  const inside = near.filter(([, other]) => other.from >= from && other.to <= to);
  const around = near
    .filter(([, other]) => other.from <= from && other.to >= to)
    .sort(([, a], [, b]) => a.to - a.from - (b.to - b.from));
  const files = new Map<string, Reaching>();
  const here = [...inside, ...around.slice(0, 1)];
  for (const [id] of here.length > 0 ? here : near)
    for (const test of reaching.get(id) ?? []) files.set(test.file, test);
  return [...files.values()];
}

function inNumbers(fates: readonly Told[]): string {
  const count = (fate: Fate) => fates.filter((each) => each.fate === fate).length;
  const share = ((100 * count('survived')) / fates.length).toFixed(1);
  return `${count('survived')} of ${fates.length} survived (${share} %), ${count('timed out')} timed out`;
}

function inWords({ file, line, mutator, replacement }: Mutant): string {
  return `${file}:${line} ${mutator} ${replacement.replace(/\s+/g, ' ').slice(0, 120)}`;
}

process.exitCode = await main();
