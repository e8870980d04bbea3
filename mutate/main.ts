/**
 * `npm run mutate -- [--seed N] [--count 300] [--room NAME]...`: changes the program in places drawn by the seed, one at a time, and
 * prints which changes no related test notices. @see test/README.md
 */
import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { randomFrom } from '../test/support/prng.js';
import { draw } from './draw.js';
import { fitted, type Mutant, mutantsOf } from './mutants.js';
import { Trial } from './trial.js';

/** Where mutants are drawn from. */
const ROOMS = ['core/search', 'engine', 'probe', 'net', 'wire', 'responder', 'web'];
const COUNT = 300;
/** Mutants of each room at least, of as many as are drawn by default. */
const LEAST = 30;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      count: { type: 'string' },
      room: { type: 'string', multiple: true, default: ROOMS },
    },
  });
  const seed = Number(values.seed ?? randomInt(2 ** 31));
  const count = Number(values.count ?? COUNT);
  const { room: names } = values;
  if (
    !Number.isInteger(seed) ||
    !Number.isInteger(count) ||
    count < 1 ||
    !names.every((name) => ROOMS.includes(name))
  ) {
    console.error('usage: npm run mutate -- [--seed N] [--count N] [--room NAME]...');
    return 2;
  }
  const trial = new Trial(process.cwd());
  try {
    const rooms: Mutant[][] = [];
    for (const room of names) {
      const mutants: Mutant[] = [];
      for (const name of readdirSync(`src/${room}`, { recursive: true, encoding: 'utf8' }).sort()) {
        const file = `src/${room}/${name}`;
        if (file.endsWith('.ts')) mutants.push(...(await mutantsOf(file, trial.read(file))));
      }
      rooms.push(mutants);
    }
    const sizes = names.map((room, index) => `${room} ${rooms[index]?.length ?? 0}`).join(', ');
    console.log(`seed ${seed}; mutants in all: ${sizes}`);
    const chosen = draw(rooms, count, Math.floor((LEAST * Math.min(count, COUNT)) / COUNT), randomFrom(seed));
    const drawn = chosen.flatMap((mutant) => fitted(trial.read(mutant.file), mutant) ?? []);
    if (drawn.length < count) console.log(`${count - drawn.length} of them are no programs`);
    const survivors: Mutant[] = [];
    for (const [index, mutant] of drawn.entries()) {
      const { fate, by } = await trial.try(mutant);
      if (fate === 'survived') survivors.push(mutant);
      console.log(
        `${index + 1}/${drawn.length} ${fate} ${inWords(mutant)}${by === undefined ? '' : ` (${by})`}`,
      );
    }
    console.log(
      `\nseed ${seed}: ${survivors.length} of ${drawn.length} survived (${share(survivors.length, drawn.length)} %)`,
    );
    for (const survivor of survivors) console.log(inWords(survivor));
    return 0;
  } finally {
    trial.close();
  }
}

function share(part: number, whole: number): string {
  return ((100 * part) / whole).toFixed(1);
}

function inWords({ file, line, mutator, replacement }: Mutant): string {
  return `${file}:${line} ${mutator} ${replacement.replace(/\s+/g, ' ').slice(0, 120)}`;
}

process.exitCode = await main();
