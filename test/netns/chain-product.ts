/** The product's two programs at the ends of a chain of boxes, the exporter known by its HTTP pages. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StateStore } from '../../src/engine/state-store.js';
import type { TargetsDocument } from '../../src/exporter/api.js';
import { createLogger } from '../../src/log.js';
import { parseConfig } from '../support/parse-config.js';
import { savedSearch, type Seen } from '../support/searches.js';
import { type ChainLab, createChain, type LabBox } from './chains.js';
import type { LabProcess } from './process.js';
import { inTurn } from './turns.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PROGRAM = ['dist/main.js'];
const RESPONDER = ['responder', '--listen-address=:5382', '--web.listen-address=127.0.0.1:15400'];
/** The only target of the exporter. */
export const TARGET = 'path';

export type TargetDocument = TargetsDocument['targets'][number];

export class ChainProduct {
  readonly chain: ChainLab;
  readonly #folder = mkdtempSync(join(tmpdir(), 'natlab-'));
  #responder: LabProcess | undefined;
  #exporter: LabProcess | undefined;

  constructor(chain: ChainLab) {
    this.chain = chain;
  }

  /** Starts the far end; one that runs is killed first, as by a crash. */
  async startResponder(): Promise<void> {
    await this.#responder?.stop('SIGKILL');
    this.#responder = this.chain.spawn('server', process.execPath, [...PROGRAM, ...RESPONDER], { cwd: ROOT });
    await this.#responder.waitForLine(/responder listens/, 60_000);
  }

  /**
   * Starts the exporter with one target, in `send`; one that runs is ended first.
   * @param settings of the target, as YAML
   * @param remembers what its state file is made to say of the search, and of nothing else
   */
  async startExporter(settings: string, remembers?: Seen): Promise<void> {
    await this.#exporter?.stop('SIGTERM');
    const file = join(this.#folder, 'config.yaml');
    const target = `{name: ${TARGET}, host: ${this.chain.server.v4}, modes: [send], ${settings}}`;
    const text = `state_dir: ${this.#folder}\ntargets:\n  - ${target}\n`;
    writeFileSync(file, text);
    if (remembers !== undefined) await this.#remember(text, remembers);
    const args = [`--config.file=${file}`, '--web.listen-address=127.0.0.1:15382'];
    this.#exporter = this.chain.spawn('client', process.execPath, [...PROGRAM, ...args], { cwd: ROOT });
  }

  async #remember(text: string, seen: Seen): Promise<void> {
    const [config] = parseConfig(text, 'config.yaml').targets;
    if (config === undefined) throw new Error('no target is configured');
    const savedAt = Date.now() / 1000;
    const outcome = { kind: 'timeout', connections: 1, held: 1, upper: 1, at: 0 } as const;
    const log = createLogger({ level: 'error', format: 'json', stream: { write: () => undefined } });
    await new StateStore(this.#folder, log).save(TARGET, {
      path: JSON.stringify([config.far_end, config.family, null]),
      savedAt,
      quota: { memory: { compliantWith: 0, outcome }, at: 0 },
      searches: [savedSearch(config, 'send', seen, savedAt)],
    });
  }

  /** Runs `measure` against the far end to its end. */
  measure(flags: readonly string[]): ReturnType<ChainLab['exec']> {
    const args = [...PROGRAM, 'measure', this.chain.server.v4, ...flags];
    return this.chain.exec('client', process.execPath, args, { cwd: ROOT, mayFail: true });
  }

  /** A page of the exporter; empty while it does not answer. */
  async page(path: string): Promise<string> {
    const asked = await this.chain.exec('client', 'curl', ['-s', `http://127.0.0.1:15382${path}`], {
      mayFail: true,
    });
    return asked.stdout;
  }

  /** All that the exporter tells of its target; undefined while it does not answer. */
  async target(): Promise<TargetDocument | undefined> {
    const text = await this.page('/api/v1/targets');
    return text === '' ? undefined : (JSON.parse(text) as TargetsDocument).targets[0];
  }

  async close(): Promise<void> {
    await this.chain.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Makes a chain with a responder at its far end, hands it to `run`, and removes everything. */
export async function withChainProduct(
  boxes: readonly LabBox[],
  run: (product: ChainProduct) => Promise<void>,
): Promise<void> {
  const product = await inTurn(async () => {
    const made = new ChainProduct(await createChain(boxes));
    try {
      await made.startResponder();
    } catch (error) {
      await made.close();
      throw error;
    }
    return made;
  });
  try {
    await run(product);
  } finally {
    await product.close();
  }
}
