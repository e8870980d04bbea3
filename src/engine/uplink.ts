/** The interface that a target is probed from: its address may change, and with it everything that idles is lost. */
import type { Clock } from '../clock.js';
import { InterfaceError, interfaceAddress } from '../net/interface-address.js';
import { Rest } from '../pause.js';
import type { Seconds } from '../units.js';

/** How often it is looked whether the interface still has its address, seconds; each opening looks as well. */
const LOOK_EVERY: Seconds = 2;

export interface UplinkOptions {
  /** The interface. */
  readonly name: string;
  /** The address of the far end. */
  readonly remote: string;
  readonly clock: Clock;
  /** Reads this host's own addresses unless given. */
  readonly addressOf?: typeof interfaceAddress | undefined;
}

/** The address of an interface while one path is measured over: all of its connections start from the same one. */
export class Uplink {
  readonly #options: UplinkOptions;
  readonly #looking: Rest;
  #pinned: string | undefined;
  #replacement: string | undefined;

  constructor(options: UplinkOptions) {
    this.#options = options;
    this.#looking = new Rest(options.clock);
  }

  /**
   * The address from which a connection that is opened now starts. Where it is another one than before, whoever waits for
   * that ends the path, and this connection with it.
   * @throws InterfaceError where there is none
   */
  address(): string {
    const { name, remote, addressOf = interfaceAddress } = this.#options;
    const found = addressOf(name, remote, this.#pinned);
    this.#pinned ??= found;
    if (found !== this.#pinned) {
      this.#replacement = found;
      this.#looking.end();
    }
    return found;
  }

  /**
   * Waits until the interface has another address in place of that which connections started from.
   * @param gone called when it has none any more, each time
   * @returns what is to be told; undefined when `signal` is aborted
   */
  async untilReplaced(gone: () => void, signal: AbortSignal): Promise<string | undefined> {
    const end = (): void => this.#looking.end();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    let missing = false;
    while (!this.#looking.over) {
      await this.#looking.pause(LOOK_EVERY);
      const found = this.#addressNow();
      if (found === undefined && !missing) gone();
      missing = found === undefined;
    }
    signal.removeEventListener('abort', end);
    const [before, now] = [this.#pinned, this.#replacement];
    if (before === undefined || now === undefined) return undefined;
    return `interface ${this.#options.name} has another address: ${now} instead of ${before}`;
  }

  #addressNow(): string | undefined {
    try {
      return this.address();
    } catch (error) {
      if (error instanceof InterfaceError) return undefined;
      throw error;
    }
  }
}
