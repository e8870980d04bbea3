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

/** Names of the zone without an offset. */
const UTC_NAMES = ['UTC', 'Etc/UTC', 'GMT', 'Etc/GMT', 'Universal', 'Zulu'];

/** Whether the time of a zone is UTC all the year. */
export function isUtc(zone: string): boolean {
  return UTC_NAMES.includes(zone);
}

/** `2026-11-22 22:24:28 +01:00` of an ISO time in a time zone that exists. */
export function localWords(iso: string, zone: string): string {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    ...({ year: 'numeric', month: '2-digit', day: '2-digit' } as const),
    ...({ hour: '2-digit', minute: '2-digit', second: '2-digit' } as const),
    hourCycle: 'h23',
    timeZoneName: 'longOffset',
  });
  const parts = new Map(format.formatToParts(new Date(iso)).map(({ type, value }) => [type, value]));
  const [year, month, day] = [parts.get('year'), parts.get('month'), parts.get('day')];
  const [hour, minute, second] = [parts.get('hour'), parts.get('minute'), parts.get('second')];
  const offset = (parts.get('timeZoneName') ?? '').replace('GMT', '') || '+00:00';
  return `${year}-${month}-${day} ${hour}:${minute}:${second} ${offset}`;
}

/** To the millisecond; a test is not known better. */
export function rounded(value: Seconds): Seconds {
  return Math.round(value * 1000) / 1000;
}
