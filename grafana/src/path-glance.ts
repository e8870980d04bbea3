/** The dashboard of one path, what is seen first: the verdict, its past, what to set, where to look next. */
import {
  BigValueColorMode,
  BigValueTextMode,
  VizOrientation,
  VizTextDisplayOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { inWords } from '../../prometheus/src/alerts.js';
import { pathCompliant, shortestOfPath } from '../../prometheus/src/expressions.js';
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';
import {
  BLUE,
  DURATION,
  fixedColor,
  GREEN,
  GREY,
  instant,
  type Placed,
  property,
  RED,
  stat,
  thresholds,
  words,
} from './kit.js';
import { pagesOfPath } from './links-and-alerts.js';
import { boxOfPath } from './located-panels.js';
import { MODES, PATH, REQUIRED, SELF } from './path-selectors.js';

const verdictColors = thresholds({ value: null, color: RED }, { value: REQUIRED, color: GREEN });

/** What is longer than required is good; what is shorter says nothing while nothing has died. */
const SURVIVED_COLORS = {
  mode: 'absolute',
  steps: [
    { value: null, color: GREY },
    { value: REQUIRED, color: GREEN },
  ],
};

export function glance(): Placed[] {
  return [worst(), compliant(), share(), lastChange(), farEnd()];
}

function worst(): Placed {
  const { survived, died, timeout } = shortestOfPath(PATH);
  const forgets = `(${timeout}) and (${died}) < +Inf`;
  const builder = stat(
    {
      title: 'Idle connections',
      description: `How long an established TCP connection may be silent before the path has forgotten it, whoever breaks the silence: the shortest of the modes. RFC 5382 REQ-5 wants at least ${inWords(REQUIRED)}. "Remembers at least" means that every mode survived that long and no shorter timeout is known.`,
      unit: DURATION,
      empty: 'Nothing has been tested yet',
    },
    [
      instant(forgets, 'forgets after'),
      instant(`(${survived}) < (${died}) unless (${forgets})`, 'remembers at least'),
      instant(`vector(${REQUIRED})`, 'RFC 5382 wants'),
    ],
  )
    .thresholds(verdictColors)
    .colorMode(BigValueColorMode.BackgroundSolid)
    .textMode(BigValueTextMode.ValueAndName)
    // Grafana fits the names to the values, and breaks the longest one.
    .text(new VizTextDisplayOptionsBuilder().titleSize(15))
    .overrideByName('remembers at least', [property('thresholds', SURVIVED_COLORS)])
    .overrideByName('RFC 5382 wants', [fixedColor(BLUE)]);
  return { builder, w: 9, h: 6 };
}

function compliant(): Placed {
  const builder = stat(
    {
      title: 'RFC 5382 REQ-5',
      description:
        'Compliant only if every configured mode is proven compliant, violated if any mode is proven not to be, else unknown.',
      unit: 'none',
      empty: 'unknown yet',
    },
    [instant(pathCompliant(PATH), '{{target}}')],
  )
    .mappings(words({ '0': { text: 'violated', color: RED }, '1': { text: 'compliant', color: GREEN } }))
    .thresholds(thresholds({ value: null, color: RED }, { value: 1, color: GREEN }))
    .colorMode(BigValueColorMode.BackgroundSolid)
    .textMode(BigValueTextMode.Value);
  return { builder, w: 4, h: 6 };
}

function share(): Placed {
  const builder = stat(
    {
      title: 'Compliant in this range',
      description:
        'Of the time in which something was known of a mode, the share in which it was compliant, for the worst mode. Unless another range is chosen, the share of the month.',
      unit: 'percentunit',
      empty: 'nothing was known',
    },
    [instant(`min without (mode) (avg_over_time(rfc5382_req5_compliant{${PATH}}[$__range]))`, '{{target}}')],
  )
    .decimals(1)
    .thresholds(
      thresholds({ value: null, color: RED }, { value: 0.9, color: 'yellow' }, { value: 1, color: GREEN }),
    );
  return { builder, w: 4, h: 6 };
}

/** Seconds between two looks at the counter of changes, and how far each looks back. */
const LOOK = { every: '5m', back: '10m' };

function lastChange(): Placed {
  const changed = `timestamp(increase(nat_idle_timeout_changes_total{${PATH}}[${LOOK.back}]) > 0)`;
  const builder = stat(
    {
      title: 'Last change',
      description:
        'How long ago the idle timeout was last found to be another one, within the time range: a drop or a rise. Before that it was the same throughout.',
      unit: DURATION,
      empty: 'none in this range',
    },
    [
      instant(
        `time() - max by (direction) (max_over_time((${changed})[$__range:${LOOK.every}]))`,
        'since the {{direction}}',
      ),
    ],
  )
    .textMode(BigValueTextMode.ValueAndName)
    .text(new VizTextDisplayOptionsBuilder().titleSize(15))
    .orientation(VizOrientation.Horizontal)
    .wideLayout(false);
  return { builder, w: 4, h: 6 };
}

function farEnd(): Placed {
  const builder = stat(
    {
      title: 'Far end',
      description:
        'Whether the responder answers now, and whether it sees another address than ours (a NAT).',
      unit: 'none',
      empty: 'not tried yet',
    },
    [instant(`nat_target_up{${PATH}}`, 'responder'), instant(`nat_detected{${PATH}}`, 'address')],
  )
    .textMode(BigValueTextMode.ValueAndName)
    .colorMode(BigValueColorMode.BackgroundSolid)
    .orientation(VizOrientation.Horizontal)
    .wideLayout(false)
    .overrideByName('responder', [
      property(
        'mappings',
        words({ '0': { text: 'does not answer', color: RED }, '1': { text: 'answers', color: GREEN } }),
      ),
    ])
    .overrideByName('address', [
      property(
        'mappings',
        words({ '0': { text: 'not translated', color: BLUE }, '1': { text: 'translated', color: BLUE } }),
      ),
    ]);
  return { builder, w: 3, h: 6 };
}

/** The second line: the modes side by side, where the box stands, and the exporter's own pages. */
export function closer(): Placed[] {
  const builder = stat(
    {
      title: 'In each mode, the worst first',
      description:
        "The idle timeout as each way of breaking the silence finds it: send the client, recv the far end, keepalive the client's kernel. Where nothing died it is the longest idle time that survived.",
      unit: DURATION,
      empty: 'No finding yet: the search climbs',
    },
    [instant(`sort(nat_idle_timeout_seconds{${MODES}})`, '{{mode}}')],
  )
    .textMode(BigValueTextMode.ValueAndName)
    .text(new VizTextDisplayOptionsBuilder().titleSize(15).valueSize(26))
    .orientation(VizOrientation.Vertical)
    .thresholds(verdictColors);
  return [{ builder, w: 9, h: 4 }, boxOfPath(PATH, 7, 4), pagesOfPath(PATH, SELF, 8, 4)];
}

export function advice(): Placed[] {
  const keepalive = stat(
    {
      title: 'Recommended keepalive interval',
      description:
        'Half of the shortest idle time that every mode has survived, at most one hour. Absent until every configured mode has a finding.',
      unit: DURATION,
      empty: 'after the first finding',
    },
    [instant(`nat_keepalive_recommended_seconds{${PATH}}`, '{{target}}')],
  );
  const recommended = `nat_keepalive_recommended_seconds{${PATH}}`;
  const paste = stat(
    {
      title: 'Settings to paste',
      description:
        'ssh_config on the client, sshd_config on the server, sysctl for programs that switch TCP keepalive on themselves.',
      unit: 'none',
      empty: 'after the first finding',
    },
    [
      instant(recommended, 'ssh_config'),
      instant(recommended, 'sshd_config'),
      instant(recommended, 'sysctl.conf'),
    ],
  );
  paste
    .textMode(BigValueTextMode.ValueAndName)
    .orientation(VizOrientation.Horizontal)
    .text(new VizTextDisplayOptionsBuilder().titleSize(16).valueSize(20))
    .overrideByName('ssh_config', [property('unit', 'prefix:ServerAliveInterval ')])
    .overrideByName('sshd_config', [property('unit', 'prefix:ClientAliveInterval ')])
    .overrideByName('sysctl.conf', [property('unit', 'prefix:net.ipv4.tcp_keepalive_time = ')]);
  const tried = stat(
    {
      title: 'Tried here',
      description:
        'Whether the interval kept a connection alive on this path: by TCP keepalives of the kernel, and by data.',
      unit: 'none',
      empty: 'not tried yet',
    },
    [instant(`nat_keepalive_verified{${PATH}}`, '{{kind}}')],
  );
  tried
    .textMode(BigValueTextMode.ValueAndName)
    .mappings(words({ '0': { text: 'did not help', color: RED }, '1': { text: 'held', color: GREEN } }));
  const fresh = stat(
    {
      title: 'Last confirmed',
      description: 'How long ago the newest evidence agreed with the finding of each mode.',
      unit: DURATION,
      empty: 'no finding yet',
    },
    [instant(`time() - nat_idle_timeout_last_confirmed_timestamp_seconds{${MODES}}`, '{{mode}}')],
  );
  fresh
    .textMode(BigValueTextMode.ValueAndName)
    .thresholds(
      thresholds({ value: null, color: GREEN }, { value: SHIPPED_THRESHOLDS.staleAfter, color: 'orange' }),
    );
  return [
    { builder: keepalive, w: 5, h: 5 },
    { builder: tried, w: 4, h: 5 },
    { builder: paste, w: 9, h: 5 },
    { builder: fresh, w: 6, h: 5 },
  ];
}
