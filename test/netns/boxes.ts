/**
 * The boxes that a path can have: for each of them the kernel's rules, the namespace that forgets, and the
 * helpers that do what no rule can. All of them forget after the idle timeout that the lab sets.
 */

/** A host of the lab; `nat2` exists only behind `double_nat`. */
export type Place = 'client' | 'nat' | 'nat2' | 'server';

export type BoxKind =
  /** a NAT that keeps a mapping for five days */
  | 'no_expiry'
  /** packets of unknown flows are dropped, from either side */
  | 'strict'
  /** Linux' default: any packet from inside makes a mapping again, on the same public port */
  | 'loose'
  /** the same on another public port */
  | 'loose_new_port'
  /** strict, and a packet of an unknown flow from inside is answered with a RST */
  | 'strict_reset_client'
  /** strict, and packets of unknown flows are answered with a RST on both sides */
  | 'strict_reset_both'
  /** sends a RST to both ends at the very moment of forgetting */
  | 'reset_at_expiry'
  /** strict, and drops the payload-less segments of flows that carried nothing of late */
  | 'keepalive_eater'
  /** a packet from outside makes the mapping again, one from inside does not */
  | 'inbound_revives'
  /** the same, but what the client answers to it is dropped */
  | 'inbound_revives_answers_die'
  /** two strict NATs in a row */
  | 'double_nat'
  /** a strict firewall that translates nothing, in either family */
  | 'firewall'
  /** a NAT without expiry; the server's own host firewall forgets */
  | 'far_end_firewall'
  /** a NAT without expiry; the client's own host firewall forgets */
  | 'client_firewall';

export const BOXES: readonly BoxKind[] = [
  'no_expiry',
  'strict',
  'loose',
  'loose_new_port',
  'strict_reset_client',
  'strict_reset_both',
  'reset_at_expiry',
  'keepalive_eater',
  'inbound_revives',
  'inbound_revives_answers_die',
  'double_nat',
  'firewall',
  'far_end_firewall',
  'client_firewall',
];

export interface Box {
  /** The namespaces whose connection tracking has the lab's idle timeout; empty: nothing forgets. */
  readonly forgets: readonly Place[];
  /** The namespaces with connection tracking, each with the text of its nftables ruleset. */
  readonly rulesets: Readonly<Partial<Record<Place, string>>>;
  /** Whether a packet in the middle of an unknown flow may start an entry (`nf_conntrack_tcp_loose`). */
  readonly loose: boolean;
  readonly translates: boolean;
  /** Whether a helper sends RSTs at expiry. */
  readonly resetsAtExpiry: boolean;
}

/** A first packet of a connection. */
export const SYN = 'tcp flags & (fin | syn | rst | ack) == syn';

interface NatRules {
  /** What happens first in `forward`, before established flows are let through. */
  readonly first?: string;
  /** Which new flows from inside pass. */
  readonly fromInside?: string;
  /** Which new flows from outside pass, or what happens to packets of unknown flows. */
  readonly last?: string;
  /** What happens to TCP from outside that belongs to no mapping and so is for the box itself. */
  readonly unknownOutside?: string;
  readonly masquerade?: string;
  /** More chains. */
  readonly chains?: string;
}

function natRuleset(rules: NatRules = {}): string {
  const { masquerade = 'masquerade' } = rules;
  return `
table inet box {
  ${rules.chains ?? ''}
  chain forward {
    type filter hook forward priority filter; policy drop;
    ${rules.first ?? ''}
    ct state established,related accept
    meta l4proto { icmp, ipv6-icmp } accept
    iifname "lan" meta l4proto udp accept
    iifname "lan" ct state new ${rules.fromInside ?? SYN} accept
    ${rules.last ?? ''}
  }
  chain input {
    type filter hook input priority filter; policy accept;
    iifname "wan" meta l4proto tcp ${rules.unknownOutside ?? 'drop'}
  }
  chain source {
    type nat hook postrouting priority srcnat; policy accept;
    ${masquerade === '' ? '' : `oifname "wan" ${masquerade}`}
  }
}`;
}

/** A host firewall that lets everything out, and in only what belongs to a known flow or starts one. */
const HOST_RULESET = `
table inet host {
  chain input {
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    meta l4proto { icmp, ipv6-icmp } accept
    ct state established,related accept
    ct state new ${SYN} accept
  }
  chain output {
    type filter hook output priority filter; policy accept;
    ct state new accept
  }
}`;

