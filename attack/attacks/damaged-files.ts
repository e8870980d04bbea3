/** State and history files that are well-formed and wrong. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { historyFileName } from '../../src/history/store.js';
import type { Attack } from '../attack.js';
import type { House } from '../support/house.js';

const PAGES = [
  '/',
  '/report/a',
  '/report/b',
  '/api/v1/fragments?target=a&target=b',
  '/api/v1/targets',
  '/metrics',
];
const PATIENCE_MS = 6000;
const MILLION = 1_000_000;

type Json = Record<string, unknown>;

const test = (at: number): Json => ({ at, id: 1, idle: 15, verdict: { kind: 'alive' } });

/** Each damages the first saved search of one target. */
const STATES: Readonly<Record<string, (search: Json) => void>> = {
  'a test at 1e300': (search) => (search['tests'] = [test(1e300)]),
  'a test at -1e300': (search) => (search['tests'] = [test(-1e300)]),
  'an idle time of -5': (search) => (search['tests'] = [{ ...test(1.7e9), idle: -5 }]),
  'confirmed at 1e300': (search) => (search['confirmedTimestamp'] = 1e300),
  'conclusive at -1': (search) => (search['conclusiveAt'] = -1),
  'a million tests': (search) => (search['tests'] = Array.from({ length: MILLION }, () => test(1.7e9))),
  'a mode of no name': (search) => (search['name'] = { mode: '__proto__' }),
  'a router far beyond the last': (search) => (search['name'] = { mode: 'send', hop: 1e300 }),
  'an address of a megabyte': (search) => (search['tests'] = [{ ...test(1.7e9), seen: 'x'.repeat(1e6) }]),
};
const now = (): number => Math.round(Date.now() / 1000) - 60;
const HISTORIES: Readonly<Record<string, () => string>> = {
  'a timeout of 1e999': () => `{"at":${now()},"mode":"send","timeout":1e999}\n`,
  'a lower bound of -5': () => `{"at":${now()},"mode":"send","lower":-5}\n`,
  'a moment of 1e999': () => '{"at":1e999,"mode":"send","lower":5}\n',
  'a lower bound above the upper': () => `{"at":${now()},"mode":"send","lower":9,"upper":1}\n`,
};

/** How many pages are answered with 200 by an exporter on this state directory. */
async function pagesServed(house: House, state: string): Promise<number> {
  const config = `state_dir: ${state}\ntargets:\n${['a', 'b'].map((name) => `  - {name: ${name}, host: 127.0.0.1, port: 1}\n`).join('')}`;
  const exporter = await house.exporter(config).catch(() => undefined);
  if (exporter === undefined) return 0;
  const answers: (number | undefined)[] = [];
  for (const page of PAGES) answers.push(await exporter.answers(page, PATIENCE_MS));
  await exporter.process.stop('SIGKILL');
  return answers.filter((time) => time !== undefined).length;
}

/** A state directory as the program itself writes it. */
async function soundState(house: House): Promise<string> {
  const state = join(house.folder, 'sound');
  mkdirSync(state);
  const exporter = await house.exporter(
    `state_dir: ${state}\ntargets: [{name: a, host: 127.0.0.1, port: 1}]\n`,
  );
  await sleep(1000);
  await exporter.process.stop('SIGTERM');
  return state;
}

export const attack: Attack = {
  about: 'state and history files with impossible values or a million entries',
  criterion: `every page answers within ${PATIENCE_MS / 1000} s, whatever one target's files hold`,
  run: async (house) => {
    const sound = await soundState(house);
    const name = readdirSync(sound).find((file) => file.startsWith('target-')) ?? '';
    const text = readFileSync(join(sound, name), 'utf8');
    const failures: string[] = [];
    let runs = 0;
    const attempt = async (what: string, files: Readonly<Record<string, string>>): Promise<void> => {
      const state = join(house.folder, `state-${(runs += 1)}`);
      mkdirSync(state);
      for (const [file, content] of Object.entries(files)) writeFileSync(join(state, file), content);
      const served = await pagesServed(house, state);
      if (served < PAGES.length) failures.push(`${what} (${PAGES.length - served} pages)`);
    };
    for (const [what, damage] of Object.entries(STATES)) {
      const envelope = JSON.parse(text) as { state: { searches: [Json, ...Json[]] } };
      damage(envelope.state.searches[0]);
      // JSON itself knows no infinity, and 1e300 is written as such.
      await attempt(what, { [name]: JSON.stringify(envelope) });
    }
    const header = '{"history":1,"target":"a"}\n';
    for (const [what, line] of Object.entries(HISTORIES))
      await attempt(what, { [name]: text, [historyFileName('a')]: header + line() });
    return {
      load: `${runs} files`,
      held: failures.length === 0,
      outcome: failures.length === 0 ? 'all pages served' : failures.join(', '),
      figure: `${runs - failures.length} of ${runs} harmless`,
    };
  },
};
