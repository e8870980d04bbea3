/**
 * Remote write: takes the metrics at every interval, keeps them in a bounded queue with their timestamps, and sends
 * them one request at a time, so that the receiver gets every series in order.
 */
import { Backoff } from '../backoff.js';
import { type Clock, isSet, type Timer } from '../clock.js';
import type { RemoteWriteConfig } from '../config/config.js';
import { defined } from '../defined.js';
import { pause } from '../pause.js';
import type { Logger } from '../log.js';
import type { Milliseconds, Seconds } from '../units.js';
import { encodeSamples, encodeStale, type Series } from './encode.js';
import { BatchQueue } from './queue.js';
import type { Send } from './send.js';

/** Series in one request. */
const SERIES_PER_REQUEST = 1000;
/** The longest pause between two tries that the receiver did not ask for. */
const LONGEST_BACKOFF: Seconds = 30;
/** What the receiver asks for is made longer by up to this part of it: it may ask a whole fleet. */
const RETRY_AFTER_SPREAD = 0.2;
/** Between tries while the program ends. */
const LAST_BACKOFF: Seconds = 0.2;
/** Samples go on after the newest one when the wall clock is set back by no more; further back they follow the clock. */
const FOLLOWED_BY: Milliseconds = 600_000;
/** How long an end may take to deliver what waits. */
const FLUSH_WITHIN: Seconds = 2;

/** What has happened since the writer was made. */
export interface RemoteWriteStats {
  /** Samples that the receiver has taken, staleness markers not counted. */
  readonly samples: number;
  /** Samples that are lost, by reason. */
  readonly dropped: Readonly<Record<DropReason, number>>;
  /** Samples that wait. */
  readonly pending: number;
  /** Requests that failed and were kept for another try. */
  readonly failures: number;
  /** Unix time; absent before the first success. */
  readonly lastSuccess: Seconds | undefined;
}

/** Why samples were lost: the queue was full, or the receiver refused them for good. */
export type DropReason = 'queue_full' | 'refused';

export interface RemoteWriterOptions {
  readonly config: Pick<RemoteWriteConfig, 'interval' | 'external_labels' | 'queue_samples'>;
  /** The metrics as of now. */
  readonly read: () => Promise<readonly Series[]>;
  readonly send: Send;
  /** Name of this host, for the label `instance`. */
  readonly hostname: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** From 0 to below 1, for the jitter; `Math.random` unless given. */
  readonly random?: () => number;
}

export class RemoteWriter {
  readonly #options: RemoteWriterOptions;
  readonly #queue: BatchQueue;
  readonly #common: Readonly<Record<string, string>>;
  /** Aborted when the end has begun, and when it has lasted long enough. */
  readonly #ending = new AbortController();
  readonly #ended = new AbortController();
  readonly #done = { samples: 0, dropped: { queue_full: 0, refused: 0 }, failures: 0 };
  readonly #backoff: Backoff;
  /** What has been said of the receiver since it took samples last. */
  readonly #said = new Set<'failed' | 'refused'>();
  #lastSuccess: Seconds | undefined;
  #lastTimestamp: Milliseconds = 0;
  /** The series of the newest collection by their labels: those that are gone get a marker. */
  #known = new Map<string, Series>();
  #timer: Timer | undefined;
  #collecting: Promise<void> = Promise.resolve();
  #sending: Promise<void> | undefined;
  #full = false;
  #unset = false;
  #unreadable = false;

