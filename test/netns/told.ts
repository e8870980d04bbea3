/**
 * What `measure` must tell behind each box and each policy of the lab: the truth table of docs/TRUTH.md, row by row.
 * A row that the product cannot read yet does not stand here.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Explanation } from '../../src/core/diagnosis/explanation.js';
import type { PathCondition } from '../../src/core/diagnosis/conditions.js';
import type { SshServerSettings } from '../support/sshd.js';
import { BOXES, type BoxKind } from './boxes.js';
import { EXPECTED, SILENCE, SURVIVES, type Expected } from './expectations.js';
import { SERVER, type InsideOptions, type Lab, type LabOptions } from './lab.js';
import {
  adaptive,
  alternatingNames,
  blackHoledIpv6,
  bridgedModem,
  fixedLifetime,
  NEVER,
  payloadTimer,
  proxy,
  quota,
  SECOND_SERVER,
  severalFarEnds,
} from './policies.js';
import type { Mode } from './product.js';

/** How the client names the far end, and what it sees as its own files. */
export interface Reached {
  readonly host: string;
  readonly inside?: InsideOptions;
}

/** What a mode finds; beside what a box that only forgets lets it find: */
export type Seen =
  | Expected
  /** somebody closes idle connections: the bracket contains the time, and nothing is held against the requirement */
  | { readonly kind: 'closed' }
  /** connections end at an age before anything is forgotten: idle times below it survive, and no longer ones are asked */
  | { readonly kind: 'limited' }
  /** somebody in between answers keepalives for ever, and the verdict leaves the mode out */
  | { readonly kind: 'answered' }
  /** some die while many connections are open, which is no timeout; then few are open, and nothing is said yet */
  | { readonly kind: 'crowded' };

/** How `measure` is asked where it differs from the other rows; durations in seconds. */
export interface Asks {
  /** One of them is T. */
  readonly idleTimeouts: readonly [number, ...number[]];
  readonly maxIdle: number;
}

export interface Told {
  readonly name: string;
  /** What stands on the path, in a few words; `T` is the time that it forgets after. */
  readonly what: string;
  readonly lab: (idleTimeout: number) => LabOptions;
  /**
   * Puts the policy on the lab.
   * @param directory for files of the client's; removed afterwards
   */
  readonly install?: (lab: Lab, idleTimeout: number, directory: string) => Promise<Reached | undefined>;
  readonly asks?: Asks;
  /** Where T is no constant of the box's: the shortest that it has meanwhile, as a share of the longest, `T` itself. */
  readonly shrinksTo?: number;
  /** The server's addresses at which a responder of its own stands; one at all of them where left out. */
  readonly responders?: readonly string[];
  /** How the server is set up where the far end is an SSH server. */
  readonly ssh?: Pick<SshServerSettings, 'config' | 'program' | 'hidesProc'>;
  readonly modes: Readonly<Record<Mode, Seen>>;
  readonly conditions: readonly PathCondition[];
  /** Explanations with their certainty, in this order. */
  readonly says: readonly Said[];
  /** What it may say after that, by what was tested when. */
  readonly maySay?: readonly Said[];
}

type Said = `${string}: ${Explanation['certainty']}`;

/** What a box is, and what the diagnosis says of it. */
type BoxWords = Pick<Told, 'what' | 'says'> & { readonly conditions?: readonly PathCondition[] };

const FORGOTTEN = 'mapping_forgotten: measured';
const REFUSED = 'answered_with_reset: measured';

