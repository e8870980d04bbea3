/** Holds the state directory of one exporter: two that write the same files would undo each other's work. */
import { ConfigError } from '../config/problem.js';
import type { Config } from '../config/config.js';
import { type DirectoryLock, directoryId, DirectoryHeld, lockDirectory } from '../net/directory-lock.js';
import type { Logger } from '../log.js';
import type { Follower } from './exporter-follower.js';

export class StateDirectory implements Follower {
  readonly #file: string;
  readonly #log: Logger;
  #lock: DirectoryLock | undefined;
  /** That one, and the one before as long as somebody may still write there. */
  readonly #held = new Set<DirectoryLock>();

  /** @param file the configuration file, for messages */
  constructor(file: string, log: Logger) {
    this.#file = file;
    this.#log = log;
  }

  /**
   * Takes the directory that a configuration names, beside the one before, which is held until `settle`.
   *
   * @throws ConfigError when another process has it
   */
  async apply({ state_dir }: Pick<Config, 'state_dir'>): Promise<void> {
    this.#lock = state_dir === undefined ? undefined : await this.#take(state_dir);
    if (this.#lock !== undefined) this.#held.add(this.#lock);
  }

  async settle(): Promise<void> {
    for (const lock of this.#held) {
      if (lock === this.#lock) continue;
      this.#held.delete(lock);
      await lock.release();
    }
  }

  async close(): Promise<void> {
    this.#lock = undefined;
    await this.settle();
  }

  /** The sockets that hold the directories. */
  descriptors(): number {
    return this.#held.size;
  }

  async #take(directory: string): Promise<DirectoryLock | undefined> {
    try {
      const id = this.#held.size === 0 ? undefined : await directoryId(directory);
      return [...this.#held].find((lock) => lock.id === id) ?? (await lockDirectory(directory));
    } catch (error) {
      if (error instanceof DirectoryHeld)
        throw new ConfigError([
          { file: this.#file, path: 'state_dir', rule: error.message, value: directory },
        ]);
      // A folder that cannot be written is no reason not to measure, and nobody can be disturbed there.
      const { code } = error as NodeJS.ErrnoException;
      this.#log.warn(
        { state_dir: directory, error: code ?? error },
        'cannot hold state_dir for this process alone; take care that no other exporter uses it',
      );
      return undefined;
    }
  }
}
