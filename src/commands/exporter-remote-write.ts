/** Ties remote write to the exporter: follows the configuration and keeps the queue where it can. */
import { hostname } from 'node:os';
import { systemClock } from '../clock.js';
import type { Config } from '../config/config.js';
import type { ExporterMetrics } from '../exporter/metrics.js';
import type { Logger } from '../log.js';
import { createSend } from '../remote-write/send.js';
import { RemoteWriter } from '../remote-write/writer.js';
import type { Follower } from './exporter-follower.js';

/** The remote write of one exporter; without a section in the configuration it does nothing. */
export class ExporterRemoteWrite implements Follower {
  readonly #metrics: ExporterMetrics;
  readonly #version: string;
  readonly #log: Logger;
  #section = 'null';
  #writer: RemoteWriter | undefined;

  constructor(metrics: ExporterMetrics, version: string, log: Logger) {
    this.#metrics = metrics;
    this.#version = version;
    this.#log = log;
  }

  /** Follows the section; an unchanged one keeps its queue, a changed one delivers it first, within 2 s. */
  async apply({ remote_write }: Config): Promise<void> {
    const section = JSON.stringify(remote_write ?? null);
    if (section === this.#section) return;
    this.#section = section;
    await this.#writer?.stop();
    this.#writer = undefined;
    if (remote_write !== undefined) {
      this.#writer = new RemoteWriter({
        config: remote_write,
        read: () => this.#metrics.series(),
        send: createSend(remote_write, this.#version),
        hostname: hostname(),
        clock: systemClock,
        log: this.#log,
      });
    }
    const writer = this.#writer;
    this.#metrics.remoteWrite(writer && (() => writer.stats));
    writer?.start();
  }

  /** Takes the last samples while the engine still has them. */
  async conclude(): Promise<void> {
    await this.#writer?.conclude();
  }

  /** Delivers what waits, within 2 s. */
  async close(): Promise<void> {
    await this.#writer?.stop();
  }
}