const BOX_WORDS: Readonly<Record<BoxKind, BoxWords>> = {
  no_expiry: { what: 'a NAT that forgets nothing', says: ['no_expiry_seen: measured'] },
  strict: { what: 'a NAT; packets of unknown flows are dropped', says: [FORGOTTEN] },
  loose: {
    what: 'a NAT; any packet from inside makes the mapping again (Linux, default)',
    says: ['revived_from_inside: likely', 'own_firewall_first: hint'],
  },
  loose_new_port: { what: 'the same, on another public port', says: [FORGOTTEN, REFUSED] },
  strict_reset_client: {
    what: 'a NAT that answers unknown flows from inside with a RST',
    says: [FORGOTTEN, REFUSED],
  },
  strict_reset_both: {
    what: 'a NAT that answers unknown flows with a RST, on both sides',
    says: [FORGOTTEN, REFUSED],
  },
  reset_at_expiry: {
    what: 'a NAT that sends a RST to both ends when it forgets',
    says: ['reset_at_expiry: measured'],
  },
  keepalive_eater: {
    what: 'a NAT that drops segments without payload of silent flows',
    says: ['keepalives_eaten: measured', FORGOTTEN],
    conditions: ['keepalives_eaten'],
  },
  // The responder's kernel knows connection tracking and keeps its five days: that speaks against its firewall.
  inbound_revives: {
    what: 'a NAT in which a packet from outside makes the mapping again',
    says: ['inbound_revives: likely', 'responder_firewall_first: hint'],
  },
  inbound_revives_answers_die: {
    what: 'the same, and the answers to it are dropped',
    says: [FORGOTTEN],
  },
  double_nat: { what: 'two NATs in a row', says: [FORGOTTEN] },
  firewall: {
    what: 'a firewall that translates nothing',
    says: [FORGOTTEN, 'no_translation: measured'],
  },
  far_end_firewall: {
    what: "the far end's own firewall forgets",
    says: ['responder_firewall_first: likely', 'inbound_revives: hint', 'responder_conntrack_near: likely'],
  },
  client_firewall: {
    what: "the client's own firewall forgets",
    says: ['own_firewall_first: likely', 'revived_from_inside: hint', 'local_conntrack_near: likely'],
  },
};

const BOXES_TOLD: readonly Told[] = BOXES.map((box) => ({
  name: box,
  lab: (idleTimeout) => ({ box, idleTimeout }),
  modes: EXPECTED[box],
  conditions: [],
  ...BOX_WORDS[box],
}));

const ALL_SILENCE = { send: SILENCE, recv: SILENCE, keepalive: SILENCE } as const;
const NAME = 'far.example';

const POLICIES_TOLD: readonly Told[] = [
  {
    name: 'black_holed_ipv6',
    what: 'a name with IPv6, which vanishes, and IPv4 through a NAT',
    lab: (idleTimeout) => ({ box: 'strict', idleTimeout }),
    install: async (lab, _, directory) => {
      await blackHoledIpv6(lab);
      const hosts = join(directory, 'hosts');
      writeFileSync(hosts, `127.0.0.1 localhost\n${SERVER.v6} ${NAME}\n${SERVER.v4} ${NAME}\n`);
      return { host: NAME, inside: { hosts } };
    },
    modes: ALL_SILENCE,
    conditions: [],
    says: [FORGOTTEN],
  },
  {
    name: 'alternating_dns',
    what: 'a name with another address at each look-up, through a NAT',
    lab: (idleTimeout) => ({ box: 'strict', idleTimeout }),
    install: async (lab, _, directory) => {
      const resolver = join(directory, 'resolv.conf');
      writeFileSync(resolver, await alternatingNames(lab));
      return { host: NAME, inside: { resolver } };
    },
    modes: ALL_SILENCE,
    conditions: [],
    says: [FORGOTTEN],
  },
];

const ALL_SURVIVE = { send: SURVIVES, recv: SURVIVES, keepalive: SURVIVES } as const;

/** Two responders behind one address, each connection at the next of them. */
const SEVERAL = {
  install: async (lab: Lab): Promise<undefined> => {
    await severalFarEnds(lab);
  },
  responders: [SERVER.v4, SECOND_SERVER.v4],
  conditions: ['several_far_ends'],
} satisfies Partial<Told>;

