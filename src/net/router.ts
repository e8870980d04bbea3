/** What the router on the way out tells of itself: its outer address, asked for by NAT-PMP. */
import { createSocket } from 'node:dgram';
import { readFile } from 'node:fs/promises';
import { isIPv4 } from 'node:net';
import { endianness } from 'node:os';
import ipaddr from 'ipaddr.js';
import type { Clock, Timer } from '../clock.js';
import type { Seconds } from '../units.js';

/** NAT-PMP's port at the gateway. @see RFC 6886 section 3.1 */
const NAT_PMP_PORT = 5351;
/** Version 0, opcode 0: what is your external address? @see RFC 6886 section 3.2 */
const EXTERNAL_ADDRESS_REQUEST = Uint8Array.of(0, 0);
/** An answer's opcode is the request's plus 128. */
const EXTERNAL_ADDRESS_ANSWER = 128;
const ANSWER_LENGTH = 12;
/** Pauses before the request is repeated, which double as RFC 6886 section 3.1 asks, seconds. */
const REPEAT_AFTER: readonly Seconds[] = [0.25, 0.5];
/** A router that does not answer within this long is not asked any further, seconds. */
const DEADLINE: Seconds = 2;
/** The same router is asked at most this often, whatever it answered, seconds. */
const ASK_AGAIN_AFTER: Seconds = 3600;

/** The kernel's IPv4 routes. */
const ROUTES = '/proc/self/net/route';
const RTF_UP = 0x1;
const RTF_GATEWAY = 0x2;

/** Both ends of a path, as addresses without port. */
export interface PathEnds {
  readonly local: string;
  readonly remote: string;
}

export interface RouterAnswer {
  /** The router's outer IPv4 address. */
  readonly address: string;
  /** When it was asked, monotonic seconds. */
  readonly askedAt: Seconds;
}

/**
 * Asks the default gateway of a path for its outer address, or returns what it answered within the last hour.
 * Undefined where there is no such gateway, and where it does not answer or refuses. Never throws.
 */
export type AskRouter = (ends: PathEnds) => Promise<RouterAnswer | undefined>;

/** Makes an `AskRouter` with a memory of its own; targets that share a router share its answer. */
export function createAskRouter(
  clock: Clock,
  ask: typeof askOuterAddress = askOuterAddress,
  gatewayOf: typeof defaultGateway = defaultGateway,
): AskRouter {
  const asked = new Map<string, { readonly at: Seconds; readonly answer: Promise<string | undefined> }>();
  return async ({ local, remote }) => {
    const gateway = await gatewayOf(remote);
    if (gateway === undefined || !isIPv4(local)) return undefined;
    const now = clock.monotonic();
    for (const [key, { at }] of asked) if (now - at >= ASK_AGAIN_AFTER) asked.delete(key);
    const key = `${local} ${gateway}`;
    const question = asked.get(key) ?? { at: now, answer: ask({ gateway, local, clock }) };
    asked.set(key, question);
    const address = await question.answer;
    return address === undefined ? undefined : { address, askedAt: question.at };
  };
}

/**
 * The gateway of the default route, when that is the route to an IPv4 address; undefined for IPv6, and where a more
 * special route (this network, a VPN) leads there.
 * @param file the kernel's table of routes, in the form of `/proc/net/route`
 */
export async function defaultGateway(remote: string, file: string = ROUTES): Promise<string | undefined> {
  if (!isIPv4(remote)) return undefined;
  let table: string;
  try {
    table = await readFile(file, 'latin1');
  } catch {
    return undefined;
  }
  const destination = number(ipaddr.IPv4.parse(remote).toByteArray());
  const [best] = table
    .split('\n')
    .slice(1)
    .flatMap((line) => routeOf(line))
    .filter(({ flags, network, mask }) => (flags & RTF_UP) !== 0 && (destination & mask) >>> 0 === network)
    .sort((a, b) => b.mask - a.mask || a.metric - b.metric);
  if (best === undefined || best.mask !== 0 || (best.flags & RTF_GATEWAY) === 0) return undefined;
  return [24, 16, 8, 0].map((shift) => (best.gateway >>> shift) & 0xff).join('.');
}

interface Route {
  readonly network: number;
  readonly gateway: number;
  readonly flags: number;
  readonly metric: number;
  readonly mask: number;
}

function routeOf(line: string): Route[] {
  const [, network, gateway, flags, , , metric, mask] = line.split(/\s+/);
  if (network === undefined || gateway === undefined || flags === undefined || mask === undefined) return [];
  return [
    {
      network: addressOf(network),
      gateway: addressOf(gateway),
      flags: Number.parseInt(flags, 16),
      metric: Number(metric),
      mask: addressOf(mask),
    },
  ];
}

/** The kernel prints an address as a number of its own byte order, in hexadecimal digits. */
function addressOf(hex: string): number {
  const bytes = [...Buffer.from(hex.padStart(8, '0'), 'hex')];
  return number(endianness() === 'LE' ? bytes.reverse() : bytes);
}

function number(bytes: readonly number[]): number {
  return bytes.reduce((sum, byte) => sum * 256 + byte, 0);
}

export interface Question {
  readonly gateway: string;
  /** The address to ask from: that of the path. */
  readonly local: string;
  readonly clock: Clock;
  /** Another port than NAT-PMP's own. */
  readonly port?: number;
}

/**
 * Asks a gateway for its outer IPv4 address: three datagrams of two bytes at most, nothing is mapped.
 * @returns undefined when it does not answer within 2 s, refuses, or has no address; never throws
 * @see RFC 6886 section 3.2
 */
export function askOuterAddress(question: Question): Promise<string | undefined> {
  const { gateway, local, clock, port = NAT_PMP_PORT } = question;
  return new Promise((resolve) => {
    const socket = createSocket('udp4').unref();
    const timers: Timer[] = [];
    const finish = (address: string | undefined): void => {
      if (timers.length === 0) return;
      for (const timer of timers.splice(0)) timer.cancel();
      socket.close();
      resolve(address);
    };
    timers.push(clock.after(DEADLINE, () => finish(undefined)));
    // ICMP's "port unreachable" arrives as an error: no router, or none that speaks NAT-PMP.
    socket.on('error', () => finish(undefined));
    socket.on('message', (message) => {
      const answer = outerAddressIn(message);
      if (answer !== undefined) finish(answer.address);
    });
    // A connected socket hears nobody but the gateway.
    const send = (): void => socket.send(EXTERNAL_ADDRESS_REQUEST, (error) => error && finish(undefined));
    socket.once('connect', () => {
      send();
      let wait = 0;
      for (const pause of REPEAT_AFTER) timers.push(clock.after((wait += pause), send));
    });
    socket.bind({ address: local, port: 0, exclusive: true }, () => socket.connect(port, gateway));
  });
}

/**
 * Reads an answer.
 * @returns undefined for what is no answer to an external address request; without `address` for a refusal
 */
export function outerAddressIn(message: Uint8Array): { readonly address?: string } | undefined {
  const [version, opcode, resultHigh = 0, resultLow = 0] = message;
  if (opcode !== EXTERNAL_ADDRESS_ANSWER || version !== 0) return undefined;
  if (resultHigh !== 0 || resultLow !== 0) return {};
  if (message.length < ANSWER_LENGTH) return undefined;
  const address = [...message.subarray(8, ANSWER_LENGTH)].join('.');
  return address === '0.0.0.0' ? {} : { address };
}
