/** "NAT idle timeout": one path, everything that is known about it. */
import {
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphDrawStyle,
  LineInterpolation,
  LineStyleBuilder,
  StackingConfigBuilder,
  StackingMode,
  VisibilityMode,
  VizOrientation,
  VizTextDisplayOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  PanelBuilder as HeatmapBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { inWords } from '../../prometheus/src/alerts.js';
import { pathCompliant } from '../../prometheus/src/expressions.js';
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';
import {
  allSeriesTooltip,
  assemble,
  BLUE,
  buckets,
  byThresholds,
  type Dashboard,
  datasourceVariable,
  DURATION,
  type Face,
  face,
  fixedColor,
  GREEN,
  GREY,
  instant,
  labelVariable,
  lastValue,
  legend,
  mark,
  type Placed,
  property,
  range,
  RED,
  thresholds,
  words,
} from './kit.js';

export const PATH_UID = 'nat-idle-timeout';

const REQUIRED = SHIPPED_THRESHOLDS.requiredIdleTimeout;
const PATH = 'job=~"$job", instance=~"$instance", target=~"$target"';
const MODES = `${PATH}, mode=~"$mode"`;

function stat(
  look: Face,
  w: number,
  h: number,
  queries: ReturnType<typeof instant>[],
): {
  readonly builder: StatBuilder;
  readonly place: Placed;
} {
  const builder = face(new StatBuilder(), look, queries)
    .reduceOptions(lastValue())
    .graphMode(BigValueGraphMode.None)
    .colorMode(BigValueColorMode.Value)
    .colorScheme(byThresholds())
    .thresholds(thresholds({ value: null, color: GREY }))
    .orientation(VizOrientation.Auto);
  return { builder, place: { builder, w, h } };
}

const verdictColors = thresholds({ value: null, color: RED }, { value: REQUIRED, color: GREEN });

function glance(): Placed[] {
  const finding = `nat_idle_timeout_seconds{${MODES}}`;
  const upper = `nat_idle_timeout_upper_bound_seconds{${MODES}}`;
  const forgets = stat(
    {
      title: 'Idle connections',
      description: `How long an established TCP connection may be silent before the path has forgotten it, for each way of breaking the silence. RFC 5382 REQ-5 wants at least ${inWords(REQUIRED)}. "Remembers at least" means that no connection died up to the longest idle time that was tested.`,
      unit: DURATION,
      empty: 'No finding yet: the search climbs',
    },
    16,
    7,
    [
      instant(`${finding} and ${upper} < +Inf`, '{{mode}} forgets after'),
      instant(`${finding} and ${upper} == +Inf`, '{{mode}} remembers at least'),
      instant(`vector(${REQUIRED})`, 'RFC 5382 wants'),
    ],
  );
  forgets.builder
    .thresholds(verdictColors)
    .colorMode(BigValueColorMode.BackgroundSolid)
    .textMode(BigValueTextMode.ValueAndName)
    // Grafana fits the names to the values, and breaks the longest one.
    .text(new VizTextDisplayOptionsBuilder().titleSize(15))
    .overrideByName('RFC 5382 wants', [fixedColor(BLUE)]);
  const compliant = stat(
    {
      title: 'RFC 5382 REQ-5',
      description:
        'Compliant only if every configured mode is proven compliant, violated if any mode is proven not to be, else unknown.',
      unit: 'none',
      empty: 'unknown yet',
    },
    4,
    7,
    [instant(pathCompliant(PATH), '{{target}}')],
  );
  compliant.builder
    .mappings(words({ '0': { text: 'violated', color: RED }, '1': { text: 'compliant', color: GREEN } }))
    .thresholds(thresholds({ value: null, color: RED }, { value: 1, color: GREEN }))
    .colorMode(BigValueColorMode.BackgroundSolid)
    .textMode(BigValueTextMode.Value);
  const up = stat(
    {
      title: 'Far end',
      description:
        'Whether the responder answers now, and whether it sees another address than ours (a NAT).',
      unit: 'none',
      empty: 'not tried yet',
    },
    4,
    7,
    [instant(`nat_target_up{${PATH}}`, 'responder'), instant(`nat_detected{${PATH}}`, 'address')],
  );
  up.builder
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
  return [forgets.place, compliant.place, up.place];
}

function advice(): Placed[] {
  const keepalive = stat(
    {
      title: 'Recommended keepalive interval',
      description:
        'Half of the shortest idle time that every mode has survived, at most one hour. Absent until every configured mode has a finding.',
      unit: DURATION,
      empty: 'after the first finding',
    },
    6,
    5,
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
    12,
    5,
    [
      instant(recommended, 'ssh_config'),
      instant(recommended, 'sshd_config'),
      instant(recommended, 'sysctl.conf'),
    ],
  );
  paste.builder
    .textMode(BigValueTextMode.ValueAndName)
    .orientation(VizOrientation.Horizontal)
    .text(new VizTextDisplayOptionsBuilder().titleSize(16).valueSize(20))
    .overrideByName('ssh_config', [property('unit', 'prefix:ServerAliveInterval ')])
    .overrideByName('sshd_config', [property('unit', 'prefix:ClientAliveInterval ')])
    .overrideByName('sysctl.conf', [property('unit', 'prefix:net.ipv4.tcp_keepalive_time = ')]);
  const fresh = stat(
    {
      title: 'Last confirmed',
      description: 'How long ago the newest evidence agreed with the finding of each mode.',
      unit: DURATION,
      empty: 'no finding yet',
    },
    6,
    5,
    [instant(`time() - nat_idle_timeout_last_confirmed_timestamp_seconds{${MODES}}`, '{{mode}}')],
  );
  fresh.builder
    .textMode(BigValueTextMode.ValueAndName)
    .thresholds(
      thresholds({ value: null, color: GREEN }, { value: SHIPPED_THRESHOLDS.staleAfter, color: 'orange' }),
    );
  return [keepalive.place, paste.place, fresh.place];
}

/** One band for each mode: between the longest idle time that survived and the shortest that did not. */
function bracket(): Placed[] {
  const required = `RFC 5382 REQ-5: ${inWords(REQUIRED)}`;
  const band = face(
    new TimeSeriesBuilder(),
    {
      title: 'Bracket over time: $mode',
      description: `The idle timeout lies inside the band: below it connections survived, above it they died. Without an upper edge nothing has died yet. The dashed line is what RFC 5382 REQ-5 wants (${REQUIRED} s).`,
      unit: DURATION,
      empty: 'Nothing has been tested yet',
    },
    [
      range(`nat_idle_timeout_upper_bound_seconds{${MODES}} < +Inf`, 'died'),
      range(`nat_idle_timeout_lower_bound_seconds{${MODES}}`, 'survived'),
      range(`nat_idle_timeout_seconds{${MODES}}`, 'finding'),
      range(`vector(${REQUIRED})`, required),
    ],
  )
    .repeat('mode')
    .repeatDirection('h')
    .maxPerRow(3)
    .drawStyle(GraphDrawStyle.Line)
    .lineInterpolation(LineInterpolation.StepAfter)
    .showPoints(VisibilityMode.Never)
    .min(0)
    .legend(legend())
    .tooltip(allSeriesTooltip())
    .overrideByName('died', [
      property('custom.fillBelowTo', 'survived'),
      property('custom.fillOpacity', 25),
      fixedColor(RED),
    ])
    .overrideByName('survived', [fixedColor(GREEN)])
    .overrideByName('finding', [fixedColor(BLUE), property('custom.lineWidth', 2)])
    .overrideByName(required, [
      fixedColor(GREY),
      property('custom.lineStyle', new LineStyleBuilder().fill('dash').dash([10, 10]).build()),
    ]);
  return [{ builder: band, w: 24, h: 9 }];
}

function heat(verdict: 'alive' | 'dead', title: string, description: string, scheme: string): Placed {
  const builder = face(
    new HeatmapBuilder(),
    { title, description, unit: 'short', empty: `No ${verdict} verdict in this range` },
    [
      buckets(
        `sum by (le) (increase(nat_probe_idle_seconds_bucket{job=~"$job", instance=~"$instance", target=~"$target|", mode=~"$mode", verdict="${verdict}"}[$__rate_interval]))`,
      ),
    ],
  )
    .color(new HeatmapColorOptionsBuilder().mode(HeatmapColorMode.Scheme).scheme(scheme).steps(32))
    .cellGap(1)
    .showLegend();
  return { builder, w: 12, h: 9 };
}

function evidence(): Placed[] {
  const verdicts = face(
    new TimeSeriesBuilder(),
    {
      title: 'Verdicts per hour',
      description:
        'Finished tests per hour by verdict and reason. Inconclusive ones say nothing about the timeout: the path was down, a control connection was lost, or the exporter was stopped.',
      unit: 'short',
      empty: 'No test has finished in this range',
    },
    [
      range(
        `3600 * sum by (verdict, reason) (rate(nat_probe_verdicts_total{${MODES}}[$__rate_interval])) > 0`,
        '{{verdict}}: {{reason}}',
      ),
    ],
  )
    .drawStyle(GraphDrawStyle.Bars)
    .min(0)
    .fillOpacity(80)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'))
    .legend(legend())
    .tooltip(allSeriesTooltip())
    .overrideByRegexp('alive.*', [fixedColor(GREEN)])
    .overrideByRegexp('dead.*', [fixedColor(RED)])
    .overrideByRegexp('inconclusive.*', [fixedColor('yellow')]);
  const events = face(
    new TimeSeriesBuilder(),
    {
      title: 'Losses, changes, early deaths',
      description:
        'All mappings lost at once (a reboot, a new address), announced drops and rises of the timeout, and connections that died below the published bound (one bad node of several, a full table).',
      unit: 'short',
      empty: 'Nothing of this happened',
    },
    [
      range(`sum(increase(nat_mapping_losses_total{${PATH}}[$__rate_interval]))`, 'all mappings lost'),
      range(
        `sum by (direction) (increase(nat_idle_timeout_changes_total{${MODES}}[$__rate_interval]))`,
        '{{direction}}',
      ),
      range(`sum(increase(nat_probe_early_deaths_total{${MODES}}[$__rate_interval]))`, 'early deaths'),
    ],
  )
    .drawStyle(GraphDrawStyle.Bars)
    .fillOpacity(80)
    .min(0)
    .legend(legend())
    .tooltip(allSeriesTooltip());
  const share = face(
    new TimeSeriesBuilder(),
    {
      title: 'Share of the connections that is forgotten early',
      description:
        'Behind a pool with bad nodes a share of the connections is forgotten early and the others survive: the share with its 95 % bounds. Timeout and bracket are then those of the minority.',
      unit: 'percentunit',
      empty: 'All connections are treated alike, as far as is known',
    },
    [
      range(`nat_idle_early_death_ratio{${PATH}}`, 'share'),
      range(`nat_idle_early_death_ratio_lower_bound{${PATH}}`, 'at least'),
      range(`nat_idle_early_death_ratio_upper_bound{${PATH}}`, 'at most'),
    ],
  )
    .min(0)
    .max(1)
    .legend(legend())
    .tooltip(allSeriesTooltip());
  return [
    heat(
      'alive',
      'Survived, by idle time',
      'How many connections were alive when tested, by how long they had been idle (seconds).',
      'Greens',
    ),
    heat(
      'dead',
      'Forgotten, by idle time',
      'How many connections were dead when tested, by how long they had been idle (seconds).',
      'Reds',
    ),
    { builder: verdicts, w: 12, h: 9 },
    { builder: events, w: 12, h: 9 },
    { builder: share, w: 24, h: 7 },
  ];
}

/** 1 climb, 2 refine, 3 track: one series for each mode. */
function phaseNumber(): string {
  return ['climb', 'refine', 'track']
    .map(
      (phase, index) => `${index + 1} * sum without (phase) (nat_search_phase{${MODES}, phase="${phase}"})`,
    )
    .join('\n+ ');
}

function search(): Placed[] {
  const phases = face(
    new TimelineBuilder(),
    {
      title: 'Phase of the search',
      description:
        'Climb: nothing has died yet. Refine: the bracket is being closed. Track: the finding is kept fresh. Suspect: deaths below the published bound await confirmation.',
      unit: 'none',
      empty: 'The search has not begun',
    },
    [range(phaseNumber(), '{{mode}}'), range(`4 * (nat_search_suspect{${MODES}} == 1)`, '{{mode}} suspect')],
  )
    .mappings(
      words({
        '1': { text: 'climb', color: BLUE },
        '2': { text: 'refine', color: 'yellow' },
        '3': { text: 'track', color: GREEN },
        '4': { text: 'suspect', color: 'orange' },
      }),
    )
    .showValue(VisibilityMode.Auto)
    .mergeValues(true)
    .legend(legend());
  const open = face(
    new TimeSeriesBuilder(),
    {
      title: 'Idle connections held open',
      description: 'Connections that wait in silence for their test.',
      unit: 'short',
      empty: 'No connection is open',
    },
    [range(`nat_probe_connections{${MODES}}`, '{{mode}}')],
  )
    .min(0)
    .legend(legend())
    .tooltip(allSeriesTooltip());
  const hosts = stat(
    {
      title: "The hosts' own tracking",
      description:
        'Established timeout of the connection tracking on the two hosts themselves: a value at or below the finding means that the host, not the network, may be the one that forgets.',
      unit: DURATION,
      empty: 'no tracking on either host',
    },
    6,
    8,
    [instant(`nat_host_conntrack_timeout_seconds{${PATH}}`, '{{end}}')],
  );
  hosts.builder
    .textMode(BigValueTextMode.ValueAndName)
    .thresholds(thresholds({ value: null, color: 'orange' }, { value: REQUIRED, color: GREEN }));
  return [{ builder: phases, w: 10, h: 8 }, { builder: open, w: 8, h: 8 }, hosts.place];
}

export function pathDashboard(): Dashboard {
  return assemble({
    uid: PATH_UID,
    title: 'NAT idle timeout',
    description:
      'How long the NATs and firewalls on one path remember an idle TCP connection, and what to set because of it.',
    from: 'now-24h',
    variables: [
      datasourceVariable(),
      labelVariable(
        'job',
        'Job',
        'label_values(nat_search_phase, job)',
        'Scrape job of the exporter.',
        'any',
      ),
      labelVariable(
        'instance',
        'Exporter',
        'label_values(nat_search_phase{job=~"$job"}, instance)',
        'The exporter that measures.',
        'any',
      ),
      labelVariable(
        'target',
        'Target',
        'label_values(nat_search_phase{job=~"$job", instance=~"$instance"}, target)',
        'The far end of the path.',
        'one',
      ),
      labelVariable(
        'mode',
        'Mode',
        'label_values(nat_search_phase{job=~"$job", instance=~"$instance", target=~"$target"}, mode)',
        "Who breaks the silence: send the client, recv the far end, keepalive the client's kernel.",
        'any',
      ),
    ],
    annotations: [
      mark(
        'All mappings lost',
        `increase(nat_mapping_losses_total{${PATH}}[$__rate_interval]) > 0`,
        'purple',
        '{{target}}',
      ),
      mark(
        'Idle timeout changed',
        `increase(nat_idle_timeout_changes_total{${PATH}}[$__rate_interval]) > 0`,
        'orange',
        '{{mode}}: {{direction}}',
      ),
    ],
    sections: [
      { title: 'At a glance: $target', panels: glance() },
      { title: 'What to set, and how fresh this is', panels: advice() },
      { title: 'Where the timeout lies', panels: bracket() },
      { title: 'Evidence', panels: evidence() },
      { title: 'The search itself', panels: search() },
    ],
  });
}
