/** Holds the state directory of one exporter: two that write the same files would undo each other's work. */
import { ConfigError } from '../config/problem.js';
import { type DirectoryLock, directoryId, DirectoryHeld, lockDirectory } from '../net/directory-lock.js';
import type { Logger } from '../log.js';

export class StateDirectory {
  readonly #file: string;
  readonly #log: Logger;
  #lock: DirectoryLock | undefined;

  /** @param file the configuration file, for messages */
  constructor(file: string, log: Logger) {
    this.#file = file;
    this.#log = log;
  }

  /**
   * Takes the directory that a configuration names, beside the one that is held.
   *
   * @returns what makes the change final, and what takes it back
   * @throws ConfigError when another process has it
   */
  async take(directory: string | undefined): Promise<{ keep(): Promise<void>; undo(): Promise<void> }> {
    const before = this.#lock;
    const next = directory === undefined ? undefined : await this.#takeOne(directory);
    this.#lock = next;
    const release = async (lock: DirectoryLock | undefined, other: DirectoryLock | undefined) => {
      if (lock !== other) await lock?.release();
    };
    return {
      keep: () => release(before, next),
      undo: () => {
        this.#lock = before;
        return release(next, before);
      },
    };
  }

  /** The socket that holds the directory. */
  descriptors(): number {
    return this.#lock === undefined ? 0 : 1;
  }

  async release(): Promise<void> {
    await this.#lock?.release();
    this.#lock = undefined;
  }

  async #takeOne(directory: string): Promise<DirectoryLock | undefined> {
    try {
      const held = this.#lock;
      if (held !== undefined && held.id === (await directoryId(directory))) return held;
      return await lockDirectory(directory);
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