const SEVERAL_TOLD: readonly Told[] = [
  {
    name: 'several_far_ends',
    what: 'two far ends in turn behind one address, nothing forgets',
    lab: () => ({ box: 'firewall', idleTimeout: NEVER }),
    ...SEVERAL,
    modes: ALL_SURVIVE,
    says: ['no_expiry_seen: measured'],
  },
  {
    name: 'several_far_ends_nat',
    what: 'two far ends in turn behind one address, through a NAT',
    lab: (idleTimeout) => ({ box: 'strict', idleTimeout }),
    ...SEVERAL,
    modes: ALL_SILENCE,
    says: [FORGOTTEN],
  },
];

const CLOSED: Seen = { kind: 'closed' };

const PROXIES_TOLD: readonly Told[] = [
  {
    name: 'proxy_that_closes',
    what: 'a transparent proxy that closes idle connections, nothing forgets',
    lab: () => ({ box: 'no_expiry', idleTimeout: NEVER }),
    install: async (lab, idleTimeout) => {
      await proxy(lab, { closesAfter: idleTimeout });
      return undefined;
    },
    modes: { send: CLOSED, recv: CLOSED, keepalive: CLOSED },
    conditions: ['proxy_closes'],
    says: ['closed_by_somebody: likely'],
  },
  {
    name: 'proxy_that_answers',
    what: 'a transparent proxy, whose kernel answers keepalives, and behind it a NAT',
    // Keepalives have to outlive by far what data dies of, and both more than the shortest idle time (15 s).
    asks: { idleTimeouts: [17, 18, 19], maxIdle: 80 },
    lab: (idleTimeout) => ({ box: 'double_nat', idleTimeout: NEVER, secondIdleTimeout: idleTimeout }),
    install: async (lab) => {
      await proxy(lab, {});
      return undefined;
    },
    modes: { ...ALL_SILENCE, keepalive: { kind: 'answered' } },
    conditions: ['keepalives_answered_between'],
    says: ['keepalives_answered_between: likely', FORGOTTEN],
  },
];

/** Boxes whose timer counts something else than packets. */
const TIMERS_TOLD: readonly Told[] = [
  {
    name: 'payload_timer',
    what: 'a NAT whose timer counts segments with payload only',
    lab: () => ({ box: 'no_expiry', idleTimeout: NEVER }),
    install: async (lab, idleTimeout) => {
      await payloadTimer(lab, { idleTimeout });
      return undefined;
    },
    modes: ALL_SILENCE,
    conditions: [],
    says: [FORGOTTEN],
  },
];

/** What the adaptive box keeps an entry for, by the number of entries: the whole T up to so many, nothing with so many. */
const [WHOLE_UP_TO, NOTHING_WITH] = [30, 230];
/** `measure` holds 72 connections, two that are busy, and a few that end. */
const MOST_OPEN = 80;

const ADAPTIVE_TOLD: readonly Told[] = [
  {
    name: 'adaptive',
    what: `a NAT whose timeout shrinks with the number of open connections: T up to ${WHOLE_UP_TO}, three quarters of it with ${MOST_OPEN}`,
    // Rounded to whole seconds, T changes seldom enough for a bracket to hold still.
    asks: { idleTimeouts: [11, 12], maxIdle: 14 },
    shrinksTo: (NOTHING_WITH - MOST_OPEN) / (NOTHING_WITH - WHOLE_UP_TO),
    lab: (idleTimeout) => ({ box: 'strict', idleTimeout }),
    install: async (lab, idleTimeout) => {
      await adaptive(lab, { idleTimeout, start: WHOLE_UP_TO, end: NOTHING_WITH, counts: 'open' });
      return undefined;
    },
    modes: ALL_SILENCE,
    conditions: [],
    says: [FORGOTTEN],
    // What died while many were open is shorter than what survived while few were.
    maySay: ['two_answers: hint', 'two_answers: likely'],
  },
];

const LIMITED: Seen = { kind: 'limited' };

const LIFETIMES_TOLD: readonly Told[] = [
  {
    name: 'fixed_lifetime',
    what: 'a box that ends every connection at the age T, however busy it is',
    lab: () => ({ box: 'no_expiry', idleTimeout: NEVER }),
    install: async (lab, idleTimeout) => {
      await fixedLifetime(lab, { age: idleTimeout });
      return undefined;
    },
    modes: { send: LIMITED, recv: LIMITED, keepalive: LIMITED },
    conditions: ['fixed_lifetime'],
    says: ['fixed_lifetime: measured', 'no_expiry_seen: measured'],
  },
];

