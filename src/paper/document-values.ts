/** Moments and durations as documents write them, without more precision than is known. */
import type { Seconds } from '../units.js';

/** UTC time without fractions of a second, ISO 8601. */
export function isoTime(unix: Seconds): string {
  return new Date(Math.round(unix) * 1000).toISOString().replace('.000Z', 'Z');
}

/** `2026-11-22 21:24:28` of an ISO time; the reader is told once that it is UTC. */
export function utcWords(iso: string): string {
  return iso.replace('T', ' ').replace(/(\.\d+)?Z$/, '');
}

/** To the millisecond; a test is not known better. */
export function rounded(value: Seconds): Seconds {
  return Math.round(value * 1000) / 1000;
}
