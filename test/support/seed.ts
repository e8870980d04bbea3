/**
 * The seed of properties: another one at each run, so that every run looks at other worlds. It is printed, and
 * `PROPERTY_SEED=5382 npx vitest run …` repeats the run.
 */
import { randomInt } from 'node:crypto';

const VARIABLE = 'PROPERTY_SEED';

/** @throws when the environment names a seed that is none */
export function propertySeed(): number {
  const given = process.env[VARIABLE];
  const seed = given === undefined ? randomInt(2 ** 31) : Number(given);
  if (!Number.isInteger(seed)) throw new Error(`${VARIABLE} must be an integer, not ${String(given)}`);
  console.log(`seed ${seed}; to repeat: ${VARIABLE}=${seed}`);
  return seed;
}
