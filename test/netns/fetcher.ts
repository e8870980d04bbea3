/** Speaks HTTP inside a namespace from a test outside of it. */
import { fileURLToPath } from 'node:url';
import { LabProcess } from './process.js';

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

interface Reply extends Partial<HttpAnswer> {
  readonly id: number;
  readonly error?: string;
}

interface Waiting {
  readonly resolve: (answer: HttpAnswer) => void;
  readonly reject: (error: Error) => void;
  /** Fails a request that is never answered. */
  readonly stuck: NodeJS.Timeout;
}

/** How much later than its deadline an answer is still awaited, milliseconds. */
const GRACE = 10_000;

/** One long-lived helper process in one namespace. */
export class Fetcher {
  readonly #process: LabProcess;
  readonly #waiting = new Map<number, Waiting>();
  #requests = 0;

  /** @param wrap puts a command into the namespace */
  constructor(wrap: (argv: readonly string[]) => string[]) {
    const script = fileURLToPath(new URL('helpers/fetcher.mjs', import.meta.url));
    this.#process = new LabProcess(wrap([process.execPath, script]), {
      onLine: (line) => {
        this.#answer(JSON.parse(line) as Reply);
      },
    });
    void this.#process.exited.then(() => {
      for (const id of [...this.#waiting.keys()])
        this.#answer({ id, error: `the fetcher ended\n${this.#process.stderr}` });
    });
  }

  #answer({ id, error, status = 0, body = '' }: Reply): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    clearTimeout(waiting?.stuck);
    if (error === undefined) waiting?.resolve({ status, body });
    else waiting?.reject(new Error(error));
  }

  /**
   * @param deadline milliseconds
   * @throws when nothing answers in time
   */
  fetch(url: string, method = 'GET', deadline = 5000): Promise<HttpAnswer> {
    if (this.#process.status !== undefined) return Promise.reject(new Error('the fetcher has ended'));
    this.#requests += 1;
    const id = this.#requests;
    return new Promise((resolve, reject) => {
      const stuck = setTimeout(() => {
        this.#answer({
          id,
          error: `${method} ${url}: the fetcher does not say a word\n${this.#process.stderr}`,
        });
      }, deadline + GRACE);
      this.#waiting.set(id, { resolve, reject, stuck });
      this.#process.write(`${JSON.stringify({ id, url, method, deadline })}\n`);
    });
  }

  async close(): Promise<void> {
    await this.#process.stop('SIGKILL');
  }
}
