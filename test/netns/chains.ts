/**
 * Chains of boxes on the real kernel: client - box - box - … - server, each box a namespace of its own that is a router
 * or a bridge, over IPv4 and IPv6. The boxes are those of the simulation, so that one chain can be looked at in both.
 *
 * @example
 * const chain = await createChain([{ kind: 'bridge', timeout: 10 }, { kind: 'router', translates: true }]);
 * const client = chain.spawn('client', 'python3', ['script.py', chain.server.v4]);
 * await chain.close();
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { hopsOf } from '../support/simulated-chain.js';
import { type LabBox, rulesOf, sysctlsOf } from './chain-rules.js';
import { inNamespace, nextLabName, onHost, openHost, removalScript } from './host.js';
import { LabProcess, run, type ExecResult, type SpawnOptions } from './process.js';

export type { LabBox } from './chain-rules.js';

export interface Address {
  readonly v4: string;
  readonly v6: string;
}

/** A host of a chain: an end, or a box by its index. */
export type ChainPlace = 'client' | 'server' | number;

export interface ChainLab {
  readonly name: string;
  readonly client: Address;
  readonly server: Address;
  /** The routers' inner addresses, which their ICMP comes from; hop 1 first. */
  readonly hops: readonly Address[];
  /** Runs a command to its end; throws unless it ends with 0 or `mayFail`. */
  exec(
    where: ChainPlace,
    command: string,
    args?: readonly string[],
    options?: SpawnOptions & { readonly input?: string; readonly mayFail?: boolean },
  ): Promise<ExecResult>;
  /** Starts a command. */
  spawn(where: ChainPlace, command: string, args?: readonly string[], options?: SpawnOptions): LabProcess;
  /** Ends every process in the chain and removes it. */
  close(): Promise<void>;
}

/** What this machine lacks for bridges that remember, in words. */
export function missingForBridges(): readonly string[] {
  return existsSync('/proc/sys/net/bridge/bridge-nf-call-iptables') ? [] : ['the kernel module br_netfilter'];
}

/**
 * Makes a chain.
 * @throws when the kernel or a tool refuses; nothing is left behind then
 */
export async function createChain(boxes: readonly LabBox[]): Promise<ChainLab> {
  for (const { timeout = 1 } of boxes)
    if (!Number.isInteger(timeout) || timeout < 1) throw new Error(`createChain: timeout ${timeout}`);
  await openHost();
  const chain = new NamespaceChain(boxes);
  try {
    await chain.setUp();
  } catch (error) {
    await chain.close();
    throw error;
  }
  return chain;
}

/** The network between two hosts that lower the TTL: `left` is nearer to the client. */
interface Segment {
  readonly net: Address;
  readonly left: Address;
  readonly right: Address;
}

function segment(index: number, hops: number): Segment {
  const [v4, v6] =
    index === hops
      ? ['203.0.113', '2001:db8']
      : index === 0
        ? ['192.168.0', 'fd77']
        : [`100.64.${index}`, `fd64:0:0:${index}`];
  const right = index === hops ? '200' : '2';
  return {
    net: { v4: `${v4}.0/24`, v6: `${v6}::/64` },
    left: { v4: `${v4}.1`, v6: `${v6}::1` },
    right: { v4: `${v4}.${right}`, v6: `${v6}::${right}` },
  };
}

/** The device of a host towards the client, and that towards the server; an end has one. */
function innerDevice(place: ChainPlace): string {
  return typeof place === 'number' ? 'lan' : 'eth0';
}
function outerDevice(place: ChainPlace): string {
  return typeof place === 'number' ? 'wan' : 'eth0';
}

/** Shell text for many commands of one program that takes them together. */
function batch(ip: string, commands: readonly string[]): string {
  return `${ip} -batch - <<'END'\n${commands.join('\n')}\nEND`;
}

/** Duplicate address detection would hold each IPv6 address back for a second. */
const HOST_SYSCTLS = `
cd /proc/sys/net
echo 0 > ipv6/conf/default/accept_dad
echo 0 > ipv6/conf/all/accept_dad`;

class NamespaceChain implements ChainLab {
  readonly name = nextLabName('ch');
  readonly #boxes: readonly LabBox[];
  readonly #segments: readonly Segment[];
  readonly #processes: LabProcess[] = [];

  constructor(boxes: readonly LabBox[]) {
    this.#boxes = boxes;
    const hops = hopsOf(boxes);
    this.#segments = Array.from({ length: hops + 1 }, (_, index) => segment(index, hops));
  }

  get client(): Address {
    return this.#segments[0]!.left;
  }

  get server(): Address {
    return this.#segments.at(-1)!.right;
  }

  get hops(): readonly Address[] {
    return this.#segments.slice(0, -1).map(({ right }) => right);
  }

