/** The product in a lab: the responder beside the server, the exporter beside the client, read through /metrics only. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLab, SERVER, type InsideOptions, type Lab, type LabOptions, type LabProcess } from './lab.js';
import { allSeries, series, total, type Labels } from './metrics.js';
import { inTurn } from './turns.js';
import { until } from './until.js';

export type Mode = 'send' | 'recv' | 'keepalive';
export const MODES: readonly Mode[] = ['send', 'recv', 'keepalive'];

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** Where the exporter and the responder show their metrics, each on its own loopback. */
export const EXPORTER_PORT = 15382;
export const RESPONDER_METRICS_PORT = 15383;

/** The search's settings of a lab, as they stand in config.yaml. */
export const LAB_SEARCH: Readonly<Record<string, string | number>> = {
  min_idle: '5s',
  max_idle: '40s',
  resolution: '1s',
  connections: 24,
  deadline: '2s',
};

export interface ProductOptions {
  /** The far end's address or name; the server's IPv4 address where left out. */
  readonly host?: string;
  readonly modes?: readonly Mode[];
  /** The interface to probe from; wherever the route leads unless given. */
  readonly interface?: string;
  /** Settings that differ from `LAB_SEARCH`; `shipped`: the defaults of schedule and search. */
  readonly search?: Readonly<Record<string, string | number>> | 'shipped';
  /** Whether the box that forgets is looked for, which crowds the path: not unless given. */
  readonly locates?: boolean;
  /** How the exporter is started. */
  readonly exporter?: InsideOptions & {
    /** A command before node's, e.g. `['prlimit', '--nofile=64', '--']`. */
    readonly before?: readonly string[];
    /** Arguments of node before the program. */
    readonly node?: readonly string[];
  };
  /** Whether the responder is started at once. */
  readonly responder?: boolean;
  /** Changes the lab before the exporter is started. */
  readonly prepare?: (lab: Lab) => Promise<void>;
  /** The state directory; a fresh one where left out. */
  readonly stateDir?: string;
}

/** What one mode publishes at one moment; what is absent from the page is undefined. */
export interface Published {
  readonly timeout: number | undefined;
  readonly lower: number | undefined;
  readonly upper: number | undefined;
  readonly compliant: number | undefined;
  readonly suspect: number | undefined;
  readonly confirmed: number | undefined;
}

/** Reads what a page says of one mode. */
export function published(page: string, mode: Mode): Published {
  const value = (name: string): number | undefined => series(page, name, { mode });
  return {
    timeout: value('nat_idle_timeout_seconds'),
    lower: value('nat_idle_timeout_lower_bound_seconds'),
    upper: value('nat_idle_timeout_upper_bound_seconds'),
    compliant: value('rfc5382_req5_compliant'),
    suspect: value('nat_search_suspect'),
    confirmed: value('nat_idle_timeout_last_confirmed_timestamp_seconds'),
  };
}

/** The reasons of the given verdict that a mode has met so far, sorted. */
export function reasonsOf(page: string, mode: Mode, verdict: 'alive' | 'dead' | 'inconclusive'): string[] {
  return allSeries(page, 'nat_probe_verdicts_total', { mode, verdict })
    .filter(({ value }) => value > 0)
    .map(({ labels }) => labels['reason'] ?? '')
    .sort();
}

/** A test that takes so long hangs, milliseconds: no measure of speed, for it waits its turn on a busy machine as well. */
export const HUNG = 900_000;

export class Product {
  readonly lab: Lab;
  readonly directory = mkdtempSync(join(tmpdir(), 'natlab-'));
  readonly stateDir: string;
  readonly #options: ProductOptions;
  #exporter: LabProcess | undefined;
  #responder: LabProcess | undefined;

  private constructor(lab: Lab, options: ProductOptions) {
    this.lab = lab;
    this.#options = options;
    this.stateDir = options.stateDir ?? join(this.directory, 'state');
  }

  /**
   * Makes a lab and starts both programs in it.
   * @throws when the product is not built or does not come up
   */
  static async start(box: LabOptions, options: ProductOptions = {}): Promise<Product> {
    if (!existsSync(MAIN)) throw new Error(`${MAIN} is missing: run npm run build first`);
    return inTurn(async () => {
      const product = new Product(await createLab(box), options);
      try {
        if (options.responder !== false) await product.startResponder();
        await options.prepare?.(product.lab);
        await product.startExporter();
      } catch (error) {
        await product.close();
        throw error;
      }
      return product;
    });
  }

