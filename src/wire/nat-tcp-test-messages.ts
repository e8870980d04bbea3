/** The two tiny protocols of NAT-TCP-test: echo (port 31415) and sleep (port 27182). */
import type { Seconds } from '../units.js';

/** Both servers read at most this many bytes, once. */
export const READ_LIMIT = 64;

/** The longest sleep that may be asked for: a day, seconds. */
export const MAX_SLEEP: Seconds = 86_400;

/** The request to be written to after `idle` whole seconds, 0 to 86400. */
export function encodeSleepRequest(idle: Seconds): string {
  return `${idle}\n`;
}

/** The seconds that a request asks for; undefined when it is not a number of 0 to 86400 with an optional newline. */
export function decodeSleepRequest(request: string): Seconds | undefined {
  const digits = /^(\d{1,62})(?:\r?\n)?$/.exec(request)?.[1];
  const idle = Number(digits);
  return digits !== undefined && idle <= MAX_SLEEP ? idle : undefined;
}
