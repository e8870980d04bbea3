/** What the boxes of a chain are to the kernel: nftables rules and sysctls, for routers and bridges alike. */
import type { ChainBox } from '../support/simulated-chain.js';
import { bareSegments, SYN } from './boxes.js';

/** A box of a chain on the kernel: what the simulation knows, and what only packets with addresses have. */
export interface LabBox extends ChainBox {
  /** A router that translates addresses (masquerade). */
  readonly translates?: boolean;
  /** A router that sends no ICMP when it drops a packet whose TTL is spent. */
  readonly silent?: boolean;
}

/** Seconds without payload after which an eater drops segments that carry none: the only value that the rules have. */
export const EATS_AFTER = 2.5;

/** Where a packet comes from. A bridge's own interfaces are hidden from the rules: it marks packets by them. */
const SIDES = {
  router: { inside: 'iifname "lan"', outside: 'iifname "wan"' },
  bridge: { inside: 'meta mark 1', outside: 'meta mark 2' },
} as const;

/** Before connection tracking. */
const FIRST = 'type filter hook prerouting priority -310; policy accept;';

/** The nftables ruleset of a box, empty where it needs none. @param inner the addresses that 1:1 inbound goes to */
export function rulesOf(box: LabBox, inner: { readonly v4: string; readonly v6: string }): string {
  const parts = [
    box.kind === 'bridge' && remembers(box) ? MARKS : '',
    box.eats === undefined ? '' : eater(),
    box.rewrites === undefined ? '' : rewriter(box),
    box.ttlFirst === undefined ? '' : looksFirst(box),
    box.refreshedBy === undefined ? (usesConntrack(box) ? tracker(box, inner) : '') : oneWaySessions(box),
    box.silent === true ? SILENT : '',
  ];
  return parts.filter((part) => part !== '').join('\n');
}

/** Whether packets on a bridge have to be shown to the rules of IP. */
export function remembers({ timeout, eats }: LabBox): boolean {
  return timeout !== undefined || eats !== undefined;
}

function usesConntrack({ timeout, translates, refreshedBy }: LabBox): boolean {
  return translates === true || (timeout !== undefined && refreshedBy === undefined);
}

/** Sysctls of a box, as shell text. */
export function sysctlsOf(box: LabBox): string {
  const { timeout, revivedBy, trap, kind } = box;
  const seen = kind === 'bridge' && remembers(box) ? 1 : 0;
  return [
    `echo ${kind === 'router' ? 1 : 0} > ipv4/ip_forward`,
    `echo ${kind === 'router' ? 1 : 0} > ipv6/conf/all/forwarding`,
    'echo 0 > ipv4/conf/all/send_redirects',
    `echo ${revivedBy === undefined ? 0 : 1} > netfilter/nf_conntrack_tcp_loose`,
    ...(timeout === undefined ? [] : [`echo ${timeout} > netfilter/nf_conntrack_tcp_timeout_established`]),
    ...(trap === undefined ? [] : [`echo ${trap} > netfilter/nf_conntrack_tcp_timeout_max_retrans`]),
    ...(kind === 'bridge' && seen === 1
      ? ['echo 1 > bridge/bridge-nf-call-iptables', 'echo 1 > bridge/bridge-nf-call-ip6tables']
      : []),
  ].join('\n');
}

const MARKS = `
table bridge sides {
  chain sides {
    type filter hook prerouting priority -310; policy accept;
    iifname "lan" meta mark set 1
    iifname "wan" meta mark set 2
  }
}`;

