/** The idle timeouts that vendors like: prior knowledge that orders the questions and never gives an answer. */
import { RFC5382_REQ5 } from '../requirements.js';
import type { Seconds } from '../../units.js';

/**
 * Idle timeouts, seconds, that manuals and sources of NATs, firewalls and cloud gateways name as their defaults,
 * in rising order. A timeout is a number that somebody typed, so it is far more often one of these than a random
 * one: the search asks just below and just above them when they are near the question that it would ask anyway.
 * A value that is missing here costs a few tests, never a wrong bound.
 */
export const KNOWN_VALUES: readonly Seconds[] = [
  30,
  60,
  90,
  120,
  180,
  240,
  300,
  350,
  600,
  900,
  1200,
  1800,
  2400,
  3600,
  5400,
  7200,
  // Those who read the RFC use its least value.
  RFC5382_REQ5.idle,
  14400,
  18000,
  21600,
  28800,
  43200,
  86400,
  432000,
];
