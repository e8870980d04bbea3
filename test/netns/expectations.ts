/** What the product must publish behind each kind of box: verdict, reason and bracket for every mode. */
import { expect } from 'vitest';
import type { BoxKind } from './boxes.js';
import { published, reasonsOf, type Mode } from './product.js';

export type Expected =
  /** The bracket contains the timeout; every death had one of these reasons, the first of them occurs. */
  | { readonly kind: 'forgotten'; readonly reasons: readonly string[] }
  /** Nothing died up to the longest idle time that is tested. */
  | { readonly kind: 'survives' }
  /** Keepalives die at any age although the mapping lives: neither timeout nor compliance. */
  | { readonly kind: 'eaten' };

export const SILENCE: Expected = { kind: 'forgotten', reasons: ['silence'] };
const RESET: Expected = { kind: 'forgotten', reasons: ['reset'] };
/** A test that is under way at the very moment of expiry hears the RST as its answer. */
const RESET_IDLE: Expected = { kind: 'forgotten', reasons: ['reset_idle', 'reset'] };
export const SURVIVES: Expected = { kind: 'survives' };
const EATEN: Expected = { kind: 'eaten' };
export const EXPECTED: Readonly<Record<BoxKind, Readonly<Record<Mode, Expected>>>> = {
  no_expiry: { send: SURVIVES, recv: SURVIVES, keepalive: SURVIVES },
  strict: { send: SILENCE, recv: SILENCE, keepalive: SILENCE },
  double_nat: { send: SILENCE, recv: SILENCE, keepalive: SILENCE },
  firewall: { send: SILENCE, recv: SILENCE, keepalive: SILENCE },
  loose: { send: SURVIVES, recv: SILENCE, keepalive: SURVIVES },
  loose_new_port: { send: RESET, recv: SILENCE, keepalive: RESET },
  strict_reset_client: { send: RESET, recv: SILENCE, keepalive: RESET },
  // Only the far end is reset in recv, and tells it.
  strict_reset_both: { send: RESET, recv: RESET, keepalive: RESET },
  reset_at_expiry: { send: RESET_IDLE, recv: RESET_IDLE, keepalive: RESET_IDLE },
  keepalive_eater: { send: SILENCE, recv: SILENCE, keepalive: EATEN },
  inbound_revives: { send: SILENCE, recv: SURVIVES, keepalive: SILENCE },
  // The client hears the far end, but its answer dies: recv counts only with the answer.
  inbound_revives_answers_die: { send: SILENCE, recv: SILENCE, keepalive: SILENCE },
  far_end_firewall: { send: SILENCE, recv: SURVIVES, keepalive: SILENCE },
  client_firewall: { send: SURVIVES, recv: SILENCE, keepalive: SURVIVES },
};

/** Connection tracking counts in ticks of 4 ms; seconds. */
const TICK = 0.02;

export interface Ground {
  /** The box's idle timeout, the search's resolution, and the shortest and longest idle time that is tested, seconds. */
  readonly idleTimeout: number;
  readonly resolution: number;
  readonly minIdle: number;
  readonly maxIdle: number;
  /** By how much a bound may be wrong, seconds; ticks of connection tracking where left out. */
  readonly tolerance?: number;
}

/** Whether a mode has published all that can be expected of it. */
export function isSettled(page: string, mode: Mode, expected: Expected, ground: Ground): boolean {
  const { timeout, lower = 0, upper = Infinity, compliant } = published(page, mode);
  switch (expected.kind) {
    case 'forgotten':
      return timeout !== undefined && compliant !== undefined;
    case 'survives':
      return lower >= ground.maxIdle - 1;
    case 'eaten':
      return upper <= ground.minIdle + 1;
  }
}

/** Asserts what a mode publishes. */
export function expectPublished(page: string, mode: Mode, expected: Expected, ground: Ground): void {
  const { timeout, lower, upper, compliant } = published(page, mode);
  switch (expected.kind) {
    case 'forgotten':
      expectBracket(page, mode, ground);
      expect(compliant, `${mode}: compliant`).toBe(0);
      expect(expected.reasons, `${mode}: reasons`).toEqual(
        expect.arrayContaining(reasonsOf(page, mode, 'dead')),
      );
      expect(reasonsOf(page, mode, 'dead'), `${mode}: reasons`).toContain(expected.reasons[0]);
      return;
    case 'survives':
      expect({ timeout, upper, compliant }, mode).toEqual({ upper: Infinity });
      expect(lower, `${mode}: lower bound`).toBeGreaterThanOrEqual(ground.maxIdle - 1);
      expect(reasonsOf(page, mode, 'dead'), `${mode}: reasons`).toEqual([]);
      return;
    case 'eaten':
      expect({ timeout, lower, compliant }, mode).toEqual({});
      expect(reasonsOf(page, mode, 'dead'), `${mode}: reasons`).toEqual(['silence']);
  }
}

/** Asserts that a mode's bracket contains the idle timeout and is not wider than the resolution. */
export function expectBracket(page: string, mode: Mode, ground: Ground): void {
  const { timeout = NaN, lower = NaN, upper = NaN } = published(page, mode);
  const { tolerance = TICK } = ground;
  expect(lower, `${mode}: lower bound`).toBeLessThanOrEqual(ground.idleTimeout + tolerance);
  expect(upper, `${mode}: upper bound`).toBeGreaterThanOrEqual(ground.idleTimeout - tolerance);
  expect(upper - lower, `${mode}: width`).toBeLessThanOrEqual(ground.resolution + 1e-9);
  expect(timeout, `${mode}: timeout`).toBeCloseTo((lower + upper) / 2, 6);
}
