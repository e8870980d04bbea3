/**
 * Idle timeouts of known products and services, each with the public source that states it. A hint at what a
 * measured value may be, never a proof: many products share the same round value, and every value can be changed
 * by whoever runs the box.
 */
import type { Seconds } from '../units.js';

/** What sort of box a row speaks of; `measured` rows are observations on a path, not a product's default. */
type KnownKind = 'nat' | 'firewall' | 'cgn' | 'cloud' | 'cpe' | 'container' | 'measured';

/**
 * What the box does after it has forgotten a connection.
 * - `drop`: later packets vanish.
 * - `reset`: later packets are answered with a RST.
 * - `loose`: a later packet from inside silently re-creates the mapping, so only `recv` sees the timeout.
 * - `unknown`: the source does not say.
 */
type ExpiryBehaviour = 'drop' | 'reset' | 'loose' | 'unknown';

/** How much the source is worth, best first. */
type KnownEvidence = 'source-code' | 'vendor-doc' | 'third-party' | 'user-report';

/** One product or service. */
export interface KnownTimeout {
  readonly name: string;
  readonly vendor: string;
  readonly kind: KnownKind;
  /** Established connection idle-timeout for TCP, seconds. */
  readonly tcpEstablished: Seconds;
  /** Idle timeout for UDP, seconds; absent where the source does not say. */
  readonly udp?: Seconds;
  readonly onExpiry: ExpiryBehaviour;
  /** The value holds only for connections that never carried data, which a probe's do. */
  readonly withoutData?: true;
  readonly evidence: KnownEvidence;
  readonly note?: string;
  /** Where the value stands: an address, or the name of the document. */
  readonly source: string;
}