const CROWDED: Seen = { kind: 'crowded' };

/** The boxes that are measured with an SSH server as far end, too. */
const SSH_BOXES: readonly BoxKind[] = [
  'no_expiry',
  'strict',
  'loose',
  'strict_reset_client',
  'strict_reset_both',
  'reset_at_expiry',
  'keepalive_eater',
  'inbound_revives',
];

const SSH_TOLD: readonly Told[] = [
  ...SSH_BOXES.flatMap((box) => BOXES_TOLD.filter(({ name }) => name === box)).map(
    ({ name, what, modes, ...row }): Told => ({
      ...row,
      name: `ssh_${name}`,
      what: `${what}; the far end is an SSH server`,
      ssh: {},
      // Nobody tells that the far end was reset.
      modes: name === 'strict_reset_both' ? { ...modes, recv: SILENCE } : modes,
    }),
  ),
  {
    name: 'ssh_bridged_modem',
    what: 'a modem in bridge mode that tracks all the same, and forgets; any packet from outside makes it known again; the far end is an SSH server',
    lab: () => ({ box: 'no_expiry', idleTimeout: NEVER }),
    install: async (lab, idleTimeout) => {
      await bridgedModem(lab, { idleTimeout });
      return undefined;
    },
    ssh: {},
    modes: EXPECTED.inbound_revives,
    conditions: [],
    says: BOX_WORDS.inbound_revives.says,
  },
  {
    name: 'ssh_keepalives',
    what: 'an SSH server whose kernel sends a TCP keepalive after T, nothing forgets',
    lab: () => ({ box: 'no_expiry', idleTimeout: NEVER }),
    install: async (lab, idleTimeout) => {
      await lab.exec('server', 'sysctl', ['-qw', `net.ipv4.tcp_keepalive_time=${idleTimeout}`]);
      return undefined;
    },
    ssh: {},
    modes: { send: LIMITED, recv: LIMITED, keepalive: LIMITED },
    conditions: [],
    says: ['no_expiry_seen: measured'],
  },
  {
    name: 'ssh_dropbear',
    what: 'a NAT; packets of unknown flows are dropped; the far end is Dropbear',
    lab: (idleTimeout) => ({ box: 'strict', idleTimeout }),
    ssh: { program: 'dropbear' },
    modes: ALL_SILENCE,
    conditions: [],
    says: [FORGOTTEN],
  },
];

const QUOTAS_TOLD: readonly Told[] = [
  {
    name: 'quota',
    what: 'a box that keeps 40 connections of a client and forgets the longest idle one for a new one, nothing else',
    lab: () => ({ box: 'strict', idleTimeout: NEVER }),
    install: async (lab) => {
      await quota(lab, { connections: 40 });
      return undefined;
    },
    modes: { send: CROWDED, recv: CROWDED, keepalive: CROWDED },
    conditions: ['connection_quota'],
    says: ['connection_quota: measured'],
  },
];

export const TOLD: readonly Told[] = [
  ...BOXES_TOLD,
  ...POLICIES_TOLD,
  ...SEVERAL_TOLD,
  ...PROXIES_TOLD,
  ...TIMERS_TOLD,
  ...ADAPTIVE_TOLD,
  ...LIFETIMES_TOLD,
  ...SSH_TOLD,
  ...QUOTAS_TOLD,
];

/** 1 where a mode is shorter than its requirement, 3 where nothing died: what lasts for hours is not tested here. */
export function exitCodeOf({ modes }: Told): 1 | 3 {
  return Object.values(modes).some(({ kind }) => kind === 'forgotten') ? 1 : 3;
}

/** Whether an interval for keepalives is advised: every mode that speaks for the mapping has a timeout. */
export function isAdvised({ modes }: Told): boolean {
  return Object.values(modes).every(({ kind }) => !['survives', 'limited', 'crowded'].includes(kind));
}
