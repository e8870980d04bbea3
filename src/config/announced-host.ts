/** The host of an announced address: its one spelling, and which hosts lead nobody else to an exporter. */
import ipaddr from 'ipaddr.js';
import { isHost } from './listen-address.js';

/** An announced host in its one spelling: a name in lower case, or an address as RFC 5952 writes it. */
export interface AnnouncedHost {
  readonly host: string;
  /** Absent for a name. */
  readonly family?: 4 | 6;
}

const LOOPBACK = 'a loopback address is not served';
const RESERVED = 'a reserved address is not served';
const METADATA = "an address of a cloud's metadata service is not served";

/**
 * Addresses that mean another machine to Prometheus than to the announcer, or none, or many, by the range of ipaddr.js.
 * Its `reserved` is not among them: it has the prefixes for documentation and benchmarks, which lead nowhere or into a
 * laboratory.
 */
const UNREACHABLE: Readonly<Record<string, string>> = {
  unspecified: 'an unspecified address is not served',
  loopback: LOOPBACK,
  linkLocal: 'a link-local address is not served',
  multicast: 'a multicast address is not served',
  broadcast: 'a broadcast address is not served',
  deprecatedSiteLocal: 'a site-local address is not served',
  discard: 'an address of the discard prefix is not served',
};

/** Class E: no host has such an address, and systems differ in what they do with it. RFC 1112. */
const CLASS_E: [ipaddr.IPv4, number] = ipaddr.IPv4.parseCIDR('240.0.0.0/4');

/**
 * Where clouds serve the metadata of a machine, its credentials among them, outside of link-local addresses. By address
 * in the one spelling.
 * @see https://docs.aws.amazon.com/whitepapers/latest/ipv6-on-aws/supporting-amazon-vpc-services.html fd00:ec2::254
 * @see https://cloud.google.com/compute/docs/metadata/querying-metadata fd20:ce::254
 * @see https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16
 * @see https://www.alibabacloud.com/help/en/ecs/user-guide/view-instance-metadata 100.100.100.200
 * @see https://docs.oracle.com/en/cloud/iaas-classic/compute-iaas-cloud/stcsg/retrieving-instance-metadata.html
 * 192.0.0.192; Oracle's of today over IPv6 fd00:c1::a9fe:a9fe, Scaleway's fd00:42::42
 */
const METADATA_SERVICES: ReadonlySet<string> = new Set([
  'fd00:ec2::254',
  'fd20:ce::254',
  'fd00:c1::a9fe:a9fe',
  'fd00:42::42',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
]);

/**
 * Names of the machine or the link of whoever asks: RFC 6761 gives `localhost` and all below it to it, `/etc/hosts` of
 * Debian, Red Hat and macOS and the engines of containers the others.
 */
const OWN_NAME = new RegExp(
  `^(?:${[
    '(?:.*\\.)?localhost',
    'localhost\\.localdomain',
    'localhost[46](?:\\.localdomain[46])?',
    'loopback',
    'broadcasthost',
    'ip6-(?:localhost|loopback|localnet|mcastprefix|allnodes|allrouters|allhosts)',
    '(?:host|gateway|kubernetes)\\.docker\\.internal',
    'host\\.containers\\.internal',
  ].join('|')})$`,
);

/**
 * Names under which clouds serve metadata (Google, AWS, Azure, Tencent, IBM, Equinix, Rancher), and that of the API
 * server in every Kubernetes cluster: the reader's own, whoever announces them.
 */
const SERVICE_NAME = new RegExp(
  `^(?:${[
    'metadata(?:\\.google\\.internal|\\.goog|\\.azure\\.internal|\\.azure\\.com)?',
    '(?:.*\\.)?metadata\\.google\\.internal',
    'instance-data(?:\\.ec2\\.internal|\\.[a-z0-9-]+\\.compute\\.internal)?',
    'metadata\\.tencentyun\\.com',
    'api\\.metadata\\.cloud\\.ibm\\.com',
    'metadata\\.(?:platformequinix\\.com|packet\\.net)',
    'rancher-metadata(?:\\..*)?',
    'kubernetes(?:\\.default(?:\\.svc(?:\\..+)?)?)?',
  ].join('|')})$`,
);

