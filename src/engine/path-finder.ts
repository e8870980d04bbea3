/** The way to one target's far end: finds an address that answers, opens the path there, and moves to another one. */
import { isIP } from 'node:net';
import { Backoff } from '../backoff.js';
import type { Clock } from '../clock.js';
import type { TargetConfig } from '../config/config.js';
import type { EmbeddedBox } from '../config/far-ends.js';
import { remedyOf } from '../config/remedy.js';
import { defined } from '../defined.js';
import { messageOf } from '../message.js';
import { pause, pauseForever } from '../pause.js';
import { hostOf } from '../probe/far-ends/index.js';
import type { EmbeddedFarEnd, Path, PathOptions } from '../probe/path.js';
import type { Seconds } from '../units.js';
import { FarEndAddresses } from './far-end-address.js';
import type { Journal } from './journal.js';
import type { FactsKeeper } from './path-facts.js';
import { Uplink, type UplinkOptions } from './uplink.js';

/** Longest pause between two tries to resolve a name, or to read what a path needs, seconds. */
const LONGEST_RETRY: Seconds = 30;

export interface PathFinderOptions {
  readonly target: TargetConfig;
  readonly clock: Clock;
  readonly facts: FactsKeeper;
  readonly journal: Journal;
  /** Starts the built-in responder behind the built-in NAT. */
  readonly openEmbedded: (box: EmbeddedBox) => Promise<EmbeddedFarEnd>;
  readonly openPath: (options: PathOptions) => Path;
  /** The far end of a path in use breaks silences by itself. */
  readonly speaks: NonNullable<PathOptions['speaks']>;
  readonly addressOf?: UplinkOptions['addressOf'];
}

/** A path, the address to which it leads, and the interface from which where the target names one. */
export interface FoundPath {
  readonly address: string;
  readonly path: Path;
  readonly uplink: Uplink | undefined;
}

export class PathFinder {
  readonly #options: PathFinderOptions;
  /** Pauses while there is no path. */
  readonly #unpinned = new Backoff({ longest: LONGEST_RETRY });
  /** Absent for the built-in far end. */
  readonly #addresses: FarEndAddresses | undefined;
  #embedded: EmbeddedFarEnd | undefined;

  constructor(options: PathFinderOptions) {
    this.#options = options;
    const { target, clock } = options;
    if (target.far_end.kind === 'embedded') return;
    this.#addresses = new FarEndAddresses({
      // Looked up where it is used: the user's own configuration may be wrong, and be mended.
      get host() {
        return hostOf(target);
      },
      target,
      clock,
      problemAt: (address, signal) => this.#problemAt(address, signal),
    });
  }

  /**
   * Tries until there is an address and a path to it.
   * @param known an address that answers, where there is one already
   * @returns undefined when `signal` is aborted
   */
  async find(known: string | undefined, signal: AbortSignal): Promise<FoundPath | undefined> {
    const { clock, facts } = this.#options;
    while (!signal.aborted) {
      try {
        const address = known ?? (await this.#findAddress(signal));
        if (address === undefined) return undefined;
        const found = this.#open(address);
        this.#unpinned.reset();
        facts.pinned(address);
        return found;
      } catch (error) {
        facts.unreachable(messageOf(error), remedyOf(error));
        await pause(clock, this.#unpinned.next(), signal);
      }
    }
    return undefined;
  }

  /** The address in use does not answer: another one is looked for sooner. */
  doubt(): void {
    this.#addresses?.doubt();
  }

  /**
   * Waits until the path leads elsewhere: another address of the name answers and the one in use does not any more, or
   * the interface has another address.
   *
   * @param gone called when the interface has no address any more
   * @returns the far end's address; undefined when `signal` is aborted
   */
  async untilMoved(found: FoundPath, gone: () => void, signal: AbortSignal): Promise<string | undefined> {
    const left = new AbortController();
    const here = AbortSignal.any([signal, left.signal]);
    const moves = [this.#untilElsewhere(found.address, here), this.#untilReplaced(found, gone, here)];
    return Promise.race(moves).finally(() => left.abort());
  }

  /** Until another address of the name takes the place of this one. */
  async #untilElsewhere(address: string, signal: AbortSignal): Promise<string | undefined> {
    const { target, facts, journal } = this.#options;
    const { far_end: farEnd } = target;
    if (farEnd.kind === 'embedded' || this.#addresses === undefined || isIP(farEnd.host) !== 0) {
      await pauseForever(signal);
      return undefined;
    }
    const next = await this.#addresses.next(address, () => facts.facts.up === false, signal);
    if (next !== undefined)
      journal.tell(
        `${farEnd.host} has a new address: ${next} instead of ${address}, which does not answer any more`,
        'warn',
      );
    return next;
  }

  /** Until the interface has another address: the far end's stays. */
  async #untilReplaced(
    { address, uplink }: FoundPath,
    gone: () => void,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (uplink === undefined) {
      await pauseForever(signal);
      return undefined;
    }
    const replaced = await uplink.untilReplaced(gone, signal);
    if (replaced === undefined) return undefined;
    this.#options.journal.tell(replaced, 'warn');
    return address;
  }

  /** Ends the built-in far end. */
  async close(): Promise<void> {
    await this.#embedded?.close();
  }

  /** The address that answers, or is the only choice; starts the built-in far end. */
  async #findAddress(signal: AbortSignal): Promise<string | undefined> {
    const { target, openEmbedded } = this.#options;
    const { far_end: farEnd } = target;
    if (farEnd.kind !== 'embedded') return this.#addresses?.choose(signal);
    this.#embedded ??= await openEmbedded(farEnd);
    return this.#embedded.address;
  }

  /** Why a fresh connection to an address does not work; undefined where it does. */
  async #problemAt(address: string, signal: AbortSignal): Promise<Error | undefined> {
    try {
      await this.#open(address).path.check(signal);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  #open(address: string): FoundPath {
    const { target, clock, facts, journal, openPath, speaks, addressOf } = this.#options;
    const { interface: name } = target;
    const uplink = name === undefined ? undefined : new Uplink({ name, remote: address, clock, addressOf });
    const path = openPath({
      target,
      address,
      clock,
      announced: (outcome) => facts.announced(outcome),
      welcomed: (welcomed) => facts.welcomed(address, welcomed),
      speaks,
      trouble: (text) => journal.tell(text, 'warn'),
      ...defined({ embedded: this.#embedded, source: uplink && (() => uplink.address()) }),
    });
    return { address, path, uplink };
  }
}