  async setUp(): Promise<void> {
    await run(onHost(['sh', '-e']), { input: this.#setUpScript() });
    for (const [index, box] of this.#boxes.entries())
      if (box.resets === true && box.timeout !== undefined) await this.#startResetter(index, box.timeout);
  }

  #namespace(where: ChainPlace): string {
    return `${this.name}-${typeof where === 'number' ? `b${where}` : where}`;
  }

  /** The hop of a box: routers up to it, itself included. */
  #hop(index: number): number {
    return hopsOf(this.#boxes.slice(0, index + 1));
  }

  #setUpScript(): string {
    const places: ChainPlace[] = ['client', ...this.#boxes.keys(), 'server'];
    const parts = places.map((place) => {
      const namespace = this.#namespace(place);
      const sysctls = typeof place === 'number' ? sysctlsOf(this.#boxes[place]!) : '';
      return `
ip netns add ${namespace}
nsenter --net=/run/netns/${namespace} sh -e <<'END'
${HOST_SYSCTLS}
${sysctls}
END`;
    });
    const cables = places.slice(0, -1).map((place, index) => {
      const ends = [
        [place, outerDevice(place)],
        [places[index + 1]!, innerDevice(places[index + 1]!)],
      ] as const;
      const [a, b] = ends.map(([where, dev]) => `${dev} netns ${this.#namespace(where)}`);
      return `link add ${a} type veth peer name ${b}`;
    });
    parts.push(batch('ip', cables));
    for (const place of places) parts.push(batch(`ip -n ${this.#namespace(place)}`, this.#wiring(place)));
    for (const [index, box] of this.#boxes.entries()) {
      const rules = rulesOf(box, this.#segments[this.#hop(index) - 1]?.left ?? this.client);
      if (rules !== '')
        parts.push(`nsenter --net=/run/netns/${this.#namespace(index)} nft -f - <<'END'\n${rules}\nEND`);
    }
    return parts.join('\n');
  }

  /** Devices, addresses and routes of a host, or the two ports of a bridge: commands of `ip`. */
  #wiring(place: ChainPlace): string[] {
    const devices = [innerDevice(place), outerDevice(place)].filter(
      (dev, index, all) => all.indexOf(dev) === index,
    );
    const up = ['lo', ...devices].map((dev) => `link set ${dev} up`);
    const address = (at: Address, dev: string): string[] => [
      `addr add ${at.v4}/24 dev ${dev}`,
      `addr add ${at.v6}/64 dev ${dev} nodad`,
    ];
    const route = (to: Address, via: Address): string[] => [
      `route add ${to.v4} via ${via.v4}`,
      `route add ${to.v6} via ${via.v6}`,
    ];
    const last = this.#segments.length - 1;
    const outward = (hop: number): string[] =>
      hop === last ? [] : route({ v4: '0.0.0.0/0', v6: '::/0' }, this.#segments[hop]!.right);
    const inward = (hop: number): string[] =>
      this.#segments
        .slice(0, Math.max(0, hop - 1))
        .flatMap(({ net }) => route(net, this.#segments[hop - 1]!.left));
    if (place === 'client') return [...up, ...address(this.client, 'eth0'), ...outward(0)];
    if (place === 'server') return [...up, ...address(this.server, 'eth0'), ...inward(last + 1)];
    if (this.#boxes[place]!.kind === 'bridge')
      return [
        ...up,
        'link add br0 type bridge',
        'link set lan master br0',
        'link set wan master br0',
        'link set br0 up',
      ];
    const hop = this.#hop(place);
    return [
      ...up,
      ...address(this.#segments[hop - 1]!.right, 'lan'),
      ...address(this.#segments[hop]!.left, 'wan'),
      ...outward(hop),
      ...inward(hop),
    ];
  }

  /** A helper that sends RSTs when a router forgets, in the name of who stands behind its translation. */
  async #startResetter(index: number, timeout: number): Promise<void> {
    const script = fileURLToPath(new URL('helpers/rst_at_expiry.py', import.meta.url));
    const helper = this.spawn(index, 'python3', [script, 'lan', '-', String(timeout)]);
    await helper.waitForLine(/^watching$/, 20_000);
    const last = this.#boxes.slice(0, index + 1).findLastIndex(({ translates }) => translates === true);
    const { v4, v6 } = last === -1 ? this.client : this.#segments[this.#hop(last)]!.left;
    helper.write(`public ${v4}\npublic ${v6}\n`);
  }

  exec(
    where: ChainPlace,
    command: string,
    args: readonly string[] = [],
    options: SpawnOptions & { readonly input?: string; readonly mayFail?: boolean } = {},
  ): Promise<ExecResult> {
    return run(inNamespace(this.#namespace(where), [command, ...args], options.cwd), options);
  }

  spawn(
    where: ChainPlace,
    command: string,
    args: readonly string[] = [],
    options: SpawnOptions = {},
  ): LabProcess {
    const child = new LabProcess(
      inNamespace(this.#namespace(where), [command, ...args], options.cwd),
      options,
    );
    this.#processes.push(child);
    return child;
  }

  async close(): Promise<void> {
    await Promise.all(this.#processes.map((child) => child.stop('SIGKILL')));
    await run(onHost(['sh', '-e']), { input: removalScript(`${this.name}-`) });
  }
}
