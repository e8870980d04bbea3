/** Chains of the kernel's own boxes, and what a localisation must say of each: tests assert it, docs/LOCALIZATION.md shows it. */
import type { ForgettingBox, NotLocated } from '../../src/core/locate/localization.js';
import type { ChainMode } from './chain-sockets.js';
import type { LabBox } from './chains.js';
import { type LocateHow, T } from './locate-chain.js';

/** A row of the truth table. */
export interface ChainCase {
  readonly what: string;
  readonly boxes: readonly LabBox[];
  readonly mode: ChainMode;
  readonly how?: LocateHow;
  /** The box that is named, or why none is. */
  readonly said: ForgettingBox | NotLocated;
}

const R: LabBox = { kind: 'router' };
const FIREWALL: LabBox = { kind: 'router', timeout: T };
const NAT: LabBox = { ...FIREWALL, translates: true };
const BRIDGE: LabBox = { kind: 'bridge', timeout: T };
/** An address translation without an end. */
const STATIC: LabBox = { kind: 'router', translates: true };

export const CHAIN_CASES: readonly ChainCase[] = [
  {
    what: 'a modem in bridge mode before a static 1:1 NAT (the blog)',
    boxes: [{ ...BRIDGE, revivedBy: 'inbound' }, STATIC, R, R],
    mode: 'send',
    said: { kind: 'transparent', after: 0, kc: 1, ks: 4 },
  },
  {
    what: 'the CGN behind a CPE',
    boxes: [STATIC, R, NAT, R],
    mode: 'send',
    said: { kind: 'router', hop: 3, kc: 3, ks: 2 },
  },
  {
    what: 'the CPE before a CGN',
    boxes: [NAT, R, STATIC, R],
    mode: 'send',
    said: { kind: 'router', hop: 1, kc: 1, ks: 4 },
  },
  {
    what: 'the CPE, where the CGN forgets later',
    boxes: [NAT, R, { ...NAT, timeout: 3 * T }, R],
    mode: 'send',
    said: { kind: 'router', hop: 1, kc: 1, ks: 4 },
  },
  {
    what: 'two boxes at once',
    boxes: [NAT, R, NAT, R],
    mode: 'send',
    said: { kind: 'several', kc: 3, ks: 4 },
  },
  {
    what: 'three boxes at once',
    boxes: [NAT, BRIDGE, R, FIREWALL, R],
    mode: 'send',
    said: { kind: 'several', kc: 3, ks: 4 },
  },
  {
    what: 'a loose CGN (Linux, default)',
    boxes: [STATIC, { ...NAT, revivedBy: 'outbound' }, R],
    mode: 'recv',
    said: { kind: 'router', hop: 2, kc: 2, ks: 2 },
  },
  {
    what: 'a firewall of IPv6',
    boxes: [R, R, FIREWALL, R],
    mode: 'send',
    how: { family: 'v6' },
    said: { kind: 'router', hop: 3, kc: 3, ks: 2 },
  },
  {
    what: 'a CPE that looks at the TTL first',
    boxes: [{ ...NAT, ttlFirst: 'both' }, R, R],
    mode: 'send',
    said: { kind: 'ttl_first', hop: 1, kc: 2, ks: 4 },
  },
  {
    what: 'a transparent firewall between two routers',
    boxes: [R, BRIDGE, R, R],
    mode: 'send',
    said: { kind: 'transparent', after: 1, kc: 2, ks: 3 },
  },
  {
    what: "the far end's own firewall",
    boxes: [STATIC, R, BRIDGE],
    mode: 'send',
    said: { kind: 'transparent', after: 2, kc: 3, ks: 1 },
  },
  {
    what: 'a CGN, where no router says that a TTL is spent',
    boxes: [R, NAT, R].map((box) => ({ ...box, silent: true })),
    mode: 'send',
    said: { kind: 'router', hop: 2, kc: 2, ks: 2 },
  },
  {
    what: 'a NAT that sends RSTs when it forgets: its clock counts what it has forwarded from one side',
    boxes: [R, { ...NAT, ttlFirst: 'inbound', resets: true }, R],
    mode: 'send',
    said: { kind: 'transparent', after: 1, kc: 2, ks: 3 },
  },
  {
    what: 'a CGN behind a box that eats keepalives: data refreshes',
    boxes: [{ ...R, eats: 2.5 }, R, NAT, R],
    mode: 'send',
    said: { kind: 'router', hop: 3, kc: 3, ks: 2 },
  },
  {
    what: 'a CGN on a path of 12 routers',
    boxes: Array.from({ length: 12 }, (_, index) => (index === 6 ? NAT : R)),
    mode: 'send',
    said: { kind: 'router', hop: 7, kc: 7, ks: 6 },
  },
  {
    what: 'a firewall that only packets from here refresh',
    boxes: [R, { ...FIREWALL, refreshedBy: 'outbound' }, R],
    mode: 'send',
    said: { kind: 'one_sided', kc: 2, refreshedBy: 'client' },
  },
  {
    what: 'a CGN behind a router that rewrites the TTL',
    boxes: [STATIC, { ...R, rewrites: 'outbound' }, R, NAT, R],
    mode: 'send',
    said: { kind: 'one_sided', ks: 2 },
  },
  {
    what: 'a NAT, and a far end that cannot refresh',
    boxes: [R, NAT, R],
    mode: 'send',
    how: { oneSided: true },
    said: { kind: 'one_sided', kc: 2 },
  },
  {
    what: 'a NAT to which refreshes do harm: the fourth unanswered one leaves it 1 s, and the next comes after 2 s',
    boxes: [R, { ...NAT, timeout: 2 * T, trap: 1 }, R],
    mode: 'send',
    how: { timeout: 2 * T, interval: 2, means: ['keepalive'] },
    said: 'harmful',
  },
];
