/**
 * `measure` behind every box and policy of the lab: what it tells a person who has never heard of them. The idle
 * timeouts differ from run to run, by a printed seed.
 */
import { expect, it } from 'vitest';
import { documentSchema, type ModeResult, type ReportDocument } from '../../src/report/report-document.js';
import { randomFrom } from '../support/prng.js';
import { propertySeed } from '../support/seed.js';
import { ASKED, measured, RESOLUTION } from './measured.js';
import type { ExecResult } from './process.js';
import { describeLab, hasSshServers } from './requirements.js';
import { exitCodeOf, isAdvised, TOLD, type Seen, type Told } from './told.js';
import { inSshTurn } from './turns.js';

/** Connection tracking counts in ticks of 4 ms; seconds. */
const TICK = 0.02;

/** Seconds. */
interface Times {
  /** The box's, and the shortest that it has meanwhile where that changes. */
  readonly idleTimeout: number;
  readonly shortest: number;
  readonly maxIdle: number;
}

/** Asserts verdict, bracket and the reasons of the deaths of one mode. */
function expectMode(mode: ModeResult, expected: Seen, { idleTimeout, shortest, maxIdle }: Times): void {
  const { lower_bound_seconds: lower, upper_bound_seconds: upper, timeout_seconds: timeout, result } = mode;
  const reasons = [
    ...new Set(mode.tests.filter(({ verdict }) => verdict === 'dead').map(({ reason }) => reason)),
  ];
  const expectBracket = (): void => {
    expect(lower, `${mode.mode}: lower bound`).toBeLessThanOrEqual(idleTimeout + TICK);
    expect(upper, `${mode.mode}: upper bound`).toBeGreaterThanOrEqual(shortest - TICK);
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
    case 'crowded':
      expect({ result, timeout, upper }, mode.mode).toEqual({ result: 'unknown' });
      expect(['silence', 'reset'], `${mode.mode}: reasons`).toEqual(expect.arrayContaining(reasons));
      return;
    case 'limited':
      expect({ result, timeout, upper, reasons }, mode.mode).toEqual({ result: 'unknown', reasons: [] });
      expect(lower, `${mode.mode}: lower bound`).toBeLessThan(idleTimeout);
      return;
    case 'survives':
      expect({ result, timeout, upper, reasons }, mode.mode).toEqual({ result: 'unknown', reasons: [] });
      expect(lower, `${mode.mode}: lower bound`).toBeGreaterThanOrEqual(maxIdle - 1);
      return;
    case 'answered':
      expect({ result, timeout, upper, reasons }, mode.mode).toEqual({ result: 'unknown', reasons: [] });
      expect(lower, `${mode.mode}: lower bound`).toBeGreaterThan(idleTimeout + RESOLUTION);
      return;
    case 'eaten':
      expect({ result, timeout, lower, reasons }, mode.mode).toEqual({
        result: 'unknown',
        reasons: ['silence'],
      });
  }
}

/** Half of the shortest lower bound, so that one lost keepalive does no harm; absent where nothing is advised. */
function expectAdvice(row: Told, document: ReportDocument, idleTimeout: number, shortest: number): void {
  const advice = document.keepalive_recommended_seconds;
  if (!isAdvised(row)) {
    expect(advice).toBe(undefined);
    return;
  }
  expect(advice).toBeLessThanOrEqual(idleTimeout / 2);
  expect(advice).toBeGreaterThanOrEqual(Math.floor((shortest - RESOLUTION - TICK) / 2));
}

describeLab('nat-idle-exporter measure behind a kernel NAT', () => {
  const random = randomFrom(propertySeed());
  const rows = TOLD.filter(({ ssh }) => ssh === undefined || hasSshServers()).map((row) => {
    const { idleTimeouts, maxIdle } = row.asks ?? ASKED;
    const idleTimeout = idleTimeouts[Math.floor(random() * idleTimeouts.length)] ?? idleTimeouts[0];
    // The kernel keeps whole seconds.
    const shortest = Math.round(idleTimeout * (row.shrinksTo ?? 1));
    return { row, name: row.name, idleTimeout, shortest, maxIdle };
  });

  it.concurrent.each(rows)(
    '$name, $idleTimeout s',
    { timeout: 600_000 },
    async ({ row, idleTimeout, shortest, maxIdle }) => {
      const measure = (): Promise<ExecResult> => measured(row, idleTimeout);
      const ended = await (row.ssh === undefined ? measure() : inSshTurn(measure));
      expect(ended.stderr).toBe('');
      const document = documentSchema.parse(JSON.parse(ended.stdout));
      const said = document.explanations.map(({ id, certainty }) => `${id}: ${certainty}`);
      expect(said.slice(0, row.says.length)).toEqual(row.says);
      expect(row.maySay ?? []).toEqual(expect.arrayContaining(said.slice(row.says.length)));
      expect(document.complete).toBe(true);
      expect(document.verdict.conditions).toEqual(row.conditions);
      expect(ended.code).toBe(exitCodeOf(row));
      expect(document.verdict.result).toBe(exitCodeOf(row) === 1 ? 'not_compliant' : 'unknown');
      for (const mode of document.modes)
        expectMode(mode, row.modes[mode.mode], { idleTimeout, shortest, maxIdle });
      expectAdvice(row, document, idleTimeout, shortest);
    },
  );
});