  constructor(options: RemoteWriterOptions) {
    this.#options = options;
    this.#backoff = new Backoff(defined({ longest: LONGEST_BACKOFF, random: options.random }));
    this.#queue = new BatchQueue(options.config.queue_samples);
    this.#common = {
      job: 'nat-idle-exporter',
      instance: options.hostname,
      ...options.config.external_labels,
    };
  }

  get stats(): RemoteWriteStats {
    return { ...this.#done, pending: this.#queue.samples, lastSuccess: this.#lastSuccess };
  }

  /** Collects now and then at every interval. */
  start(): void {
    this.#tick(this.#options.clock.monotonic());
  }

  /** Collects for the last time and marks every series as ended. Nothing is collected afterwards. */
  async conclude(): Promise<void> {
    if (this.#ending.signal.aborted) return;
    this.#ending.abort();
    this.#timer?.cancel();
    await this.#collecting;
    await this.#collect();
    await this.#collect({ last: true });
  }

  /** Delivers what waits, within 2 s; what is left then is lost. */
  async stop(): Promise<void> {
    const { clock, log } = this.#options;
    const end = clock.after(FLUSH_WITHIN, () => this.#ended.abort());
    await this.conclude();
    await this.#sending;
    end.cancel();
    this.#ended.abort();
    if (this.#queue.samples > 0)
      log.warn(
        { samples: this.#queue.samples },
        'samples could not be delivered before the end and are lost',
      );
  }

  #tick(planned: Seconds): void {
    const { clock, config } = this.#options;
    this.#collecting = this.#collect().then(() => {
      if (this.#ending.signal.aborted) return;
      // Moments that were missed stay missed: a late sample would only stand beside the next one.
      let next = planned + config.interval;
      while (next <= clock.monotonic()) next += config.interval;
      this.#timer = clock.after(next - clock.monotonic(), () => this.#tick(next));
    });
  }

  /** The moment of a collection; undefined, and told once, while the clock is not set: no receiver takes 1970. */
  #timestamp(): Milliseconds | undefined {
    const wall = this.#options.clock.wall();
    const unset = !isSet(wall);
    if (unset && !this.#unset)
      this.#options.log.warn('no samples are taken for remote write until the clock of this host is set');
    this.#unset = unset;
    if (unset) return undefined;
    const now = Math.round(wall * 1000);
    const last = this.#lastTimestamp;
    return (this.#lastTimestamp = now < last - FOLLOWED_BY ? now : Math.max(last + 1, now));
  }

  /** Takes the metrics into the queue, none for the last time; a failure is told and loses this moment only. */
  async #collect({ last = false } = {}): Promise<void> {
    const { log, read } = this.#options;
    try {
      const at = this.#timestamp();
      if (at === undefined) return;
      const series = last ? [] : [...(await read()), { labels: { __name__: 'up' }, value: 1 }];
      const now = new Map<string, Series>();
      for (const { labels, value } of series) {
        const all = { ...this.#common, ...labels };
        now.set(JSON.stringify(all), { labels: all, value });
      }
      const gone = [...this.#known].filter(([key]) => !now.has(key)).map(([, old]) => old);
      this.#known = now;
      this.#enqueue([...now.values()], at, false);
      this.#enqueue(gone, at, true);
      this.#unreadable = false;
    } catch (error) {
      if (!this.#unreadable) log.error({ error }, 'cannot take the metrics for remote write');
      this.#unreadable = true;
    }
  }

  #enqueue(series: readonly Series[], timestamp: Milliseconds, stale: boolean): void {
    const encode = stale ? encodeStale : encodeSamples;
    for (let at = 0; at < series.length; at += SERIES_PER_REQUEST) {
      const part = series.slice(at, at + SERIES_PER_REQUEST);
      const body = encode(part, timestamp);
      const dropped = this.#queue.push({ body, samples: part.length, stale });
      this.#done.dropped.queue_full += dropped;
      if (dropped > 0 && !this.#full) {
        this.#full = true;
        this.#options.log.warn('the queue of remote write is full: its oldest samples are dropped');
      }
      this.#sending ??= this.#drain();
    }
  }

  /** Sends until nothing waits. Never rejects: `send` does not throw. */
  async #drain(): Promise<void> {
    const { clock, send, random = Math.random } = this.#options;
    for (;;) {
      const batch = this.#queue.peek();
      if (batch === undefined || this.#ended.signal.aborted) break;
      const outcome = await send(batch.body, this.#ended.signal);
      if (outcome.kind === 'failed') {
        this.#failed(outcome.reason);
        if (this.#ended.signal.aborted) break;
        const ending = this.#ending.signal.aborted;
        const asked = (outcome.after ?? 0) * (1 + RETRY_AFTER_SPREAD * random());
        const wait = Math.max(this.#backoff.next(), asked);
        await pause(clock, ending ? LAST_BACKOFF : wait, ending ? this.#ended.signal : this.#ending.signal);
        continue;
      }
      this.#queue.shift();
      if (outcome.kind === 'delivered') this.#delivered(batch.stale ? 0 : batch.samples);
      else this.#refused(batch.samples, outcome.reason);
    }
    // In the same turn as the last look at the queue: what is queued a moment later starts anew.
    this.#sending = undefined;
  }

  #failed(reason: string): void {
    this.#done.failures++;
    if (this.#said.has('failed')) return;
    this.#said.add('failed');
    this.#options.log.warn({ reason }, 'the receiver of remote write takes no samples; they wait');
  }

  #delivered(samples: number): void {
    const { clock, log } = this.#options;
    this.#done.samples += samples;
    this.#lastSuccess = clock.wall();
    if (this.#said.size > 0)
      log.info({ pending: this.#queue.samples }, 'the receiver of remote write takes samples again');
    this.#said.clear();
    this.#backoff.reset();
    if (this.#queue.samples === 0) this.#full = false;
  }

  #refused(samples: number, reason: string): void {
    this.#done.dropped.refused += samples;
    this.#backoff.reset();
    if (this.#said.has('refused')) return;
    this.#said.add('refused');
    this.#options.log.warn(
      { reason, samples },
      'the receiver of remote write refuses samples; they are dropped',
    );
  }
}
