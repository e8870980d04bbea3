/** How the lab's hosts are wired: addresses, routes, and the shell text that makes them. */
import type { Box, Place } from './boxes.js';

/** The inner side of the (first) NAT. */
export const CLIENT = { v4: '10.77.0.2', v6: 'fd77::2' } as const;
/** The (first) NAT as the client sees it. */
export const INNER_NAT = { v4: '10.77.0.1', v6: 'fd77::1' } as const;
/** The far end, reached by every box under the same addresses. */
export const SERVER = { v4: '203.0.113.200', v6: '2001:db8::200' } as const;

/** The public addresses of the box next to the server, before (0) and after each change. */
export function publicAddress(change: number): { readonly v4: string; readonly v6: string } {
  return { v4: `203.0.113.${1 + change}`, v6: `2001:db8::${(1 + change).toString(16)}` };
}

/** Which hosts a lab has. */
export function placesOf(box: Box): Place[] {
  return box.rulesets.nat2 === undefined ? ['client', 'nat', 'server'] : ['client', 'nat', 'nat2', 'server'];
}

type NamespaceOf = (place: Place) => string;

/** One cable: two places, the names of the interfaces there, and an IPv4 and an IPv6 address for each. */
interface Cable {
  readonly ends: readonly (readonly [place: Place, dev: string, v4: string, v6: string])[];
}

function cables(double: boolean): Cable[] {
  const inner = ['nat', 'lan', `${INNER_NAT.v4}/24`, `${INNER_NAT.v6}/64`] as const;
  const outer = ['wan', `${publicAddress(0).v4}/24`, `${publicAddress(0).v6}/64`] as const;
  const server = ['server', 'eth0', `${SERVER.v4}/24`, `${SERVER.v6}/64`] as const;
  const client: Cable = { ends: [['client', 'eth0', `${CLIENT.v4}/24`, `${CLIENT.v6}/64`], inner] };
  if (!double) return [client, { ends: [['nat', ...outer], server] }];
  const between: Cable = {
    ends: [
      ['nat', 'wan', '100.64.0.2/24', 'fd64::2/64'],
      ['nat2', 'lan', '100.64.0.1/24', 'fd64::1/64'],
    ],
  };
  return [client, between, { ends: [['nat2', ...outer], server] }];
}

/**
 * Sysctls of a host. Duplicate address detection would hold each IPv6 address back for a second; an address must
 * survive its cable being pulled; the far end must not be told of better routes.
 */
function sysctls(box: Box, place: Place): string {
  const forward = place === 'nat' || place === 'nat2' ? 1 : 0;
  return `
cd /proc/sys/net
echo 0 > ipv6/conf/default/accept_dad
echo 0 > ipv6/conf/all/accept_dad
echo 1 > ipv6/conf/default/keep_addr_on_down
echo 1 > ipv6/conf/all/keep_addr_on_down
echo ${forward} > ipv4/ip_forward
echo ${forward} > ipv6/conf/all/forwarding
echo 0 > ipv4/conf/all/send_redirects
echo ${box.loose ? 1 : 0} > netfilter/nf_conntrack_tcp_loose`;
}

/** Shell text that sets \`nf_conntrack_tcp_timeout_established\`, inside the namespace. */
export function idleTimeoutScript(seconds: number): string {
  return `echo ${seconds} > /proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established`;
}

/** The routes of the NATs, which the kernel forgets when a cable is pulled. */
export function natRoutes(box: Box, namespaceOf: NamespaceOf): string {
  if (box.rulesets.nat2 === undefined) return '';
  return `
ip -n ${namespaceOf('nat')} route replace default via 100.64.0.1
ip -n ${namespaceOf('nat')} -6 route replace default via fd64::1`;
}

/** Shell text that makes the whole lab, run where the namespaces can be seen. */
export function setUpScript(box: Box, namespaceOf: NamespaceOf): string {
  const places = placesOf(box);
  const parts = places.map((place) => {
    const namespace = namespaceOf(place);
    return `
ip netns add ${namespace}
nsenter --net=/run/netns/${namespace} sh -e <<'END'
${sysctls(box, place)}
END
ip -n ${namespace} link set lo up`;
  });
  for (const { ends } of cables(places.includes('nat2'))) {
    const [[a, devA] = ['', ''], [b, devB] = ['', '']] = ends.map(
      ([place, dev]) => [namespaceOf(place), dev] as const,
    );
    parts.push(`ip link add ${devA} netns ${a} type veth peer name ${devB} netns ${b}`);
    for (const [place, dev, v4, v6] of ends) {
      const ip = `ip -n ${namespaceOf(place)}`;
      parts.push(`${ip} addr add ${v4} dev ${dev}`, `${ip} addr add ${v6} dev ${dev} nodad`);
      parts.push(`${ip} link set ${dev} up`);
    }
  }
  parts.push(`
ip -n ${namespaceOf('client')} route add default via ${INNER_NAT.v4}
ip -n ${namespaceOf('client')} -6 route add default via ${INNER_NAT.v6}
${natRoutes(box, namespaceOf)}`);
  if (!box.translates) {
    parts.push(`
ip -n ${namespaceOf('server')} route add 10.77.0.0/24 via ${publicAddress(0).v4}
ip -n ${namespaceOf('server')} -6 route add fd77::/64 via ${publicAddress(0).v6}`);
  }
  for (const place of places) {
    const ruleset = box.rulesets[place];
    if (ruleset === undefined) continue;
    parts.push(`nsenter --net=/run/netns/${namespaceOf(place)} nft -f - <<'END'\n${ruleset}\nEND`);
  }
  return parts.join('\n');
}
