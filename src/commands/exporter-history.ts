/** Ties the local history to the engine: notes findings as they change and reads them again. */
import { join } from 'node:path';
import type { Clock, Timer } from '../clock.js';
import type { Config } from '../config/config.js';
import type { EngineView } from '../engine/snapshot.js';
import type { HistoryEntry } from '../history/entry.js';
import { type History, openHistory } from '../history/store.js';
import type { Logger } from '../log.js';
import type { Seconds } from '../units.js';
import type { Follower } from './exporter-follower.js';

/** How often the findings are looked at; the store writes only what changed, or once an hour. */
const NOTE_EVERY: Seconds = 60;

/** The history of one exporter; without a state directory it remembers nothing. */
export class ExporterHistory implements Follower {
  readonly #view: EngineView;
  readonly #clock: Clock;
  readonly #log: Logger;
  #directory: string | undefined;
  #history: History | undefined;
  #timer: Timer | undefined;

  constructor(view: EngineView, clock: Clock, log: Logger) {
    this.#view = view;
    this.#clock = clock;
    this.#log = log;
  }

  /** Follows the configuration's state directory. */
  async apply(config: Config): Promise<void> {
    if (config.state_dir === this.#directory) return;
    await this.conclude();
    await this.close();
    this.#directory = config.state_dir;
    if (config.state_dir === undefined) return;
    this.#history = openHistory(join(config.state_dir, 'history'), this.#clock, {
      warn: (text) => this.#log.warn(text),
    });
    this.#noteAgain();
  }

  /** The findings of the last 30 days, oldest first; none without a state directory. */
  async read(target: string): Promise<readonly HistoryEntry[]> {
    return (await this.#history?.read(target)) ?? [];
  }

  /** Notes the last findings. */
  conclude(): Promise<void> {
    this.#timer?.cancel();
    this.#note();
    return Promise.resolve();
  }

  /** Writes what is left. */
  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#directory = undefined;
    await this.#history?.close();
    this.#history = undefined;
  }

  #noteAgain(): void {
    this.#timer = this.#clock.after(NOTE_EVERY, () => {
      this.#note();
      this.#noteAgain();
    });
  }

  /** The embedded target starts anew with each process: its past says nothing. */
  #note(): void {
    const history = this.#history;
    if (history === undefined) return;
    const now = this.#clock.wall();
    for (const { config, modes } of this.#view.targets()) {
      if (config.far_end.kind === 'embedded') continue;
      for (const { mode, finding } of modes) {
        if (finding.lower === undefined && finding.upper === undefined) continue;
        history.record(config.name, mode, finding, now);
      }
    }
  }
}
