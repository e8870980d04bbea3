/** Notices that target files, or the configuration itself, changed: the kernel tells at once, and a slow look covers what it cannot (NFS, mounts). */
import { type FSWatcher, watch } from 'node:fs';
import type { Clock, Timer } from '../clock.js';
import type { Seconds } from '../units.js';
import { foldersOf, signatureOf } from '../config/target-files.js';
import type { TargetFilesConfig } from '../config/config.js';

/** How often the files are looked at without being told, seconds. */
const LOOK_EVERY: Seconds = 10;
/** A burst of changes is over when it has been quiet for this long, seconds. */
const SETTLED_AFTER: Seconds = 0.3;

/** Paths whose file names may have wildcards. */
type WatchedFiles = Pick<TargetFilesConfig, 'patterns'>;

export class TargetFileWatch {
  readonly #clock: Clock;
  readonly #changed: () => void;
  #files: WatchedFiles | undefined;
  #signature = '';
  #folders = '';
  #watchers: FSWatcher[] = [];
  #watched = false;
  #poll: Timer | undefined;
  #settle: Timer | undefined;

  /** @param changed called after something changed; whoever is called reads the files after another `follow` */
  constructor(clock: Clock, changed: () => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  /** Takes note of the files as they are now; call it before they are read, so that no change falls in between. */
  follow(files: WatchedFiles | undefined): void {
    this.#files = files;
    this.#signature = files === undefined ? '' : signatureOf(files);
    const folders = files === undefined ? [] : foldersOf(files);
    if (folders.join('\n') !== this.#folders) {
      this.#folders = folders.join('\n');
      this.#unwatch();
      this.#watchers = folders.flatMap((folder) => this.#watch(folder));
    }
    this.#poll?.cancel();
    this.#poll = undefined;
    if (files !== undefined) this.#pollAgain();
  }

  /** One for all folders: inotify's, which libuv opens with the first and keeps for ever. */
  descriptors(): number {
    return this.#watched ? 1 : 0;
  }

  close(): void {
    this.follow(undefined);
    this.#settle?.cancel();
  }

  #watch(folder: string): FSWatcher[] {
    try {
      this.#watched = true;
      const watcher = watch(folder, { persistent: false }, () => this.#stir());
      // A folder that vanishes, or a limit of the kernel: the slow look goes on.
      watcher.on('error', () => watcher.close());
      return [watcher];
    } catch {
      return [];
    }
  }

  #unwatch(): void {
    for (const watcher of this.#watchers) watcher.close();
    this.#watchers = [];
  }

  #stir(): void {
    this.#settle?.cancel();
    this.#settle = this.#clock.after(SETTLED_AFTER, () => this.#look());
  }

  #pollAgain(): void {
    this.#poll = this.#clock.after(LOOK_EVERY, () => {
      this.#pollAgain();
      this.#look();
    });
  }

  #look(): void {
    if (this.#files === undefined) return;
    const now = signatureOf(this.#files);
    if (now === this.#signature) return;
    this.#signature = now;
    this.#changed();
  }
}
