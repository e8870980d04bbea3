/** Which address of a far end is probed, and for how long its name leads there. */
import { isIP } from 'node:net';
import type { Clock } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import { resolve } from '../net/resolve.js';
import type { Seconds } from '../units.js';
import { pause, pauseForever, unlessAborted } from '../pause.js';

/** How often a name is looked up again while its address is in use, seconds. */
const LOOK_UP_AGAIN: Seconds = 60;
/** It is looked up earlier by up to this part of that time, so that a fleet does not ask in step. */
const LOOK_UP_SPREAD = 0.2;

type HostTarget = Pick<TargetConfig, 'family' | 'local_address'>;

/**
 * Resolves a name to one address: of several the first that answers, else the first of all, since a broken IPv6 must
 * not stop the work.
 *
 * @param answers whether a fresh connection to the address works
 * @returns undefined when `signal` is aborted
 * @throws the resolver's error, or an Error when no address has the family of the local one
 */
export async function chooseAddress(
  host: string,
  { family, local_address: local }: HostTarget,
  answers: (address: string) => Promise<boolean>,
  signal: AbortSignal,
): Promise<string | undefined> {
  const addresses = await unlessAborted(resolve(host, family), signal);
  if (addresses === undefined) return undefined;
  const usable = addresses.filter((address) => local === undefined || isIP(local) === isIP(address));
  const [first] = usable;
  if (first === undefined) throw new Error(`no address of the host has the family of ${local}`);
  if (usable.length === 1) return first;
  for (const address of usable) if (await answers(address)) return address;
  return first;
}

/**
 * Waits until the name does not lead to `address` any more.
 * @returns its new addresses; undefined when `signal` is aborted
 */
export async function addressesWhenMoved(
  host: string,
  { family }: HostTarget,
  address: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<readonly string[] | undefined> {
  if (isIP(host) !== 0) await pauseForever(signal);
  while (!signal.aborted) {
    await pause(clock, LOOK_UP_AGAIN * (1 - LOOK_UP_SPREAD * Math.random()), signal);
    const answers = await unlessAborted(resolve(host, family), signal).catch(() => undefined);
    if (!signal.aborted && answers !== undefined && !answers.includes(address)) return answers;
  }
  return undefined;
}
