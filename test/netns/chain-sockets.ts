/** Plain sockets on both ends of a chain, kept fresh with small TTLs: what a localisation does, without the product. */
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cell, Means, Side } from '../../src/core/locate/locate-contract.js';
import type { ChainLab } from './chains.js';
import type { LabProcess } from './process.js';

/** A mode that plain sockets have here. */
export type ChainMode = 'send' | 'recv';

/** How a connection fared. */
export interface CellResult {
  readonly alive: boolean;
  readonly how: 'answered' | 'silence' | 'reset' | 'closed';
  /** Seconds from the hello to the test. */
  readonly idle: number;
  readonly arrivals: { readonly client: boolean; readonly responder: boolean };
}

interface Line {
  readonly id?: number;
  readonly error?: string;
  readonly [field: string]: unknown;
}

const PATIENCE = 30_000;

/** How long a test may stay unanswered, seconds. */
const DEADLINE = 2;

const KEEPALIVES = { client: 'keepalive', responder: 'keepalive' } as const;

const helper = (name: string): string => fileURLToPath(new URL(`helpers/${name}.py`, import.meta.url));

/** Lines of JSON from one end, each awaited by its number and a field. */
class End {
  readonly #process: LabProcess;

  constructor(process: LabProcess) {
    this.#process = process;
  }

  /** Sends a command and waits for the line with that field. */
  async ask(id: number, field: string, command: string, patience = PATIENCE): Promise<Line> {
    const from = this.#process.mark();
    this.#process.write(`${command}\n`);
    const pattern = new RegExp(`^\\{"id": ${id}, "(?:${field}|error)".*\\}$`);
    const [text] = await this.#process.waitForLine(pattern, patience, from);
    const line = JSON.parse(text) as Line;
    if (line.error !== undefined && line[field] === undefined) throw new Error(`${command}: ${line.error}`);
    return line;
  }

  tell(command: string): void {
    this.#process.write(`${command}\n`);
  }
}

/** Both ends of a chain, ready to open connections. */
export class ChainSockets {
  readonly #client: End;
  readonly #server: End;
  #newest = 0;

  private constructor(client: LabProcess, server: LabProcess) {
    this.#client = new End(client);
    this.#server = new End(server);
  }

  /** @param family the one that connections take */
  static async start(chain: ChainLab, family: 'v4' | 'v6'): Promise<ChainSockets> {
    const server = chain.spawn('server', 'python3', [helper('chain_server')]);
    await server.waitForLine(/^listening$/, PATIENCE);
    const client = chain.spawn('client', 'python3', [helper('chain_client'), chain.server[family]]);
    await client.waitForLine(/^ready$/, PATIENCE);
    return new ChainSockets(client, server);
  }

  /** Opens a connection. @returns its number, and how long ago its idle clock started, seconds */
  async #open(): Promise<{ id: number; ago: number }> {
    this.#newest += 1;
    const id = this.#newest;
    const { ago } = await this.#client.ask(id, 'opened', `open ${id}`);
    return { id, ago: Number(ago) };
  }

  /** Whether a segment with each of these TTLs is acknowledged. */
  reach(side: 'client' | 'responder', ttls: readonly number[]): Promise<boolean[]> {
    return Promise.all(
      ttls.map(async (ttl) => {
        const { id } = await this.#open();
        const end = side === 'client' ? this.#client : this.#server;
        const { acked } = await end.ask(id, 'acked', `reach ${id} ${ttl}`);
        this.#client.tell(`close ${id}`);
        return acked === true;
      }),
    );
  }

  /**
   * Lets a connection idle, kept fresh as the cell says, and tests it.
   * @param interval whole seconds between two refreshes
   * @param means what each end refreshes with
   */
  async idle(
    { k, m }: Cell,
    idle: number,
    interval: number,
    mode: ChainMode,
    means: Readonly<Record<Side, Means>> = KEEPALIVES,
  ): Promise<CellResult> {
    const { id, ago } = await this.#open();
    const since = performance.now() - ago * 1000;
    if (k > 0) await this.#client.ask(id, 'fresh', `fresh ${id} ${k} ${interval} ${means.client}`);
    if (m > 0) await this.#server.ask(id, 'fresh', `fresh ${id} ${m} ${interval} ${means.responder}`);
    await sleep(Math.max(0, since + idle * 1000 - performance.now()));
    if (m > 0) await this.#server.ask(id, 'restored', `restore ${id}`);
    const { probes, arrived } = await this.#client.ask(id, 'restored', `restore ${id}`);
    const tested = (performance.now() - since) / 1000;
    const answer = this.#client.ask(id, 'result', `test ${id} ${mode} ${DEADLINE}`);
    if (mode === 'recv') this.#server.tell(`ring ${id}`);
    const { result } = await answer;
    this.#client.tell(`close ${id}`);
    return {
      alive: result === 'answered',
      how: result as CellResult['how'],
      idle: tested,
      arrivals: { client: k > 0 && probes === 0, responder: m > 0 && arrived === true },
    };
  }
}
