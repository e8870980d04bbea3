/**
 * A laboratory of network namespaces: client - NAT (- second NAT) - server, with the kernel's own address
 * translation, over IPv4 and IPv6, whose boxes forget, lie and fail on demand.
 *
 * @example
 * const lab = await createLab({ box: 'strict', idleTimeout: 20 });
 * const server = lab.spawn('server', 'node', ['dist/main.js', 'responder']);
 * await lab.setIdleTimeout(10);
 * await lab.close();
 */
import { fileURLToPath } from 'node:url';
import { boxOf, type Box, type BoxKind, type Place } from './boxes.js';
import { Fetcher, type HttpAnswer } from './fetcher.js';
import { inNamespace, nextLabName, onHost, openHost, removalScript } from './host.js';
import { LabProcess, run, type ExecResult, type SpawnOptions } from './process.js';
import { idleTimeoutScript, natRoutes, placesOf, publicAddress, setUpScript } from './topology.js';

export { CLIENT, SERVER } from './topology.js';
export { reapStale } from './host.js';
export type { BoxKind, Place } from './boxes.js';
export type { LabProcess } from './process.js';

/** A whole number of seconds, as the kernel takes it. */
type WholeSeconds = number;

export interface LabOptions {
  readonly box: BoxKind;
  /** The established connection idle-timeout of the box. */
  readonly idleTimeout: WholeSeconds;
  /** That of the second NAT, the one next to the server (`double_nat`); the same where left out. */
  readonly secondIdleTimeout?: WholeSeconds;
}

export interface InsideOptions extends SpawnOptions {
  /** A file that this process sees as /etc/hosts; written in place, it changes the answers at once. */
  readonly hosts?: string;
  /** A file that this process sees as /etc/resolv.conf. */
  readonly resolver?: string;
}

/** An entry of the box's connection tracking. */
export interface Mapping {
  readonly family: 'ipv4' | 'ipv6';
  readonly clientPort: number;
  readonly serverPort: number;
  /** What the kernel leaves it to live, and how long it has been idle by that. */
  readonly remaining: WholeSeconds;
  readonly idle: WholeSeconds;
}

export interface Lab {
  readonly name: string;
  /** The public address of the NAT next to the server, as the server sees it now. */
  readonly publicAddress: { readonly v4: string; readonly v6: string };
  /** Runs a command in a namespace to its end; throws unless it ends with 0 or `mayFail`. */
  exec(
    where: Place,
    command: string,
    args?: readonly string[],
    options?: InsideOptions & { readonly input?: string; readonly mayFail?: boolean },
  ): Promise<ExecResult>;
  /** Starts a command in a namespace. */
  spawn(where: Place, command: string, args?: readonly string[], options?: InsideOptions): LabProcess;
  /** One HTTP request from inside a namespace; throws when its answer is not complete within `deadline` ms [5000]. */
  http(where: Place, url: string, method?: string, deadline?: number): Promise<HttpAnswer>;
  /** The metrics page of a program that listens on the loopback of a namespace. */
  metrics(where: Place, port: number, path?: string): Promise<string>;
  /**
   * Changes the box's idle timeout for new mappings and for those that see another packet; an idle mapping keeps
   * the moment of its expiry. (`double_nat`: both.)
   */
  setIdleTimeout(seconds: WholeSeconds): Promise<void>;
  /**
   * Shortens the idle timeout of the mappings that exist, as a box does that compares their age with its setting:
   * an idle mapping of age a lives on for `seconds` - a. Follow it with `setIdleTimeout` for the mappings to come.
   */
  shortenExisting(seconds: WholeSeconds): Promise<void>;
  /** All mappings are lost at once. */
  reboot(): Promise<void>;
  /** The NAT gets another public address; the mappings on the old one are lost. */
  changePublicAddress(): Promise<void>;
  /**
   * Evicts mappings: those of the given client ports, or (a number from 0 to 1) that part of all TCP mappings,
   * evenly picked over the ports.
   * @returns the client ports whose mappings are gone
   */
  evict(what: number | readonly number[]): Promise<number[]>;
  /** The established TCP mappings that the box holds now. */
  mappings(): Promise<Mapping[]>;
  /** Pulls or plugs the cable between the last NAT and the server; pulling deletes a masquerading NAT's mappings. */
  link(state: 'up' | 'down'): Promise<void>;
  /** Drops every packet silently, before connection tracking sees it; mappings live on and age. */
  outage(on: boolean): Promise<void>;
  /** Ends every process in the lab and removes it. */
  close(): Promise<void>;
}

/**
 * Makes a lab.
 * @throws when the kernel or a tool refuses; nothing is left behind then
 */
