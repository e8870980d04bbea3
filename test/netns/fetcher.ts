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

/** One long-lived helper process in one namespace. */
export class Fetcher {
  readonly #process: LabProcess;
  #requests = 0;

  /** @param wrap puts a command into the namespace */
  constructor(wrap: (argv: readonly string[]) => string[]) {
    const script = fileURLToPath(new URL('helpers/fetcher.ts', import.meta.url));
    this.#process = new LabProcess(wrap([process.execPath, '--import', 'tsx', script]));
  }

  /**
   * @param deadline milliseconds
   * @throws when nothing answers in time
   */
  async fetch(url: string, method = 'GET', deadline = 5000): Promise<HttpAnswer> {
    this.#requests += 1;
    const id = this.#requests;
    const from = this.#process.mark();
    this.#process.write(`${JSON.stringify({ id, url, method, deadline })}\n`);
    const line = await this.#process.waitForLine(
      new RegExp(`^\\{"id":${id},.*\\}$`),
      deadline + 10_000,
      from,
    );
    const reply = JSON.parse(line[0]) as Reply;
    if (reply.error !== undefined) throw new Error(reply.error);
    return { status: reply.status ?? 0, body: reply.body ?? '' };
  }

  async close(): Promise<void> {
    await this.#process.stop('SIGKILL');
  }
}
