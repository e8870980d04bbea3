/**
 * What a path may do beside forgetting after an idle time, put on top of a lab's box: it counts connections, ages
 * or payload, answers in a far end's place, or leads to several far ends. Each policy is the kernel's own doing
 * where a rule can say it, and a small helper in the NAT's namespace where none can.
 */
import { fileURLToPath } from 'node:url';
import { bareSegments, SYN } from './boxes.js';
import { type LabBox, rulesOf, sysctlsOf } from './chain-rules.js';
import { onHost } from './host.js';
import { CLIENT, SERVER, type Lab } from './lab.js';
import { type LabProcess, run } from './process.js';
import { INNER_NAT } from './topology.js';

/** The far end's second address, on the same host: that of the other replica behind `severalFarEnds`. */
export const SECOND_SERVER = { v4: '203.0.113.201', v6: '2001:db8::201' } as const;

/** The port of probe connections, that of the native protocol. */
const RESPONDER_PORT = 5382;
/** Where the transparent proxy listens in the NAT. */
const RELAY_PORT = 9999;

/** What connection tracking keeps an entry for that must not end by itself: five days, in seconds. */
export const NEVER = 432_000;

const TABLE_RULES = (rules: string): readonly [string, readonly string[], { readonly input: string }] => [
  'nft',
  ['-f', '-'],
  { input: rules },
];

/**
 * A pool of nodes, some of them bad: that share of new connections is forgotten after `idleTimeout`, the others
 * after the lab's own. Which ones is a hash of the client's port with `seed`, so a run can be repeated.
 * @param share of new connections, 0 to 1 in steps of a thousandth
 * @param idleTimeout whole seconds
 */
export async function pool(
  lab: Lab,
  { share, idleTimeout, seed }: { share: number; idleTimeout: number; seed: number },
): Promise<void> {
  const bad = `jhash tcp sport mod 1000 seed ${seed} < ${Math.round(share * 1000)}`;
  const node = (family: 'ip' | 'ip6'): string => `
  ct timeout bad_${family} {
    protocol tcp
    l3proto ${family}
    policy = { established : ${idleTimeout} }
  }`;
  const rules = `
table inet pool {${node('ip')}${node('ip6')}
  chain choose {
    type filter hook prerouting priority mangle; policy accept;
    iifname "lan" ${SYN} meta nfproto ipv4 ${bad} ct timeout set "bad_ip"
    iifname "lan" ${SYN} meta nfproto ipv6 ${bad} ct timeout set "bad_ip6"
  }
}`;
  await lab.exec('nat', ...TABLE_RULES(rules));
}

/**
 * A session table of its own beside connection tracking, in which a first packet from inside starts an entry:
 * packets without an entry are dropped before connection tracking sees them, in both directions. The key has no
 * addresses: the lab has one client, whose ports the NAT keeps.
 * @param lives seconds from what starts or renews an entry to its end
 * @param renewing what happens to a packet that has an entry
 */
function sessionTable(lives: number, renewing: string): string {
  return `
table inet sessions {
  set live {
    typeof meta nfproto . tcp sport . tcp dport
    flags dynamic,timeout
    timeout ${lives}s
    size 65535
  }
  chain renew {
    update @live { meta nfproto . tcp sport . tcp dport }
    update @live { meta nfproto . tcp dport . tcp sport }
    accept
  }
  chain bare {
    accept
  }
  chain known {
    ${renewing}
  }
  chain sessions {
    type filter hook prerouting priority -310; policy accept;
    meta l4proto != tcp accept
    iifname "lan" ${SYN} goto renew
    meta nfproto . tcp sport . tcp dport @live goto known
    drop
  }
}`;
}

/** Every connection is cut `age` seconds after its first packet, however busy it is. */
export async function fixedLifetime(lab: Lab, { age }: { age: number }): Promise<void> {
  await lab.exec('nat', ...TABLE_RULES(sessionTable(age, 'accept')));
}

/** Only segments with payload count: a connection without any for `idleTimeout` seconds is forgotten. */
export async function payloadTimer(lab: Lab, { idleTimeout }: { idleTimeout: number }): Promise<void> {
  const renewing = `${bareSegments('ip length', 20)}
    ${bareSegments('ip6 length', 0)}
    goto renew`;
  await lab.exec('nat', ...TABLE_RULES(sessionTable(idleTimeout, renewing)));
}

/**
 * At most that many established connections a client address: with one more the longest idle one is forgotten.
 * The lab's box must not forget by itself.
 */
export async function quota(lab: Lab, { connections }: { connections: number }): Promise<void> {
  // Data on its way shortens an entry's time, and the time left tells how long an entry has been idle.
  const ages = `for name in unacknowledged max_retrans; do
    echo ${NEVER} > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_$name; done`;
  await lab.exec('nat', 'sh', ['-ec', ages]);
  await helper(lab, 'quota.py', [String(connections)]);
}

/**
 * The idle timeout shrinks with the number of entries, as pf's adaptive timeouts do: the whole one up to `start`
 * entries, then linearly down to a second at `end`. It holds for a connection from its next packet on.
 * @param idleTimeout the whole one, seconds
 */
