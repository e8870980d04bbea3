/** Which address of a far end is probed, and until when: of several one that answers, and none for ever. */
import { isIP } from 'node:net';
import { Backoff } from '../backoff.js';
import type { Clock } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import { type Remedy, remedyOf } from '../config/remedy.js';
import { resolve as resolveName } from '../net/resolve.js';
import { FarEndError } from '../probe/path.js';
import type { Seconds } from '../units.js';
import { pause, unlessAborted } from '../pause.js';

/** How often a name is looked up again while its address answers, seconds. */
const LOOK_UP_AGAIN: Seconds = 60;
/** It is looked up earlier by up to this part of that time, so that a fleet does not ask in step. */
const LOOK_UP_SPREAD = 0.2;
/** The first pause between two searches for an address that answers in place of one that does not, seconds. */
const SEARCH_AGAIN: Seconds = 2;
/**
 * An address that has not answered for so long has the next one tried beside it, seconds.
 * @see RFC 8305, section 5: Connection Attempt Delay
 */
const ATTEMPT_DELAY: Seconds = 0.25;
/** Addresses whose reasons are told; a name may have many. */
const MOST_REASONS = 4;

export interface FarEndAddressesOptions {
  /** A name or an address. */
  readonly host: string;
  readonly target: Pick<TargetConfig, 'family' | 'local_address'>;
  readonly clock: Clock;
  /** Tries a fresh connection to an address. @returns why it does not work; undefined where it does */
  readonly problemAt: (address: string, signal: AbortSignal) => Promise<Error | undefined>;
  /** The system's resolver unless given. */
  readonly resolve?: typeof resolveName;
}

/** None of several addresses answers; where all of them say the same, that is the remedy. */
class NoAddressAnswers extends Error {
  override readonly name = 'NoAddressAnswers';
  readonly remedy: Remedy | undefined;

  constructor(host: string, problems: readonly Error[]) {
    const told = problems.slice(0, MOST_REASONS).map(({ message }) => message);
    super(`no address of ${host} answers: ${told.join('; ')}`);
    const [remedy, ...others] = new Set(problems.map(remedyOf));
    this.remedy = others.length === 0 ? remedy : undefined;
  }
}

/** The addresses that a far end's name leads to. */
export class FarEndAddresses {
  readonly #options: FarEndAddressesOptions;
  #endPause: (() => void) | undefined;

  constructor(options: FarEndAddressesOptions) {
    this.#options = options;
  }

  /**
   * Resolves the name to one address: of several the first that answers, since a broken IPv6 must not stop the work.
   *
   * @returns undefined when `signal` is aborted
   * @throws the resolver's error, or an Error when no address has the family of the local one, or none of several answers
   */
  async choose(signal: AbortSignal): Promise<string | undefined> {
    const addresses = await this.#lookUp(signal);
    if (addresses === undefined) return undefined;
    const [only, ...others] = addresses;
    if (others.length === 0) return only;
    const problems: Error[] = [];
    const found = await this.#firstThatAnswers(addresses, signal, problems);
    if (found === undefined && !signal.aborted) throw new NoAddressAnswers(this.#options.host, problems);
    return found;
  }

  /** The address in use does not answer: another one is looked for now, not at the next look-up. */
  doubt(): void {
    this.#endPause?.();
  }

  /**
   * Waits until `address` does not answer any more and another address of the name does. A changed answer of the
   * resolver alone is no reason to leave: some change with each question.
   *
   * @param isDown whether the address in use is known not to answer
   * @returns the other address; undefined when `signal` is aborted
   */
  async next(address: string, isDown: () => boolean, signal: AbortSignal): Promise<string | undefined> {
    const searches = new Backoff({ first: SEARCH_AGAIN, longest: LOOK_UP_AGAIN });
    while (!signal.aborted) {
      const down = isDown();
      if (!down) searches.reset();
      const wait = down ? searches.next() : LOOK_UP_AGAIN * (1 - LOOK_UP_SPREAD * Math.random());
      await this.#pause(wait, down, signal);
      const known = await this.#lookUp(signal).catch(() => undefined);
      if (known === undefined || signal.aborted) continue;
      if (known.includes(address) && !isDown()) continue;
      const others = known.filter((other) => other !== address);
      if (others.length === 0 || (await this.#answers(address, signal))) continue;
      const found = await this.#firstThatAnswers(others, signal);
      // After an outage one comes back a moment before the other; what idles at the old one would be lost.
      if (found !== undefined && !(await this.#answers(address, signal)) && !signal.aborted) return found;
    }
    return undefined;
  }

  /** A pause that doubt ends, unless it is one between two searches. */
  async #pause(duration: Seconds, searching: boolean, signal: AbortSignal): Promise<void> {
    const ended = new AbortController();
    if (!searching) this.#endPause = () => ended.abort();
    await pause(this.#options.clock, duration, AbortSignal.any([signal, ended.signal]));
    this.#endPause = undefined;
  }

  /** The addresses that can be used from here, in the system's order of preference. */
  async #lookUp(signal: AbortSignal): Promise<readonly string[] | undefined> {
    const { host, target, resolve = resolveName } = this.#options;
    const { family, local_address: local } = target;
    const addresses = await unlessAborted(resolve(host, family), signal);
    const usable = addresses?.filter((address) => local === undefined || isIP(local) === isIP(address));
    if (usable?.length === 0)
      throw new FarEndError(`no address of the host has the family of ${local}`, { remedy: 'local_address' });
    return usable;
  }

  async #answers(address: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#options.problemAt(address, signal)) === undefined;
  }

  /** Tries one after the other, the next one before the last one has failed, until one answers. */
  async #firstThatAnswers(
    addresses: readonly string[],
    signal: AbortSignal,
    problems: Error[] = [],
  ): Promise<string | undefined> {
    const { clock, problemAt } = this.#options;
    const found = new AbortController();
    const here = AbortSignal.any([signal, found.signal]);
    let first: string | undefined;
    const attempt = async (address: string): Promise<void> => {
      const problem = await problemAt(address, here);
      if (here.aborted) return;
      if (problem !== undefined) return void problems.push(problem);
      first = address;
      found.abort();
    };
    const attempts: Promise<void>[] = [];
    for (const address of addresses) {
      if (here.aborted) break;
      const trying = attempt(address);
      attempts.push(trying);
      await Promise.race([trying, pause(clock, ATTEMPT_DELAY, here)]);
    }
    await Promise.all(attempts);
    return first;
  }
}