/** Sends what comes from outside for the public address to the client, port by port. */
const ONE_TO_ONE = `
  chain destination {
    type nat hook prerouting priority dstnat; policy accept;
    iifname "wan" meta l4proto tcp dnat ip to 10.77.0.2
    iifname "wan" meta l4proto tcp dnat ip6 to fd77::2
  }`;

/** Rules that find segments without payload, by the packet's length for each length of a TCP header, in words. */
export function bareSegments(length: string, ipHeader: number): string {
  const lengths = Array.from({ length: 11 }, (_, i) => i + 5);
  return lengths.map((doff) => `tcp doff ${doff} ${length} ${ipHeader + doff * 4} goto bare`).join('\n    ');
}

/** A flow that carried data is awake for this long; its bare acknowledgements pass meanwhile. */
const AWAKE = '2s';

/**
 * Drops payload-less segments of flows that carried neither data nor SYN, FIN or RST for two seconds, in either
 * direction. A rule cannot see that a keepalive probe's sequence number is one too low, but it can see that the
 * flow was idle: a bare acknowledgement follows the data that it acknowledges within milliseconds, a probe does
 * not. It stands before connection tracking, so that an eaten probe refreshes nothing. The key has no addresses:
 * the lab has one client, whose ports the NAT keeps, so that one key serves both sides of the translation.
 */
const EATER = `
  set awake {
    typeof meta nfproto . tcp sport . tcp dport
    flags dynamic
    timeout ${AWAKE}
    size 65535
  }
  counter eaten { }
  chain wake {
    update @awake { meta nfproto . tcp sport . tcp dport }
    update @awake { meta nfproto . tcp dport . tcp sport }
    accept
  }
  chain bare {
    meta nfproto . tcp sport . tcp dport @awake accept
    counter name eaten drop
  }
  chain eat {
    type filter hook prerouting priority -310; policy accept;
    meta l4proto != tcp accept
    tcp flags & (fin | syn | rst) != 0 goto wake
    ${bareSegments('ip length', 20)}
    ${bareSegments('ip6 length', 0)}
    goto wake
  }`;

const NO_EXPIRY = natRuleset();

const STRICT: Box = {
  forgets: ['nat'],
  rulesets: { nat: natRuleset() },
  loose: false,
  translates: true,
  resetsAtExpiry: false,
};

const RESET_CLIENT = 'iifname "lan" ct state invalid meta l4proto tcp reject with tcp reset';

const TABLE: Readonly<Record<BoxKind, Box>> = {
  no_expiry: { ...STRICT, forgets: [] },
  strict: STRICT,
  loose: { ...STRICT, rulesets: { nat: natRuleset({ fromInside: 'meta l4proto tcp' }) }, loose: true },
  loose_new_port: {
    ...STRICT,
    rulesets: {
      nat: natRuleset({
        fromInside: 'meta l4proto tcp',
        masquerade: 'meta l4proto tcp masquerade fully-random',
      }),
    },
    loose: true,
  },
  strict_reset_client: { ...STRICT, rulesets: { nat: natRuleset({ last: RESET_CLIENT }) } },
  strict_reset_both: {
    ...STRICT,
    rulesets: { nat: natRuleset({ last: RESET_CLIENT, unknownOutside: 'reject with tcp reset' }) },
  },
  reset_at_expiry: { ...STRICT, resetsAtExpiry: true },
  keepalive_eater: { ...STRICT, rulesets: { nat: natRuleset({ chains: EATER }) } },
  inbound_revives: {
    ...STRICT,
    rulesets: { nat: natRuleset({ chains: ONE_TO_ONE, last: 'iifname "wan" ct state new accept' }) },
    loose: true,
  },
  inbound_revives_answers_die: {
    ...STRICT,
    rulesets: {
      nat: natRuleset({
        chains: ONE_TO_ONE,
        first: 'iifname "lan" ct mark 1 drop',
        last: 'iifname "wan" ct state new ct mark set 1 accept',
      }),
    },
    loose: true,
  },
  double_nat: { ...STRICT, forgets: ['nat', 'nat2'], rulesets: { nat: natRuleset(), nat2: natRuleset() } },
  firewall: { ...STRICT, rulesets: { nat: natRuleset({ masquerade: '' }) }, translates: false },
  far_end_firewall: {
    ...STRICT,
    forgets: ['server'],
    rulesets: { nat: NO_EXPIRY, server: HOST_RULESET },
    loose: true,
  },
  client_firewall: {
    ...STRICT,
    forgets: ['client'],
    rulesets: { nat: NO_EXPIRY, client: HOST_RULESET },
    loose: true,
  },
};

/** What a kind of box is made of. */
export function boxOf(kind: BoxKind): Box {
  return TABLE[kind];
}