export async function adaptive(
  lab: Lab,
  {
    idleTimeout,
    start,
    end,
    counts = 'all',
  }: { idleTimeout: number; start: number; end: number; counts?: 'all' | 'open' },
): Promise<void> {
  await helper(lab, 'adaptive_timeout.py', [...[idleTimeout, start, end].map(String), counts]);
}

/**
 * A transparent proxy in the (first) NAT: it takes each connection from inside itself, so that its kernel answers
 * keepalives, and opens one of its own to the far end.
 * @param closesAfter seconds without data after which it closes both sides in an orderly way; never where left out
 */
export async function proxy(
  lab: Lab,
  { closesAfter, port = RESPONDER_PORT }: { closesAfter?: number; port?: number },
): Promise<void> {
  await helper(lab, 'transparent_proxy.py', [RELAY_PORT, closesAfter ?? 0].map(String));
  // The box drops TCP from outside that is for itself; the answers to the proxy's own connections are.
  await lab.exec('nat', 'nft', [
    'insert',
    'rule',
    'inet',
    'box',
    'input',
    'ct',
    'state',
    'established',
    'accept',
  ]);
  const rules = `
table inet proxy {
  chain divert {
    type nat hook prerouting priority dstnat - 1; policy accept;
    iifname "lan" tcp dport ${port} redirect to :${RELAY_PORT}
  }
}`;
  await lab.exec('nat', ...TABLE_RULES(rules));
}

/** Gives the server its second address, as a host with two far ends has. */
export async function addSecondServer(lab: Lab): Promise<void> {
  await lab.exec('server', 'ip', ['addr', 'add', `${SECOND_SERVER.v4}/24`, 'dev', 'eth0']);
  await lab.exec('server', 'ip', ['addr', 'add', `${SECOND_SERVER.v6}/64`, 'dev', 'eth0', 'nodad']);
}

/** Two far ends behind one address: every other new connection to the server meets its second address. */
export async function severalFarEnds(lab: Lab): Promise<void> {
  await addSecondServer(lab);
  const rules = `
table inet balance {
  chain balance {
    type nat hook prerouting priority dstnat - 1; policy accept;
    iifname "lan" meta l4proto tcp ip daddr ${SERVER.v4} numgen inc mod 2 == 0 dnat ip to ${SECOND_SERVER.v4}
    iifname "lan" meta l4proto tcp ip6 daddr ${SERVER.v6} numgen inc mod 2 == 0 dnat ip6 to ${SECOND_SERVER.v6}
  }
}`;
  await lab.exec('nat', ...TABLE_RULES(rules));
}

/**
 * The modem in bridge mode of the story that this program comes from: before the NAT stands a bridge that translates
 * nothing, yet tracks, and drops what it does not know. A packet from outside makes it known again.
 */
export async function bridgedModem(lab: Lab, { idleTimeout }: { idleTimeout: number }): Promise<void> {
  const box: LabBox = { kind: 'bridge', timeout: idleTimeout, revivedBy: 'inbound' };
  const [nat, modem] = [`${lab.name}-nat`, `${lab.name}-modem`];
  // The client's cable, which ended in the NAT, ends in the bridge.
  const script = `
ip netns add ${modem}
nsenter --net=/run/netns/${modem} sh -e <<'END'
cd /proc/sys/net
${sysctlsOf(box)}
END
ip -n ${nat} link set lan netns ${modem}
ip link add wan netns ${modem} type veth peer name lan netns ${nat}
ip -n ${modem} link add br0 type bridge
for dev in lan wan; do ip -n ${modem} link set $dev master br0 up; done
ip -n ${modem} link set br0 up
ip -n ${nat} addr add ${INNER_NAT.v4}/24 dev lan
ip -n ${nat} addr add ${INNER_NAT.v6}/64 dev lan nodad
ip -n ${nat} link set lan up
nsenter --net=/run/netns/${modem} nft -f - <<'END'
${rulesOf(box, CLIENT)}
END`;
  await run(onHost(['sh', '-e']), { input: script });
}

/** IPv6 vanishes without a word while IPv4 works. */
export async function blackHoledIpv6(lab: Lab): Promise<void> {
  const rules = `
table ip6 hole {
  chain forward {
    type filter hook forward priority filter - 1; policy drop;
  }
}`;
  await lab.exec('nat', ...TABLE_RULES(rules));
}

/**
 * A name server on the server whose A record is one of both addresses in turn, another one at each question.
 * @returns the text of the resolv.conf that asks it
 */
export async function alternatingNames(lab: Lab): Promise<string> {
  await addSecondServer(lab);
  await helper(lab, 'alternating_dns.py', [SERVER.v4, SECOND_SERVER.v4], 'server');
  return `nameserver ${SERVER.v4}\noptions timeout:1 attempts:2\n`;
}

/** Starts a helper that runs for as long as the lab does, and waits until it works. */
async function helper(
  lab: Lab,
  name: string,
  args: readonly string[],
  where: 'nat' | 'server' = 'nat',
): Promise<LabProcess> {
  const script = fileURLToPath(new URL(`helpers/${name}`, import.meta.url));
  const started = lab.spawn(where, 'python3', [script, ...args]);
  await started.waitForLine(/^ready$/, 20_000);
  return started;
}
