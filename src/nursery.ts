/** How much memory V8 gives to young objects in a process that holds very many old ones. */
import { setFlagsFromString } from 'node:v8';

/**
 * Stops the nursery from growing: under a burst of connections V8 makes it as large as 32 MiB, and keeps it so for as
 * long as the connections idle. A small one costs more collections, but each is short. Call it once, early; for this
 * process only.
 * @see https://nodejs.org/api/v8.html#v8setflagsfromstringflags
 */
export function keepNurserySmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