  get exporter(): LabProcess {
    if (this.#exporter === undefined) throw new Error('the exporter was not started');
    return this.#exporter;
  }

  get responder(): LabProcess {
    if (this.#responder === undefined) throw new Error('the responder was not started');
    return this.#responder;
  }

  async startResponder(): Promise<void> {
    const args = [MAIN, 'responder', '--listen-address=:5382'];
    args.push(`--web.listen-address=127.0.0.1:${RESPONDER_METRICS_PORT}`, '--log.format=json');
    this.#responder = this.lab.spawn('server', process.execPath, args);
    await this.#untilUp(this.#responder, 'server', RESPONDER_METRICS_PORT);
  }

  async startExporter(): Promise<void> {
    const { before = [], node = [], ...inside } = this.#options.exporter ?? {};
    const file = join(this.directory, 'config.yaml');
    writeFileSync(file, this.#config());
    const args = [...node, MAIN, `--config.file=${file}`, `--web.listen-address=127.0.0.1:${EXPORTER_PORT}`];
    this.#exporter = this.lab.spawn(
      'client',
      'env',
      [...before, process.execPath, ...args, '--log.format=json'],
      inside,
    );
    await this.#untilUp(this.#exporter, 'client', EXPORTER_PORT);
  }

  async #untilUp(program: LabProcess, where: 'client' | 'server', port: number): Promise<void> {
    await until(`the ${where}'s program listens`, 30_000, async () => {
      if (program.status !== undefined) return true;
      await this.lab.metrics(where, port);
      return true;
    });
    if (program.status !== undefined)
      throw new Error(`the ${where}'s program ended\n${program.stdout}${program.stderr}`);
  }

  #config(): string {
    const { search = {}, host = SERVER.v4, modes = MODES, locates = false } = this.#options;
    const source = this.#options.interface === undefined ? '' : `    interface: ${this.#options.interface}\n`;
    const target = `
state_dir: ${this.stateDir}
targets:
  - name: lab
    host: "${host}"
    modes: [${modes.join(', ')}]
${source}${locates ? '' : '    locate: off\n'}`;
    if (search === 'shipped') return target;
    const settings = Object.entries({ ...LAB_SEARCH, ...search }).map(([key, value]) => `${key}: ${value}`);
    return `schedule: "*/5 * * * * *"${target}    search: {${settings.join(', ')}}\n`;
  }

  /** The exporter's metrics page. */
  page(): Promise<string> {
    return this.lab.metrics('client', EXPORTER_PORT);
  }

  /** The sum of a metric's series with these labels, now. */
  async total(name: string, labels: Labels = {}): Promise<number> {
    return total(await this.page(), name, labels);
  }

  /** What the log says, one line of text each. */
  story(): string {
    return `${this.exporter.stdout}${this.exporter.stderr}`;
  }

  /**
   * Waits until the page fulfils a condition.
   * @param seconds how long at most
   * @throws with the page's own series and the end of the log when it does not in time
   */
  async until(what: string, seconds: number, condition: (page: string) => boolean): Promise<string> {
    let last = '';
    try {
      return await until(
        what,
        seconds * 1000,
        async () => {
          last = await this.page();
          return condition(last) && last;
        },
        1000,
      );
    } catch (error) {
      const own = last.split('\n').filter((line) => /^(nat|rfc)/.test(line) && !line.includes('_bucket'));
      const log = this.story().split('\n').slice(-40);
      throw new Error([String(error), ...own, ...log].join('\n'), { cause: error });
    }
  }

  async close(): Promise<void> {
    await this.lab.close();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Starts the product, hands it to `body`, and removes everything. */
export async function withProduct(
  box: LabOptions,
  options: ProductOptions,
  body: (product: Product) => Promise<void>,
): Promise<void> {
  const product = await Product.start(box, options);
  try {
    await body(product);
  } finally {
    await product.close();
  }
}

/** Whether every mode publishes a timeout. */
export function hasFindings(page: string, modes: readonly Mode[] = MODES): boolean {
  return modes.every((mode) => published(page, mode).timeout !== undefined);
}

/** Whether every mode publishes what it means for the requirement, which is checked after its timeout is known. */
export function hasVerdicts(page: string, modes: readonly Mode[] = MODES): boolean {
  return hasFindings(page, modes) && modes.every((mode) => published(page, mode).compliant !== undefined);
}

/**
 * Whether every mode's finding has evidence that is newer than what a former page shows.
 * @param seconds how much newer at least
 */
export function isConfirmedAfter(former: string, page: string, seconds = 1): boolean {
  return MODES.every(
    (mode) => (published(page, mode).confirmed ?? 0) > (published(former, mode).confirmed ?? 0) + seconds,
  );
}
