/** The dashboard of one path: what the search is doing, and with what it works. */
import {
  BigValueTextMode,
  VisibilityMode,
  VizTextDisplayOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder as TimelineBuilder } from '@grafana/grafana-foundation-sdk/statetimeline';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import {
  allSeriesTooltip,
  BLUE,
  DURATION,
  face,
  GREEN,
  instant,
  legend,
  type Placed,
  range,
  stat,
  thresholds,
  words,
} from './kit.js';
import { MODES, PATH, REQUIRED } from './path-selectors.js';

/** 1 climb, 2 refine, 3 track: one series for each mode. */
function phaseNumber(): string {
  return ['climb', 'refine', 'track']
    .map(
      (phase, index) => `${index + 1} * sum without (phase) (nat_search_phase{${MODES}, phase="${phase}"})`,
    )
    .join('\n+ ');
}

export function search(): Placed[] {
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
    [instant(`nat_host_conntrack_timeout_seconds{${PATH}}`, '{{end}}')],
  );
  hosts
    .textMode(BigValueTextMode.ValueAndName)
    .thresholds(thresholds({ value: null, color: 'orange' }, { value: REQUIRED, color: GREEN }));
  const locating = stat(
    {
      title: 'Can locate boxes',
      description:
        'Whether each end can refresh connections with a limited TTL, which is how the box that forgets is located. Without the library for socket options on an end, or with another protocol, it cannot.',
      unit: 'none',
      empty: 'unknown',
    },
    [instant(`nat_localization_available{${PATH}}`, '{{end}}')],
  );
  locating
    .textMode(BigValueTextMode.ValueAndName)
    .text(new VizTextDisplayOptionsBuilder().valueSize(32))
    .mappings(words({ '0': { text: 'no', color: 'text' }, '1': { text: 'yes', color: GREEN } }));
  return [
    { builder: phases, w: 8, h: 8 },
    { builder: open, w: 6, h: 8 },
    { builder: hosts, w: 5, h: 8 },
    { builder: locating, w: 5, h: 8 },
  ];
}
