import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Finding } from '../../src/core/finding.js';
import { HISTORY_AGE, historyFileName, openHistory } from '../../src/history/store.js';

/** What the program has for it. */
const MOST_LINES = 8192;

const START = 1_750_000_000;
let dir: string;
let now: number;
let warnings: string[];
const clock = { wall: () => now };
const store = () => openHistory(dir, clock, { warn: (text) => warnings.push(text) });
const file = (target = 'vps') => join(dir, historyFileName(target));

function finding(lower: number, upper?: number, compliant?: boolean): Finding {
  return {
    phase: 'track',
    lower,
    ...(upper === undefined ? {} : { upper, timeout: (lower + upper) / 2 }),
    ...(compliant === undefined ? {} : { compliant }),
    suspect: false,
    deaths: 3,
  };
}

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'history-'));
  now = START;
  warnings = [];
});
afterEach(() => {
  chmodSync(dir, 0o700);
  rmSync(dir, { recursive: true });
});

describe('openHistory()', () => {
  it('keeps findings over a restart, unknown values absent', async () => {
    const before = store();
    before.record('vps', 'send', finding(60), START);
    before.record('vps', 'recv', finding(19.5, 20.5, false), START + 1);
    await before.close();
    now = START + 10;
    expect(await store().read('vps')).toEqual([
      { at: START, mode: 'send', lower: 60 },
      { at: START + 1, mode: 'recv', lower: 19.5, upper: 20.5, timeout: 20, compliant: false },
    ]);
    expect(warnings).toEqual([]);
  });

  it('writes on change, and at most hourly otherwise, each mode by itself', async () => {
    const history = store();
    for (let minute = 0; minute <= 150; minute++) {
      now = START + 60 * minute;
      history.record('vps', 'send', finding(3600 + (minute % 2), 3610), now);
      history.record('vps', 'recv', minute < 90 ? finding(3600, 3610) : finding(300, 310, false), now);
    }
    const entries = await history.read('vps');
    const minutes = (mode: string) => entries.filter((e) => e.mode === mode).map((e) => (e.at - START) / 60);
    expect(minutes('send')).toEqual([0, 60, 120]);
    expect(minutes('recv')).toEqual([0, 60, 90, 150]);
  });

  it('continues the hourly rhythm after a restart', async () => {
    const first = store();
    first.record('vps', 'send', finding(60, 61), START);
    await first.close();
    const second = store();
    second.record('vps', 'send', finding(60, 61), START + 1800);
    expect(await second.read('vps')).toHaveLength(1);
  });

  it('forgets what is older than 30 days, on disk as well', async () => {
    const history = store();
    for (let day = 0; day <= 40; day++) {
      now = START + 86_400 * day;
      history.record('vps', 'send', finding(60, 61), now);
      await history.close();
    }
    expect(await history.read('vps')).toHaveLength(31);
    const ages = readFileSync(file(), 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => now - (JSON.parse(line) as { at: number }).at);
    expect(Math.max(...ages)).toBeLessThanOrEqual(HISTORY_AGE + 86_400);
  });

  it('stays bounded however often the finding flaps', async () => {
    const history = store();
    for (let i = 0; i < 2 * MOST_LINES; i++) {
      now = START + i;
      history.record('vps', 'send', i % 2 === 0 ? finding(60, 61) : finding(3600, 3610), now);
    }
    const entries = await history.read('vps');
    expect(entries.length).toBeLessThanOrEqual(MOST_LINES);
    expect(entries.length).toBeGreaterThanOrEqual(MOST_LINES / 2);
    expect(entries.at(-1)?.at).toBe(now);
    expect(readFileSync(file(), 'utf8').trim().split('\n').length - 1).toBe(entries.length);
  });

  it('reads no more than it would have kept, whatever the file holds', async () => {
    const lines = Array.from({ length: 5 * MOST_LINES }, (_, second) =>
      JSON.stringify({ at: START + second, mode: 'send', lower: 60 }),
    );
    writeFileSync(file(), ['{"history":1,"target":"vps"}', ...lines, ''].join('\n'));
    now = START + 5 * MOST_LINES;
    const entries = await store().read('vps');
    expect(entries).toHaveLength(MOST_LINES);
    expect(entries.at(-1)?.at).toBe(START + 5 * MOST_LINES - 1);
  });

  it('sets a damaged file aside with one warning and goes on', async () => {
    writeFileSync(file(), '{"history":1,"target":"vps"}\n{"at":1,"mode":\u0000garbage}\n');
    const history = store();
    history.record('vps', 'send', finding(60), START);
    expect(await history.read('vps')).toHaveLength(1);
    expect(readFileSync(`${file()}.corrupt`, 'utf8')).toContain('garbage');
    expect(warnings).toEqual([
      `history of vps: ${file()} is damaged or not ours, set aside as ${file()}.corrupt`,
    ]);
  });

  it.each([
    ['another program', '<html></html>\n'],
    ['another target', '{"history":1,"target":"other"}\n'],
    ['a later version', '{"history":2,"target":"vps"}\n'],
    ['an entry of a wrong type', '{"history":1,"target":"vps"}\n{"at":1,"mode":"send","lower":"60"}\n'],
    ['an unknown mode', '{"history":1,"target":"vps"}\n{"at":1,"mode":"udp"}\n'],
    ['nothing at all', ''],
  ])('sets a file of %s aside', async (_name, text) => {
    writeFileSync(file(), text);
    expect(await store().read('vps')).toEqual([]);
    expect(existsSync(`${file()}.corrupt`)).toBe(true);
  });

  it('drops a last line that a crash cut short, and keeps the rest', async () => {
    const before = store();
    before.record('vps', 'send', finding(60), START);
    await before.close();
    appendFileSync(file(), '{"at":175000');
    const after = store();
    after.record('vps', 'send', finding(120), START + 60);
    expect((await after.read('vps')).map((entry) => entry.lower)).toEqual([60, 120]);
    expect(warnings).toEqual([]);
    expect(readdirSync(dir)).toEqual([historyFileName('vps')]);
  });

  it('survives wall clocks that were wrong: the far future and the past are not shown', async () => {
    const history = store();
    history.record('vps', 'send', finding(60), START + 10 * 86_400);
    history.record('vps', 'send', finding(60), START);
    history.record('vps', 'send', finding(60), 0);
    expect((await history.read('vps')).map((entry) => entry.at)).toEqual([START]);
  });

  it.each([10, -10, -56])('loses nothing to a clock that is %d years away for hours', async (years) => {
    const history = store();
    for (let day = 0; day < 20; day++) {
      now = START + 86_400 * day;
      history.record('vps', 'send', finding(60 + day * 10), now);
    }
    await history.close();
    const right = now;
    // A boot without a battery: the file is loaded, and lines are cut and added, by the wrong clock.
    appendFileSync(file(), '{"at":17');
    const wrong = store();
    for (let hour = 0; hour < 5; hour++) {
      now = right + years * 365 * 86_400 + hour * 3600;
      wrong.record('vps', 'send', finding(500 + hour * 20), now);
    }
    await wrong.close();
    now = right + 6 * 3600;
    const after = store();
    after.record('vps', 'send', finding(1000), now);
    expect((await after.read('vps')).map(({ lower }) => lower)).toEqual([
      ...Array.from({ length: 20 }, (_, day) => 60 + day * 10),
      1000,
    ]);
    expect(warnings).toEqual([]);
  });

  it('notes nothing by a clock that was never set', async () => {
    const history = store();
    now = 100;
    history.record('vps', 'send', finding(60), now);
    await history.close();
    expect(existsSync(file())).toBe(false);
  });

  it.each([
    ['a bound without end', '"lower":1e999'],
    ['a bound below nothing', '"lower":-5'],
    ['a timeout of centuries', '"timeout":1e12'],
    ['a moment before 1970', '"at":-1'],
    ['a moment that no calendar has', '"at":1e300'],
  ])('sets a file with %s aside', async (_name, part) => {
    const line = part.startsWith('"at"')
      ? `{${part},"mode":"send"}`
      : `{"at":${START},"mode":"send",${part}}`;
    writeFileSync(file(), `{"history":1,"target":"vps"}\n${line}\n`);
    expect(await store().read('vps')).toEqual([]);
    expect(existsSync(`${file()}.corrupt`)).toBe(true);
  });

  it('waits for no named pipe, and reads no file that is far too large', async () => {
    execFileSync('mkfifo', [file()]);
    expect(await store().read('vps')).toEqual([]);
    writeFileSync(file(), '');
    truncateSync(file(), 200 << 20);
    const history = store();
    expect(await history.read('vps')).toEqual([]);
    history.record('vps', 'send', finding(60), START);
    expect(await history.read('vps')).toHaveLength(1);
    expect(warnings).toHaveLength(2);
  });

  it('goes on after a rewrite that kept nothing', async () => {
    const before = store();
    before.record('vps', 'send', finding(60), 0);
    await before.close();
    expect(await store().read('vps')).toEqual([]);
    const after = store();
    after.record('vps', 'send', finding(120), START);
    await after.close();
    expect(await store().read('vps')).toHaveLength(1);
    expect(warnings).toEqual([]);
  });

  it('warns once, not at every finding, when the directory cannot be used', async () => {
    rmSync(dir, { recursive: true });
    writeFileSync(dir, 'a file where the directory should be');
    const history = store();
    history.record('vps', 'send', finding(60), START);
    history.record('vps', 'send', finding(120), START + 1);
    await history.close();
    expect(await history.read('vps')).toEqual([]);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^history of vps: E(NOTDIR|EXIST)/);
  });

  it('keeps targets apart whatever their names are', async () => {
    const names = ['a/b', '../a', 'a b', 'ä', 'A', 'a', '.', `${'x'.repeat(300)}1`, `${'x'.repeat(300)}2`];
    const history = store();
    for (const [i, name] of names.entries()) history.record(name, 'send', finding(i + 1), START);
    for (const [i, name] of names.entries()) {
      expect(
        (await history.read(name)).map((entry) => entry.lower),
        name,
      ).toEqual([i + 1]);
    }
    expect(readdirSync(dir)).toHaveLength(names.length);
  });
});
