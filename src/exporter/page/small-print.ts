/** What is known about the two ends of a path and what lies between, in a line of small print. */
import type { EmbeddedBox } from '../../config/far-ends.js';
import { humanDuration } from '../../core/human-duration.js';
import type { TargetSnapshot } from '../../engine/snapshot.js';
import { UNAVAILABLE_WORDS } from '../../net/socket-options/library.js';
import { type Html, html } from '../../paper/html.js';

export function renderFacts(target: TargetSnapshot): Html {
  const { config, address, seenAddress, localAddress, routerAddress, conntrack } = target;
  const { local, responder } = target.localization;
  const far = config.far_end;
  const tracking = (seconds: number | undefined): string | undefined =>
    seconds === undefined ? undefined : `forgets after ${humanDuration(seconds)}`;
  const list: readonly (readonly [string, string | undefined])[] = [
    ['far end', far.kind === 'embedded' ? boxWords(far) : `${far.host} (${far.kind})`],
    ['address', address],
    ['this host', localAddress],
    ['router outside', routerAddress],
    ['seen as', seenAddress],
    ['address translation', translation(target)],
    ['connection tracking of this host', tracking(conntrack.local)],
    ['connection tracking of the far end', tracking(conntrack.responder)],
    ['cannot locate boxes from here', local.available ? undefined : UNAVAILABLE_WORDS[local.why]],
    ['cannot locate boxes from there', responder === false ? 'the far end does not offer it' : undefined],
    ...Object.entries(config.labels),
  ];
  const facts = list
    .filter((entry): entry is readonly [string, string] => entry[1] !== undefined)
    .map(([name, value]) => html`<span class="fact"><span class="key">${name}</span> ${value}</span> `);
  return html`<p class="facts">${facts}</p>`;
}

/** The built-in box translates no addresses: what is seen of it says nothing. */
function translation({ config, natDetected }: TargetSnapshot): string | undefined {
  if (natDetected === undefined || config.far_end.kind === 'embedded') return undefined;
  return natDetected ? 'yes (NAT)' : 'none';
}

/** What the built-in NAT does: `forgets 10 % of the connections after 1 min, keeps 40 connections, ends each after 5 min`. */
function boxWords({ idle_timeout, bad_share, quota, lifetime }: EmbeddedBox): string {
  const some =
    bad_share === undefined || bad_share === 1
      ? ''
      : `${Number((100 * bad_share).toPrecision(3))} % of the connections `;
  const does = [
    `forgets ${some}after ${humanDuration(idle_timeout)}`,
    ...(quota === undefined ? [] : [`keeps ${quota} connections`]),
    ...(lifetime === undefined ? [] : [`ends each after ${humanDuration(lifetime)}`]),
  ].join(', ');
  return `built-in NAT that ${does}, for demonstration`;
}