/** Connection tracking: strict, or known again by packets from one side. */
function tracker({ kind, revivedBy, translates }: LabBox, inner: { v4: string; v6: string }): string {
  const { inside, outside } = SIDES[kind];
  const translation = `
  chain source {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "wan" masquerade
  }`;
  const toInner = `
  chain destination {
    type nat hook prerouting priority dstnat; policy accept;
    ${outside} meta l4proto tcp dnat ip to ${inner.v4}
    ${outside} meta l4proto tcp dnat ip6 to ${inner.v6}
  }`;
  return `
table inet box {
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    meta l4proto { icmp, ipv6-icmp } accept
    ${inside} meta l4proto udp accept
    ${inside} ct state new ${revivedBy === 'outbound' ? 'meta l4proto tcp' : SYN} accept
    ${revivedBy === 'inbound' ? `${outside} ct state new accept` : ''}
  }
  chain input {
    type filter hook input priority filter; policy accept;
    ${kind === 'router' ? 'iifname "wan" meta l4proto tcp drop' : ''}
  }${translates === true ? translation : ''}${translates === true && revivedBy === 'inbound' ? toInner : ''}
}`;
}

/** A table of sessions that only one side's packets renew. The key has no addresses: there is one client. */
function oneWaySessions({ kind, timeout = 1, refreshedBy }: LabBox): string {
  const { inside, outside } = SIDES[kind];
  const [renewing, other] = refreshedBy === 'outbound' ? [inside, outside] : [outside, inside];
  return `
table inet sessions {
  set live {
    typeof meta nfproto . tcp sport . tcp dport
    flags dynamic,timeout
    timeout ${timeout}s
    size 65535
  }
  chain renew {
    update @live { meta nfproto . tcp sport . tcp dport }
    update @live { meta nfproto . tcp dport . tcp sport }
    accept
  }
  chain sessions {
    ${FIRST}
    meta l4proto != tcp accept
    ${inside} tcp flags & (fin | syn | rst) != 0 goto renew
    ${renewing} meta nfproto . tcp sport . tcp dport @live goto renew
    ${other} meta nfproto . tcp sport . tcp dport @live accept
    drop
  }
}`;
}

/** Packets whose TTL is spent are dropped before anything remembers them. */
function looksFirst({ ttlFirst, kind }: LabBox): string {
  const { inside, outside } = SIDES[kind];
  const from = { outbound: [inside], inbound: [outside], both: [inside, outside] }[ttlFirst ?? 'both'];
  const rules = from.flatMap((side) => [
    `${side} ip ttl <= 1 drop`,
    `${side} ip6 hoplimit <= 1 meta l4proto tcp drop`,
  ]);
  return `
table inet first {
  chain first {
    ${FIRST}
    ${rules.join('\n    ')}
  }
}`;
}

/** What arrives gets a fresh TTL. */
function rewriter({ rewrites, kind }: LabBox): string {
  const { inside, outside } = SIDES[kind];
  const from = { outbound: [inside], inbound: [outside], both: [inside, outside] }[rewrites ?? 'both'];
  const rules = from.flatMap((side) => [
    `${side} meta l4proto tcp ip ttl set 64`,
    `${side} meta l4proto tcp ip6 hoplimit set 64`,
  ]);
  return `
table inet rewrite {
  chain rewrite {
    ${FIRST.replace('-310', '-320')}
    ${rules.join('\n    ')}
  }
}`;
}

/** Drops payload-less segments of flows that carried nothing of late, as the box of the lab does. */
function eater(): string {
  return `
table inet eater {
  set awake {
    typeof meta nfproto . tcp sport . tcp dport
    flags dynamic
    timeout ${EATS_AFTER * 1000}ms
    size 65535
  }
  chain wake {
    update @awake { meta nfproto . tcp sport . tcp dport }
    update @awake { meta nfproto . tcp dport . tcp sport }
    accept
  }
  chain bare {
    meta nfproto . tcp sport . tcp dport @awake accept
    drop
  }
  chain eat {
    type filter hook prerouting priority -330; policy accept;
    meta l4proto != tcp accept
    tcp flags & (fin | syn | rst) != 0 goto wake
    ${bareSegments('ip length', 20)}
    ${bareSegments('ip6 length', 0)}
    goto wake
  }
}`;
}

const SILENT = `
table inet silent {
  chain output {
    type filter hook output priority filter; policy accept;
    icmp type time-exceeded drop
    icmpv6 type time-exceeded drop
  }
}`;
