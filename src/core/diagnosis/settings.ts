/** Ready-to-paste settings that keep an idle connection alive with a given interval. */
import type { Seconds } from '../../units.js';
import { type Proof, type ProofKind, proofWords } from './proof.js';

/** How a setting keeps the mapping: only `data` passes a box that swallows or answers keepalives. */
type Means =
  /** sends bytes of its own protocol, or makes the kernel send TCP keepalives, segments without payload */
  | ProofKind
  /** ends an idle connection before the mapping does */
  | 'close';

/** Whether a setting was tried here: `held` says that it kept a connection alive. */
export const TRIED_WORDS = { held: 'proven here', not_tried: 'not tried here' } as const;
export type Tried = keyof typeof TRIED_WORDS;

/** Ready-to-paste settings that keep idle connections alive on this path. */
export interface Settings {
  /** Recommended keepalive interval, seconds. */
  readonly interval: Seconds;
  readonly snippets: readonly { readonly product: string; readonly text: string; readonly tried: Tried }[];
  /** Products whose settings do not help here, each with the reason, for people. */
  readonly leftOut: readonly { readonly product: string; readonly why: string }[];
}

interface Recipe {
  readonly product: string;
  readonly means: Means;
  readonly text: (interval: number) => string;
}

/**
 * Distance of repeated TCP keepalives, seconds: several fit between the first one and the end of the mapping,
 * which is at least as far away again, and never longer than Linux' default of 75 s.
 */
function keepaliveRepeat(interval: number): number {
  return Math.max(1, Math.min(75, Math.floor(interval / 4)));
}

/** Order: what most readers look for comes first. Names and units are those of each product's own manual. */
const RECIPES: readonly Recipe[] = [
  {
    product: 'OpenSSH client (~/.ssh/config)',
    means: 'data',
    text: (n) => `Host *\n    ServerAliveInterval ${n}\n    ServerAliveCountMax 3`,
  },
  {
    product: 'OpenSSH server (/etc/ssh/sshd_config)',
    means: 'data',
    text: (n) => `ClientAliveInterval ${n}\nClientAliveCountMax 3`,
  },
  {
    product: 'Linux kernel (/etc/sysctl.d/), for programs that turn SO_KEEPALIVE on',
    means: 'keepalive',
    text: (n) =>
      [
        `net.ipv4.tcp_keepalive_time = ${n}`,
        `net.ipv4.tcp_keepalive_intvl = ${keepaliveRepeat(n)}`,
        'net.ipv4.tcp_keepalive_probes = 9',
      ].join('\n'),
  },
  {
    product: 'PostgreSQL server (postgresql.conf)',
    means: 'keepalive',
    text: (n) => `tcp_keepalives_idle = ${n}\ntcp_keepalives_interval = ${keepaliveRepeat(n)}`,
  },
  {
    product: 'PostgreSQL client (connection string)',
    means: 'keepalive',
    text: (n) => `keepalives=1 keepalives_idle=${n} keepalives_interval=${keepaliveRepeat(n)}`,
  },
  {
    product: 'MQTT client (keep alive, mosquitto_sub shown)',
    means: 'data',
    text: (n) => `mosquitto_sub --keepalive ${n}`,
  },
  {
    product: 'HAProxy: TCP keepalives',
    means: 'keepalive',
    text: (n) =>
      [
        'option clitcpka',
        'option srvtcpka',
        `clitcpka-idle ${n}s`,
        `srvtcpka-idle ${n}s`,
        `clitcpka-intvl ${keepaliveRepeat(n)}s`,
        `srvtcpka-intvl ${keepaliveRepeat(n)}s`,
      ].join('\n'),
  },
  {
    product: 'HAProxy: close idle connections before the NAT forgets them',
    means: 'close',
    text: (n) => `timeout client ${n}s\ntimeout server ${n}s\ntimeout tunnel ${n}s`,
  },
  {
    product: 'Envoy: HTTP/2 pings',
    means: 'data',
    text: (n) => `http2_protocol_options:\n  connection_keepalive:\n    interval: ${n}s\n    timeout: 10s`,
  },
  {
    product: 'Envoy: close idle TCP connections before the NAT forgets them (tcp_proxy)',
    means: 'close',
    text: (n) => `idle_timeout: ${n}s`,
  },
];

/** What is known of a path that decides which settings help on it. */
export interface SettingsFor {
  /** Why TCP keepalives do not reach whoever forgets, for people; absent where nothing speaks against them. */
  readonly noKeepalives?: string | undefined;
  /** What was tried on it and counts. */
  readonly proofs: readonly Proof[];
}

/**
 * Settings for an interval. What was tried decides; what was not is listed unless something speaks against it.
 *
 * @param interval whole seconds, 1 … 3600, as `keepaliveRecommended` gives it
 * @throws RangeError when `interval` is not a whole number of at least 1
 */
export function settings(interval: Seconds, path: SettingsFor): Settings {
  if (!Number.isInteger(interval) || interval < 1) {
    throw new RangeError(`interval must be whole seconds of at least 1, got ${interval}`);
  }
  const judged = RECIPES.map((recipe) => ({ ...recipe, ...judge(recipe.means, path) }));
  return {
    interval,
    snippets: judged.flatMap(({ product, text, tried }) =>
      tried === undefined ? [] : [{ product, text: text(interval), tried }],
    ),
    leftOut: judged.flatMap(({ product, why }) => (why === undefined ? [] : [{ product, why }])),
  };
}

/** Whether settings of this kind are listed, or why they are not. */
function judge(
  means: Means,
  { noKeepalives, proofs }: SettingsFor,
): { readonly tried?: Tried; readonly why?: string } {
  const proof = proofs.find(({ kind }) => kind === means);
  if (proof !== undefined) return proof.held ? { tried: 'held' } : { why: proofWords(proof) };
  // A FIN is a segment without payload, too.
  return means === 'data' || noKeepalives === undefined ? { tried: 'not_tried' } : { why: noKeepalives };
}

/** What is left out, each reason once with its products: `Left out (tried here: …): Linux kernel; HAProxy.` */
export function leftOutWords({ leftOut }: Pick<Settings, 'leftOut'>): readonly string[] {
  const reasons = [...new Set(leftOut.map(({ why }) => why))];
  return reasons.map((reason) => {
    const products = leftOut.filter(({ why }) => why === reason).map(({ product }) => product);
    return `Left out (${reason}): ${products.join('; ')}.`;
  });
}
