/**
 * `measure` behind every box and policy of the lab: what it tells a person who has never heard of them. The idle
 * timeouts differ from run to run, by a printed seed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { documentSchema, type ModeResult, type ReportDocument } from '../../src/report/report-document.js';
import { randomFrom } from '../support/prng.js';
import { propertySeed } from '../support/seed.js';
import { createLab, SERVER } from './lab.js';
import type { ExecResult } from './process.js';
import { describeLab } from './requirements.js';
import { exitCodeOf, isAdvised, TOLD, type Seen, type Told } from './told.js';
import { inTurn } from './turns.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = ['--import', 'tsx', 'src/main.ts'];

/** Seconds; `measure` tests from half of its longest idle time on. */
const IDLE_TIMEOUTS = [9, 10, 11] as const;
const MAX_IDLE = 14;
const RESOLUTION = 1;
/** Connection tracking counts in ticks of 4 ms; seconds. */
const TICK = 0.02;

/** Runs `measure` behind a row's box to its end. */
async function measured(row: Told, idleTimeout: number): Promise<ExecResult> {
  const lab = await createLab(row.lab(idleTimeout));
  const directory = mkdtempSync(join(tmpdir(), 'natlab-'));
  try {
    const reached = await row.install?.(lab, idleTimeout, directory);
    const { host = SERVER.v4, inside } = reached ?? {};
    for (const [index, address] of (row.responders ?? ['']).entries())
      await inTurn(async () => {
        const listen = [
          `--listen-address=${address}:5382`,
          `--web.listen-address=127.0.0.1:${15400 + index}`,
        ];
        const args = [...PROGRAM, 'responder', ...listen];
        const responder = lab.spawn('server', process.execPath, args, { cwd: ROOT });
        await responder.waitForLine(/responder listens/, 60_000);
      });
    const flags = [
      `--max-idle=${MAX_IDLE}s`,
      `--resolution=${RESOLUTION}s`,
      '--deadline=3s',
      '--json',
      '--quiet',
    ];
    return await lab.exec('client', process.execPath, [...PROGRAM, 'measure', host, ...flags], {
      ...inside,
      cwd: ROOT,
      mayFail: true,
    });
  } finally {
    await lab.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Asserts verdict, bracket and the reasons of the deaths of one mode. */
function expectMode(mode: ModeResult, expected: Seen, idleTimeout: number): void {
  const { lower_bound_seconds: lower, upper_bound_seconds: upper, timeout_seconds: timeout, result } = mode;
  const reasons = [
    ...new Set(mode.tests.filter(({ verdict }) => verdict === 'dead').map(({ reason }) => reason)),
  ];
  const expectBracket = (): void => {
    expect(lower, `${mode.mode}: lower bound`).toBeLessThanOrEqual(idleTimeout + TICK);
    expect(upper, `${mode.mode}: upper bound`).toBeGreaterThanOrEqual(idleTimeout - TICK);
    expect((upper ?? NaN) - (lower ?? NaN), `${mode.mode}: width`).toBeLessThanOrEqual(RESOLUTION + 1e-9);
  };
  switch (expected.kind) {
    case 'forgotten':
      expect(result, mode.mode).toBe('not_compliant');
      expectBracket();
      expect(expected.reasons, `${mode.mode}: reasons`).toEqual(expect.arrayContaining(reasons));
      expect(reasons, `${mode.mode}: reasons`).toContain(expected.reasons[0]);
      return;
    case 'closed':
      expect({ result, reasons }, mode.mode).toEqual({ result: 'unknown', reasons: ['closed'] });
      expectBracket();
      return;
    case 'limited':
      expect({ result, timeout, upper, reasons }, mode.mode).toEqual({ result: 'unknown', reasons: [] });
      expect(lower, `${mode.mode}: lower bound`).toBeLessThan(idleTimeout);
      return;
    case 'survives':
      expect({ result, timeout, upper, reasons }, mode.mode).toEqual({ result: 'unknown', reasons: [] });
      expect(lower, `${mode.mode}: lower bound`).toBeGreaterThanOrEqual(MAX_IDLE - 1);
      return;
    case 'eaten':
      expect({ result, timeout, lower, reasons }, mode.mode).toEqual({
        result: 'unknown',
        reasons: ['silence'],
      });
  }
}

/** Half of the shortest lower bound, so that one lost keepalive does no harm; absent where nothing is advised. */
function expectAdvice(row: Told, document: ReportDocument, idleTimeout: number): void {
  const advice = document.keepalive_recommended_seconds;
  if (!isAdvised(row)) {
    expect(advice).toBe(undefined);
    return;
  }
  expect(advice).toBeLessThanOrEqual(idleTimeout / 2);
  expect(advice).toBeGreaterThanOrEqual(Math.floor((idleTimeout - RESOLUTION - TICK) / 2));
}

describeLab('nat-idle-exporter measure behind a kernel NAT', () => {
  const random = randomFrom(propertySeed());
  const rows = TOLD.map((row) => {
    const idleTimeout = IDLE_TIMEOUTS[Math.floor(random() * IDLE_TIMEOUTS.length)] ?? IDLE_TIMEOUTS[0];
    return { row, name: row.name, idleTimeout };
  });

  it.concurrent.each(rows)('$name, $idleTimeout s', { timeout: 240_000 }, async ({ row, idleTimeout }) => {
    const ended = await measured(row, idleTimeout);
    expect(ended.stderr).toBe('');
    const document = documentSchema.parse(JSON.parse(ended.stdout));
    expect(document.explanations.map(({ id, certainty }) => `${id}: ${certainty}`)).toEqual(row.says);
    expect(document.complete).toBe(true);
    expect(document.verdict.conditions).toEqual(row.conditions);
    expect(ended.code).toBe(exitCodeOf(row));
    expect(document.verdict.result).toBe(exitCodeOf(row) === 1 ? 'not_compliant' : 'unknown');
    for (const mode of document.modes) expectMode(mode, row.modes[mode.mode], idleTimeout);
    expectAdvice(row, document, idleTimeout);
  });
});
