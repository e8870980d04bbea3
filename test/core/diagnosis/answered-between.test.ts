/** Keepalives that survive what data does not: when somebody in between answers them, and when it only looks alike. */
import { describe, expect, it } from 'vitest';
import {
  areKeepalivesAnsweredBetween,
  type TimedTest,
} from '../../../src/core/diagnosis/answered-between.js';
import { explain } from '../../../src/core/diagnosis/explain.js';
import { forgets, input, LIMITS, survives } from './findings.js';

const T = 300;
const DEADLINE = 8;

/** Connections that were opened at these moments and survived so long. */
const alive = (idle: number, ...opened: readonly number[]): TimedTest[] =>
  opened.map((at) => ({ at: at + idle, idle, verdict: { kind: 'alive' } }));
/** The same of connections that died; the verdict comes a deadline later. */
const dead = (idle: number, ...opened: readonly number[]): TimedTest[] =>
  opened.map((at) => ({ at: at + idle + DEADLINE, idle, verdict: { kind: 'dead', evidence: 'silence' } }));

function isFound(send: readonly TimedTest[], keepalive: readonly TimedTest[], sent = forgets(T)): boolean {
  const modes = {
    send: { finding: sent.finding, tests: send },
    keepalive: { finding: survives(7000).finding, tests: keepalive },
  };
  return areKeepalivesAnsweredBetween(modes, LIMITS, DEADLINE);
}

const DIED = dead(T, 0, 5000, 10_000);

describe('keepalives that survive where data dies', () => {
  it('are answered in between when they were opened between connections whose data died', () => {
    expect(isFound(DIED, alive(1000, 100, 2000, 9000))).toBe(true);
  });

  it('are so when all were opened together, as at the start of a measurement', () => {
    expect(isFound(dead(T, 1, 1, 1, 2), alive(1000, 1, 1, 1.5))).toBe(true);
  });

  it('are not yet when the timeout has just dropped and send knows it first', () => {
    // The survivors were opened before the first connection that was forgotten.
    expect(isFound(dead(T, 8000, 8100, 8200), alive(1000, 6000, 6500, 7000))).toBe(false);
  });

  it('are not yet when the timeout has just risen and keepalive knows it first', () => {
    // No connection that was opened after the survivors has died.
    expect(isFound(dead(T, 0, 100, 200), alive(1000, 3000, 3500, 4000))).toBe(false);
  });

  it('are not when the path was another one in between: data survived then, too', () => {
    expect(isFound([...DIED, ...alive(1000, 4000)], alive(1000, 100, 2000, 9000))).toBe(false);
  });

  it('are not when keepalives die as well', () => {
    expect(isFound(DIED, [...alive(1000, 100, 2000, 9000), ...dead(1000, 9500)])).toBe(false);
  });

  it('are still, when one of many was evicted by chance', () => {
    const many = Array.from({ length: 20 }, (_, index) => 100 + 400 * index);
    expect(isFound(DIED, [...alive(1000, ...many), ...dead(1000, 9500)])).toBe(true);
  });

  it('need three survivors, and three deaths', () => {
    expect(isFound(DIED, alive(1000, 100, 2000))).toBe(false);
    expect(isFound(dead(T, 0, 10_000), alive(1000, 100, 2000, 9000))).toBe(false);
  });

  it('are not told where somebody closes the connections, or where data survives nearly as long', () => {
    expect(isFound(DIED, alive(1000, 100, 2000, 9000), forgets(T, 'closed'))).toBe(false);
    expect(isFound(DIED, alive(T + 3, 100, 2000, 9000))).toBe(false);
  });
});

it('is an explanation of its own, whatever keepalives are up to', () => {
  const dying = { send: forgets(12), recv: forgets(12), keepalive: survives(60) };
  const ids = explain(input(dying, { keepalivesAnsweredBetween: true })).map(({ id }) => id);
  expect(ids).toEqual(['keepalives_answered_between', 'mapping_forgotten']);
});