/** Every known value, read in November 2026. */
// biome-ignore format: a table, one row a line
export const KNOWN_TIMEOUTS: readonly KnownTimeout[] = [
  { name: 'Linux nf_conntrack (kernel default)', vendor: 'Linux', kind: 'nat', tcpEstablished: 432000, udp: 120, onExpiry: 'loose', evidence: 'source-code', note: 'UDP 30 unreplied, 120 stream; tcp_loose default on; loose pickup without reply is capped at the 300 s UNACK timer; after RST 10 s', source: 'https://github.com/torvalds/linux/blob/master/Documentation/networking/nf_conntrack-sysctl.rst' },
  { name: 'OpenWrt', vendor: 'OpenWrt', kind: 'cpe', tcpEstablished: 7440, udp: 180, onExpiry: 'loose', evidence: 'source-code', note: 'UDP 60 unreplied, 180 stream; file does not change tcp_loose', source: 'https://github.com/openwrt/openwrt/blob/main/package/kernel/linux/files/sysctl-nf-conntrack.conf' },
  { name: 'MikroTik RouterOS', vendor: 'MikroTik', kind: 'cpe', tcpEstablished: 86400, udp: 180, onExpiry: 'loose', evidence: 'third-party', note: 'default dump in provider code shows tcp-established 1d and loose-tcp-tracking true; udp-stream 3m', source: 'https://github.com/terraform-routeros/terraform-provider-routeros/commit/77f7e11c2c172211b086c327144236e805608aeb' },
  { name: 'MikroTik RouterOS v3 manual', vendor: 'MikroTik', kind: 'cpe', tcpEstablished: 86400, udp: 180, onExpiry: 'unknown', evidence: 'vendor-doc', source: 'https://manualshive.com/en/manual/allied-telesis/at-wr4500-series/2902624?page=214' },
  { name: 'pf normal / high-latency (FreeBSD, OpenBSD, base of pfSense/OPNsense)', vendor: 'BSD', kind: 'firewall', tcpEstablished: 86400, udp: 60, onExpiry: 'unknown', evidence: 'source-code', note: 'udp.multiple 60, udp.single 30; product UIs not checked', source: 'pf/pfctl source, PFTM_TCP_ESTABLISHED_VAL' },
  { name: 'pf conservative', vendor: 'BSD', kind: 'firewall', tcpEstablished: 432000, onExpiry: 'unknown', evidence: 'source-code', source: 'OpenBSD pfctl.c pf_hint_conservative' },
  { name: 'pf aggressive', vendor: 'BSD', kind: 'firewall', tcpEstablished: 18000, onExpiry: 'unknown', evidence: 'source-code', source: 'OpenBSD pfctl.c pf_hint_aggressive' },
  { name: 'FD.io VPP NAT44/NAT64 (also Netgate TNSR)', vendor: 'FD.io', kind: 'cgn', tcpEstablished: 7440, udp: 300, onExpiry: 'unknown', evidence: 'source-code', source: 'https://github.com/FDio/vpp/blob/master/src/plugins/nat/lib/lib.h' },
  { name: 'Jool NAT64', vendor: 'NICMx', kind: 'cgn', tcpEstablished: 7200, udp: 300, onExpiry: 'unknown', evidence: 'vendor-doc', note: 'at 7200 sends a probe to an endpoint, deletes after +240 s without answer: a live idle peer keeps the session', source: 'https://github.com/NICMx/Jool/blob/main/docs/en/usr-flags-global.md' },
  { name: 'einat eBPF NAT', vendor: 'EHfive', kind: 'nat', tcpEstablished: 7200, udp: 300, onExpiry: 'unknown', evidence: 'source-code', note: 'timeout_tcp_est = 120m, below REQ-5', source: 'https://github.com/EHfive/einat-ebpf/blob/main/config.sample.toml' },
  { name: 'OpenThread NAT64', vendor: 'OpenThread', kind: 'nat', tcpEstablished: 7200, udp: 7200, onExpiry: 'unknown', evidence: 'vendor-doc', note: 'one mapping idle timeout for all protocols but ICMP', source: 'https://openthread.io/reference/config/group/config-nat64' },
  { name: 'Firezone gateway', vendor: 'Firezone', kind: 'nat', tcpEstablished: 7440, udp: 120, onExpiry: 'unknown', evidence: 'source-code', note: 'raised from 7200 in PR 13563 because of REQ-5', source: 'https://github.com/firezone/firezone/pull/13563' },
  { name: 'Hedgehog dataplane masquerade', vendor: 'Hedgehog', kind: 'nat', tcpEstablished: 120, udp: 120, onExpiry: 'unknown', evidence: 'source-code', note: 'idle_timeout default two minutes, noted in-code as below REQ-5', source: 'https://github.com/githedgehog/dataplane' },
  { name: 'Cisco IOS NAT', vendor: 'Cisco', kind: 'nat', tcpEstablished: 86400, udp: 300, onExpiry: 'unknown', evidence: 'third-party', source: 'https://www.oreilly.com/library/view/cisco-ios-in/156592942X/re351.html' },
  { name: 'Cisco ASA / Secure Firewall (FTD)', vendor: 'Cisco', kind: 'firewall', tcpEstablished: 3600, udp: 120, onExpiry: 'unknown', evidence: 'vendor-doc', note: 'conn 1:00:00, xlate 3:00:00', source: 'https://docs.defenseorchestrator.com/cdfmc/t_configure_global_timeouts_fptd.html' },
  { name: 'Cisco RV120W', vendor: 'Cisco', kind: 'cpe', tcpEstablished: 1800, udp: 120, onExpiry: 'unknown', evidence: 'vendor-doc', source: 'https://www.cisco.com/assets/sol/sb/RV120W_Emulators/RV120W_Emulator_v1.0.5.6/fwSessionConfig.htm' },
  { name: 'Cisco Meraki', vendor: 'Cisco', kind: 'firewall', tcpEstablished: 300, onExpiry: 'unknown', evidence: 'user-report', note: 'user says Meraki support confirmed fixed 300 s', source: 'https://github.com/haproxy/haproxy/pull/252' },
  { name: 'Juniper SRX', vendor: 'Juniper', kind: 'firewall', tcpEstablished: 1800, udp: 60, onExpiry: 'unknown', evidence: 'vendor-doc', source: 'https://www.juniper.net/documentation/ru/ru/software/junos/flow-packet-processing/topics/topic-map/security-flow-based-session-for-srx-series-devices.html' },
  { name: 'Juniper MX services (service-set inactivity-timeout)', vendor: 'Juniper', kind: 'cgn', tcpEstablished: 30, udp: 30, onExpiry: 'unknown', evidence: 'vendor-doc', note: 'default for established flows; application definitions override', source: 'https://juniper.net/documentation/en_US/junos/topics/reference/configuration-statement/inactivity-timeout-edit-interfaces.html' },
  { name: 'Juniper Session Smart Router', vendor: 'Juniper', kind: 'firewall', tcpEstablished: 1900, udp: 180, onExpiry: 'unknown', evidence: 'vendor-doc', source: 'https://www.juniper.net/documentation/us/en/software/session-smart-router/docs/concepts_session_timer/' },
  { name: 'FortiGate hyperscale tcp-timeout-profile', vendor: 'Fortinet', kind: 'firewall', tcpEstablished: 3600, onExpiry: 'unknown', evidence: 'vendor-doc', note: 'global FortiGate session-ttl default is printed as \'Not Specified\' in the CLI reference seen', source: 'https://docs.fortinet.com/document/fortigate/7.0.14/hardware-acceleration/844515' },
  { name: 'FortiGate hyperscale CGN session-ttl port rule', vendor: 'Fortinet', kind: 'cgn', tcpEstablished: 300, udp: 300, onExpiry: 'unknown', evidence: 'vendor-doc', note: 'has refresh-direction outgoing|incoming|both', source: 'https://docs.fortinet.com/document/fortigate/6.2.7/hyperscale-firewall-guide/650989/cgn-session-timeouts' },
  { name: 'FortiADC', vendor: 'Fortinet', kind: 'firewall', tcpEstablished: 3600, onExpiry: 'unknown', evidence: 'vendor-doc', source: 'https://docs.fortinet.com/document/fortiadc/7.4.3/cli-reference/726896/config-firewall-global' },
  { name: 'Palo Alto PAN-OS', vendor: 'Palo Alto Networks', kind: 'firewall', tcpEstablished: 3600, onExpiry: 'unknown', evidence: 'vendor-doc', source: 'https://docs.paloaltonetworks.com/content/techdocs/en_US/ngfw/networking/session-settings-and-timeouts/configure-session-timeouts/configure-session-timeouts-scm.html' },
  { name: 'SonicWall 5.8 (TCP default per rule)', vendor: 'SonicWall', kind: 'firewall', tcpEstablished: 300, onExpiry: 'unknown', evidence: 'third-party', note: 'newer releases not checked', source: 'https://www.tenable.com/audits/items/TNS_Best_Practices_SonicWALL_5.8.audit:51005a68cad21ec23bf33affe3d570fc' },
  { name: 'Huawei USG', vendor: 'Huawei', kind: 'firewall', tcpEstablished: 1200, udp: 120, onExpiry: 'unknown', evidence: 'third-party', source: 'https://www.cnblogs.com/JacobJacob/p/19877530' },
  { name: 'VAS Experts Stingray CG-NAT', vendor: 'VAS Experts', kind: 'cgn', tcpEstablished: 600, onExpiry: 'unknown', evidence: 'vendor-doc', note: 'lifetime_flow_long=600 inactive TCP, lifetime_flow=60 remaining; UDP is not named on the page', source: 'https://wiki.vasexperts.ru/doku.php?id=en%3Adpi%3Aopt_cgnat%3Afaq%3Acgnat_faq_3&rev=1693231699' },
  { name: 'Forcepoint (Stonesoft) NGFW', vendor: 'Forcepoint', kind: 'firewall', tcpEstablished: 1800, udp: 50, onExpiry: 'unknown', evidence: 'vendor-doc', source: 'https://help.stonesoft.com/onlinehelp/StoneGate/SMC/6.5.0/GUID-341DC010-2FF3-459A-8DFD-236CF49D63F0.html' },
  { name: 'Clavister cOS Core', vendor: 'Clavister', kind: 'firewall', tcpEstablished: 262144, udp: 130, onExpiry: 'unknown', evidence: 'vendor-doc', note: 'one timer per direction, closes when either reaches 0', source: 'https://docs.clavister.com/repo/cos-core-administration-guide/14.00/doc/conn_timeout_settings.html' },
  { name: 'Clavister cOS Stream, TCP flow that never carried data', vendor: 'Clavister', kind: 'cgn', tcpEstablished: 60, udp: 130, withoutData: true, onExpiry: 'unknown', evidence: 'vendor-doc', note: 'FlowLifetimeTCPNoData=60; with data 262144', source: 'https://docs.clavister.com/repo/cos-stream-administration-guide/4.00/doc/ch28.html' },
  { name: 'D-Link DFL-2500', vendor: 'D-Link', kind: 'firewall', tcpEstablished: 262144, udp: 130, onExpiry: 'unknown', evidence: 'vendor-doc', source: 'https://azmanual.top/manuals/22107/d-link-dfl-2500.html?page=316' },
  { name: 'Kaspersky NGFW', vendor: 'Kaspersky', kind: 'firewall', tcpEstablished: 3600, onExpiry: 'unknown', evidence: 'vendor-doc', source: 'https://support.kaspersky.com/help/NGFW/1.1/cli_reference/en-US/timeouts.html' },
  { name: 'GTA firewall (GNAT Box)', vendor: 'GTA', kind: 'firewall', tcpEstablished: 600, udp: 600, onExpiry: 'unknown', evidence: 'vendor-doc', note: 'sends its own keep-alives at the timeout by default, so idle live connections survive', source: 'http://www.ravelledsleeve.org/portfolio/RoboHelp/SystemSoftware/timeout.htm' },
  { name: 'Arcadyan 7904WBRA-N', vendor: 'Arcadyan', kind: 'cpe', tcpEstablished: 3600, udp: 30, onExpiry: 'unknown', evidence: 'vendor-doc', source: 'http://38.142.81.21:8001/manual/arcadyan-technology/7904wbra-n/user-manual-english/page-38.html' },
  { name: 'Linksys BEFSR41', vendor: 'Linksys', kind: 'measured', tcpEstablished: 7200, onExpiry: 'unknown', evidence: 'user-report', source: 'http://www.dslreports.com/faq/7792' },
  { name: 'FRITZ!Box', vendor: 'AVM', kind: 'cpe', tcpEstablished: 900, onExpiry: 'unknown', evidence: 'user-report', note: 'about 15 minutes per AVM support mail quoted 2005 (user saw connection reset) and per AVM documentation as cited 2024', source: 'http://wilfing.eu/artikel/ssh-keepalive' },
  { name: 'Windows NetNat', vendor: 'Microsoft', kind: 'nat', tcpEstablished: 1800, udp: 120, onExpiry: 'unknown', evidence: 'user-report', note: 'Get-NetNat dump; may not be untouched defaults', source: 'https://pastebin.com/J8R97TS1' },
  { name: 'AWS NAT gateway', vendor: 'AWS', kind: 'cloud', tcpEstablished: 350, onExpiry: 'reset', evidence: 'vendor-doc', note: 'RST to resources behind the gateway that continue the connection, no FIN', source: 'https://github.com/awsdocs/amazon-vpc-user-guide/blob/master/doc_source/nat-gateway-troubleshooting.md' },
  { name: 'AWS Gateway Load Balancer', vendor: 'AWS', kind: 'cloud', tcpEstablished: 350, onExpiry: 'unknown', evidence: 'vendor-doc', note: 'configurable 60-6000', source: 'https://docs.amazonaws.cn/en_us/elasticloadbalancing/latest/gateway/update-idle-timeout.html' },
  { name: 'AWS load balancer (NLB, TCP flows)', vendor: 'AWS', kind: 'cloud', tcpEstablished: 350, onExpiry: 'unknown', evidence: 'vendor-doc', source: 'https://aws.amazon.com/premiumsupport/knowledge-center/lambda-vpc-timeout/' },
  { name: 'AWS Network Firewall', vendor: 'AWS', kind: 'cloud', tcpEstablished: 350, onExpiry: 'drop', evidence: 'vendor-doc', source: 'https://docs.aws.amazon.com/network-firewall/latest/APIReference/API_FlowTimeouts.html' },
  { name: 'AWS EC2 security group tracking, Nitro v6 instances', vendor: 'AWS', kind: 'cloud', tcpEstablished: 350, udp: 180, onExpiry: 'drop', evidence: 'vendor-doc', note: 'responder-side trap; UDP 30 single, 180 stream', source: 'Amazon EC2 API reference, ConnectionTrackingSpecification' },
  { name: 'AWS EC2 security group tracking, other instances', vendor: 'AWS', kind: 'cloud', tcpEstablished: 432000, udp: 180, onExpiry: 'unknown', evidence: 'vendor-doc', source: 'https://docs.aws.amazon.com/sdk-for-kotlin/api/latest/ec2/aws.sdk.kotlin.services.ec2.model/-connection-tracking-configuration/tcp-established-timeout.html' },
  { name: 'Azure Load Balancer', vendor: 'Microsoft', kind: 'cloud', tcpEstablished: 240, onExpiry: 'drop', evidence: 'vendor-doc', note: '4-100 min; TCP reset is an option', source: 'https://github.com/MicrosoftDocs/azure-docs/blob/main/articles/load-balancer/load-balancer-tcp-reset.md' },
  { name: 'Azure NAT Gateway', vendor: 'Microsoft', kind: 'cloud', tcpEstablished: 240, udp: 240, onExpiry: 'reset', evidence: 'vendor-doc', note: 'silent at expiry, RST when either side sends later; 4-120 min', source: 'https://github.com/MicrosoftDocs/azure-docs/blob/main/articles/nat-gateway/nat-gateway-resource.md' },
  { name: 'GCP Cloud NAT', vendor: 'Google', kind: 'cloud', tcpEstablished: 1200, udp: 30, onExpiry: 'unknown', evidence: 'vendor-doc', source: 'GCP RouterNat field text \'Defaults to 1200s if not set\'' },
  { name: 'GCP VPC firewall connection tracking', vendor: 'Google', kind: 'cloud', tcpEstablished: 600, onExpiry: 'unknown', evidence: 'third-party', note: 'after 10 min idle, traffic is judged by the firewall rules again; responder-side trap', source: 'https://gitlab.com/gitlab-org/charts/gitlab/-/issues/2519' },
  { name: 'kube-proxy (sets node conntrack)', vendor: 'Kubernetes', kind: 'container', tcpEstablished: 86400, onExpiry: 'loose', evidence: 'vendor-doc', note: '--conntrack-tcp-timeout-established default 24h; loose is the Linux default', source: 'kube-proxy flag reference' },
  { name: 'Docker Swarm VIP / Linux IPVS', vendor: 'Docker', kind: 'container', tcpEstablished: 900, udp: 300, onExpiry: 'drop', evidence: 'vendor-doc', note: 'hangs to a remote host, RST when both are on one host (moby 37466)', source: 'https://github.com/docker/docs/issues/5519' },
  { name: 'Coax modem in bridge mode, as measured by the author of NAT-TCP-test (2021)', vendor: 'unnamed ISP (DK)', kind: 'measured', tcpEstablished: 3600, onExpiry: 'drop', evidence: 'user-report', note: 'send and keepalive died, recv survived (static public IPv4 mapped 1:1)', source: 'http://anderstrier.dk/2021/01/11/my-isp-is-killing-my-idle-ssh-sessions-yours-might-be-too/' },
  { name: 'enviaTel fibre (DE)', vendor: 'enviaTel', kind: 'measured', tcpEstablished: 300, onExpiry: 'unknown', evidence: 'user-report', note: '300 s worked, 301 s did not (2024-09)', source: 'https://cweiske.de/tagebuch/ssh-enviatel.htm' },
  { name: 'Cellular carrier in NetPiculet 2011', vendor: 'anonymous', kind: 'measured', tcpEstablished: 255, onExpiry: 'reset', evidence: 'third-party', note: 'seen only in a secondary summary', source: 'Wang et al., SIGCOMM 2011, An Untold Story of Middleboxes in Cellular Networks' },
  { name: 'Typical mobile network (a practitioner’s estimate)', vendor: 'various', kind: 'measured', tcpEstablished: 1200, udp: 30, onExpiry: 'unknown', evidence: 'user-report', note: 'around 20 min TCP, 30-180 s UDP', source: 'https://vermillard.com/post/udp-nat/' },
];
