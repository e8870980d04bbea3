/**
 * `npm run attack -- [NAME…]`: runs the attacks of these names, or all of them one after the other, against the
 * built program on loopback, and writes their rows to docs/RELIABILITY.md. The files of attack/attacks are the list.
 */
import { readdirSync } from 'node:fs';
import type { Attack, Outcome } from './attack.js';
import { House } from './support/house.js';
import { rowOf, writeRows } from './support/table.js';

const FOLDER = new URL('attacks/', import.meta.url);

const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.js'))
  .map((file) => file.replace(/\.js$/, ''))
  .sort();

async function attackOf(name: string): Promise<Attack> {
  const { attack } = (await import(new URL(`${name}.js`, FOLDER).href)) as { attack: Attack };
  return attack;
}

async function usage(unknown: string): Promise<number> {
  console.error(`no attack is called "${unknown}"; there are:`);
  for (const name of names) console.error(`  ${name}  ${(await attackOf(name)).about}`);
  return 2;
}

async function runOne(name: string): Promise<{ readonly row: string; readonly held: boolean }> {
  const attack = await attackOf(name);
  const house = await House.open();
  const abandon = (): void => {
    void house.close().then(() => process.exit(3));
  };
  process.once('SIGINT', abandon).once('SIGTERM', abandon);
  let outcome: Outcome;
  try {
    outcome = await attack.run(house);
  } catch (error) {
    // What cannot be measured has not held: a program that died cannot be asked.
    const [said = ''] = String(error).split('\n');
    outcome = { load: '–', held: false, outcome: 'could not be measured', figure: said.slice(-160) };
  } finally {
    process.off('SIGINT', abandon).off('SIGTERM', abandon);
    await house.close();
  }
  const row = rowOf(name, attack, outcome);
  console.log(row);
  if (!outcome.held) console.log(`  ${name} SUCCEEDED, what must hold: ${attack.criterion}`);
  return { row, held: outcome.held };
}

async function main(wanted: readonly string[]): Promise<number> {
  for (const name of wanted) if (!names.includes(name)) return usage(name);
  const rows = new Map<string, string>();
  const lost: string[] = [];
  for (const name of wanted.length > 0 ? wanted : names) {
    const { row, held } = await runOne(name);
    rows.set(name, row);
    if (!held) lost.push(name);
    // After each: a run that is broken off leaves the rows that it has.
    writeRows(rows, names);
  }
  if (lost.length > 0) console.error(`attacks that succeeded: ${lost.join(', ')}`);
  return lost.length > 0 ? 1 : 0;
}

process.exitCode = await main(process.argv.slice(2));