export async function createLab(options: LabOptions): Promise<Lab> {
  const { idleTimeout, secondIdleTimeout = idleTimeout } = options;
  for (const seconds of [idleTimeout, secondIdleTimeout]) {
    if (!Number.isInteger(seconds) || seconds < 1) throw new Error(`createLab: idle timeout ${seconds}`);
  }
  await openHost();
  const lab = new NamespaceLab(options.box);
  try {
    await lab.setUp(idleTimeout, secondIdleTimeout);
  } catch (error) {
    await lab.close();
    throw error;
  }
  return lab;
}

export const OUTAGE = `
table inet outage {
  chain everything {
    type filter hook prerouting priority -400; policy drop;
    iifname "lo" accept
    icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept
  }
}`;

class NamespaceLab implements Lab {
  readonly name = nextLabName();
  readonly #box: Box;
  readonly #places: readonly Place[];
  readonly #processes: LabProcess[] = [];
  readonly #fetchers = new Map<Place, Fetcher>();
  #resetter: LabProcess | undefined;
  #addressChanges = 0;
  #idleTimeout: Partial<Record<Place, WholeSeconds>> = {};

  constructor(kind: BoxKind) {
    this.#box = boxOf(kind);
    this.#places = placesOf(this.#box);
  }

  async setUp(first: WholeSeconds, second: WholeSeconds): Promise<void> {
    await this.#script(setUpScript(this.#box, (place) => this.#namespace(place)));
    for (const place of this.#box.forgets) await this.#setTimeout(place, place === 'nat2' ? second : first);
    if (this.#box.resetsAtExpiry) {
      const script = fileURLToPath(new URL('helpers/rst_at_expiry.py', import.meta.url));
      this.#resetter = this.spawn('nat', 'python3', [script, 'lan', 'wan', String(first)]);
      await this.#resetter.waitForLine(/^watching$/, 10_000);
      this.#tellResetter();
    }
  }

  get publicAddress(): { readonly v4: string; readonly v6: string } {
    return publicAddress(this.#addressChanges);
  }

  #namespace(place: Place): string {
    return `${this.name}-${place}`;
  }

  #tellResetter(): void {
    const { v4, v6 } = this.publicAddress;
    this.#resetter?.write(`public ${v4}\npublic ${v6}\n`);
  }

