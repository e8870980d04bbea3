/** Requests that wait for the receiver, oldest first, bounded by the number of their samples. */

/** One request: an encoded body and how many samples it holds. */
export interface Batch {
  readonly body: Uint8Array;
  readonly samples: number;
  /** Whether they are staleness markers, which nobody counts as delivered samples. */
  readonly stale: boolean;
}

export class BatchQueue {
  readonly #limit: number;
  readonly #batches: Batch[] = [];
  #samples = 0;

  /** @param limit most samples that wait; several batches, or it cannot be kept to */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Samples that wait. */
  get samples(): number {
    return this.#samples;
  }

  /** The oldest batch; it stays in the queue. */
  peek(): Batch | undefined {
    return this.#batches[0];
  }

  /**
   * Appends a batch and drops the oldest ones while there are too many. The very first stays: it may be on its way.
   * @returns how many samples were dropped
   */
  push(batch: Batch): number {
    this.#batches.push(batch);
    this.#samples += batch.samples;
    let dropped = 0;
    while (this.#samples > this.#limit && this.#batches.length > 2) {
      const [oldest] = this.#batches.splice(1, 1);
      dropped += oldest?.samples ?? 0;
      this.#samples -= oldest?.samples ?? 0;
    }
    return dropped;
  }

  /** Takes the oldest batch out. */
  shift(): void {
    this.#samples -= this.#batches.shift()?.samples ?? 0;
  }
}