/** Labels that begin and end with a letter or a digit; one in the middle of digits or hex digits alone is a number. */
const NAME =
  /^(?:[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?\.)*(?!(?:\d+|0x[0-9a-f]*)$)[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?$/;

/**
 * Judges the host of an announced address, without brackets; a text of at most 64 printable ASCII characters says what
 * is wrong with it. A dot at its end changes nothing.
 */
export function announcedHost(named: string): AnnouncedHost | string {
  if (!isHost(named)) return 'the host must be a host name or an address';
  const host = named.toLowerCase().replace(/\.$/, '');
  if (!ipaddr.isValid(host)) return nameProblem(host) ?? { host };
  // An IPv4 address in the clothes of an IPv6 address is judged and written as what it is.
  const address = ipaddr.process(host);
  const problem = addressProblem(address);
  if (problem !== undefined) return problem;
  return { host: address.toString(), family: address.kind() === 'ipv6' ? 6 : 4 };
}

function nameProblem(host: string): string | undefined {
  if (OWN_NAME.test(host)) return LOOPBACK;
  if (SERVICE_NAME.test(host)) return 'a name of a metadata or cluster service is not served';
  return NAME.test(host) ? undefined : 'the host must be a host name or an address';
}

function addressProblem(address: ipaddr.IPv4 | ipaddr.IPv6): string | undefined {
  if (METADATA_SERVICES.has(address.toString())) return METADATA;
  const unreachable = UNREACHABLE[address.range()];
  if (unreachable !== undefined) return unreachable;
  if (address instanceof ipaddr.IPv4) return address.match(CLASS_E) ? RESERVED : undefined;
  return embeddedAddresses(address)
    .map(addressProblem)
    .find((problem) => problem !== undefined);
}

const cidr = (text: string): [ipaddr.IPv6, number] => ipaddr.IPv6.parseCIDR(text);

/**
 * Where a prefix has an IPv4 address that the packet is sent to in the end: offsets of its four bytes. 64:ff9b:1::/48
 * leaves the length of its own prefixes to the operator; RFC 6052 says where the address is with each, around byte 8.
 * @see RFC 4291 2.5.5 (compatible), RFC 6145 (translated), RFC 6052, RFC 8215 (NAT64), RFC 3056 (6to4), RFC 4380 (Teredo)
 */
const EMBEDDINGS: readonly { prefix: [ipaddr.IPv6, number]; at: readonly (readonly number[])[] }[] = [
  { prefix: cidr('::/96'), at: [[12, 13, 14, 15]] },
  { prefix: cidr('::ffff:0:0/96'), at: [[12, 13, 14, 15]] },
  { prefix: cidr('::ffff:0:0:0/96'), at: [[12, 13, 14, 15]] },
  { prefix: cidr('64:ff9b::/96'), at: [[12, 13, 14, 15]] },
  {
    prefix: cidr('64:ff9b:1::/48'),
    at: [
      [12, 13, 14, 15],
      [9, 10, 11, 12],
      [7, 9, 10, 11],
      [6, 7, 9, 10],
    ],
  },
  { prefix: cidr('2002::/16'), at: [[2, 3, 4, 5]] },
  { prefix: cidr('2001::/32'), at: [[4, 5, 6, 7]] },
];

/** All IPv4 addresses to which somebody may take the address. */
function embeddedAddresses(address: ipaddr.IPv6): ipaddr.IPv4[] {
  const bytes = address.toByteArray();
  const found = EMBEDDINGS.filter(({ prefix }) => address.match(prefix)).flatMap(({ at }) => {
    const fours = at.map((offsets) => offsets.map((offset) => bytes[offset] ?? 0));
    // Of several places for one address the others begin with zeros.
    const likely = fours.filter(([first]) => first !== 0);
    return likely.length > 0 ? likely : fours;
  });
  // Teredo hides the client's address from boxes that rewrite what looks like one.
  if (address.match(cidr('2001::/32'))) found.push(bytes.slice(12).map((byte) => byte ^ 0xff));
  // ISATAP has it behind any prefix. RFC 5214 6.1
  if (/^0[02]005efe$/.test(Buffer.from(bytes.slice(8, 12)).toString('hex'))) found.push(bytes.slice(12));
  return found.map((four) => new ipaddr.IPv4(four));
}