  async #script(text: string): Promise<void> {
    await run(onHost(['sh', '-e']), { input: text });
  }

  /** The place next to the server that translates. */
  get #last(): Place {
    return this.#places.at(-2) ?? 'nat';
  }

  #wrap(where: Place, argv: readonly string[], { hosts, resolver, cwd }: InsideOptions = {}): string[] {
    const mounts = [
      ...(hosts === undefined ? [] : [hosts, '/etc/hosts']),
      ...(resolver === undefined ? [] : [resolver, '/etc/resolv.conf']),
    ];
    if (mounts.length === 0) return inNamespace(this.#namespace(where), argv, cwd);
    // Pairs of a file and what it covers, then `--`, then the command.
    const mount =
      'while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit 1; shift 2; done; shift; exec "$@"';
    const mounted = ['unshare', '-m', 'sh', '-c', mount, 'sh', ...mounts, '--', ...argv];
    return inNamespace(this.#namespace(where), mounted, cwd);
  }

  exec(
    where: Place,
    command: string,
    args: readonly string[] = [],
    options: InsideOptions & { readonly input?: string; readonly mayFail?: boolean } = {},
  ): Promise<ExecResult> {
    return run(this.#wrap(where, [command, ...args], options), options);
  }

  spawn(
    where: Place,
    command: string,
    args: readonly string[] = [],
    options: InsideOptions = {},
  ): LabProcess {
    const child = new LabProcess(this.#wrap(where, [command, ...args], options), options);
    this.#processes.push(child);
    return child;
  }

  http(where: Place, url: string, method = 'GET', deadline = 5000): Promise<HttpAnswer> {
    let fetcher = this.#fetchers.get(where);
    if (fetcher === undefined) {
      fetcher = new Fetcher((argv) => this.#wrap(where, argv));
      this.#fetchers.set(where, fetcher);
    }
    return fetcher.fetch(url, method, deadline);
  }

  async metrics(where: Place, port: number, path = '/metrics'): Promise<string> {
    const { status, body } = await this.http(where, `http://127.0.0.1:${port}${path}`);
    if (status !== 200) throw new Error(`${path} on port ${port} in ${where}: HTTP ${status}\n${body}`);
    return body;
  }

  async #setTimeout(place: Place, seconds: WholeSeconds): Promise<void> {
    this.#idleTimeout[place] = seconds;
    await this.exec(place, 'sh', ['-ec', idleTimeoutScript(seconds)]);
  }

  async setIdleTimeout(seconds: WholeSeconds): Promise<void> {
    for (const place of this.#box.forgets) await this.#setTimeout(place, seconds);
    this.#resetter?.write(`timeout ${seconds}\n`);
  }

  async shortenExisting(seconds: WholeSeconds): Promise<void> {
    for (const place of this.#box.forgets) {
      const changes = (await this.#entries(place)).map(({ family, clientPort, serverPort, idle }) => {
        const flow = `-f ${family} -p tcp --orig-port-src ${clientPort} --orig-port-dst ${serverPort}`;
        return `-U ${flow} --timeout ${Math.max(0, seconds - idle)}`;
      });
      if (changes.length === 0) continue;
      // conntrack opens /dev/stdin by name, which the kernel refuses for the socket that Node gives a child.
      const load = ['sh', ['-ec', 'cat | conntrack --load-file -']] as const;
      const input = `${changes.join('\n')}\n`;
      // The kernel breaks a listing off with EPROTO when the table changes meanwhile; the same changes once more do no harm.
      for (let failed = 0, code: number | null = 1; code !== 0; failed++)
        ({ code } = await this.exec(place, ...load, { input, mayFail: failed < 2 }));
    }
  }

  async #entries(place: Place): Promise<Mapping[]> {
    const timeout = this.#idleTimeout[place] ?? 0;
    const lists = await Promise.all(
      (['ipv4', 'ipv6'] as const).map(async (family) => {
        const args = ['-L', '-f', family, '-p', 'tcp', '--state', 'ESTABLISHED'];
        const { stdout } = await this.exec(place, 'conntrack', args);
        return [...stdout.matchAll(/^tcp +6 (\d+) ESTABLISHED .*?sport=(\d+) dport=(\d+)/gm)].map(
          ([, remaining, client, server]): Mapping => ({
            family,
            clientPort: Number(client),
            serverPort: Number(server),
            remaining: Number(remaining),
            idle: Math.max(0, timeout - Number(remaining)),
          }),
        );
      }),
    );
    return lists.flat();
  }

  mappings(): Promise<Mapping[]> {
    return this.#entries(this.#box.forgets[0] ?? 'nat');
  }

  async #ports(): Promise<number[]> {
    return (await this.mappings()).map(({ clientPort }) => clientPort).sort((a, b) => a - b);
  }

  async reboot(): Promise<void> {
    const places: readonly Place[] = this.#box.forgets.length === 0 ? ['nat'] : this.#box.forgets;
    for (const place of places) await this.exec(place, 'conntrack', ['-F']);
    this.#resetter?.write('flush\n');
  }

  async changePublicAddress(): Promise<void> {
    const old = this.publicAddress;
    this.#addressChanges += 1;
    const { v4, v6 } = this.publicAddress;
    const ip = `ip -n ${this.#namespace(this.#last)}`;
    await this.#script(`
${ip} addr add ${v4}/24 dev wan
${ip} addr add ${v6}/64 dev wan nodad
${ip} addr del ${old.v4}/24 dev wan
${ip} addr replace ${v4}/24 dev wan
${ip} addr del ${old.v6}/64 dev wan`);
    await this.exec(this.#last, 'conntrack', ['-F']);
    this.#resetter?.write('flush\n');
    this.#tellResetter();
  }

  async evict(what: number | readonly number[]): Promise<number[]> {
    const ports = typeof what === 'number' ? evenly(await this.#ports(), what) : [...what];
    const place = this.#box.forgets[0] ?? 'nat';
    for (const port of ports) {
      for (const family of ['ipv4', 'ipv6']) {
        const args = ['-D', '-f', family, '-p', 'tcp', '--orig-port-src', String(port)];
        await this.exec(place, 'conntrack', args, { mayFail: true });
      }
    }
    return ports;
  }

  async link(state: 'up' | 'down'): Promise<void> {
    await this.#script(`ip -n ${this.#namespace(this.#last)} link set wan ${state}`);
    if (state === 'up') await this.#script(natRoutes(this.#box, (place) => this.#namespace(place)));
  }

  async outage(on: boolean): Promise<void> {
    const remove = ['delete', 'table', 'inet', 'outage'];
    if (on) await this.exec('nat', 'nft', ['-f', '-'], { input: OUTAGE });
    else await this.exec('nat', 'nft', remove);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#fetchers.values()].map((fetcher) => fetcher.close()));
    await Promise.all(this.#processes.map((child) => child.stop('SIGKILL')));
    await this.#script(removalScript(`${this.name}-`));
  }
}

/** Every nth of a list, so that `fraction` of it is picked. */
function evenly(list: readonly number[], fraction: number): number[] {
  return list.filter((_, index) => Math.floor((index + 1) * fraction) > Math.floor(index * fraction));
}
