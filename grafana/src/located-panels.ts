/** Which box forgets: the panels of the path dashboard and of the fleet's. */
import {
  BarGaugeNamePlacement,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphDrawStyle,
  StackingConfigBuilder,
  StackingMode,
  VizOrientation,
  VizTextDisplayOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder as BarGaugeBuilder } from '@grafana/grafana-foundation-sdk/bargauge';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { PLACE_WORDS } from '../../src/core/locate/places.js';
import {
  allSeriesTooltip,
  BLUE,
  byThresholds,
  DURATION,
  face,
  fixedColor,
  GREEN,
  GREY,
  instant,
  lastValue,
  legend,
  named,
  type Placed,
  property,
  range,
  RED,
  stat,
  table,
  thresholds,
  wordForNone,
  words,
} from './kit.js';
import { PLACE_NUMBER } from './numbered.js';

/** The places of a column in words. */
const PLACES = words(
  Object.fromEntries(Object.entries(PLACE_WORDS).map(([place, text]) => [place, { text, color: 'text' }])),
);

/** Where the box of one path stands. */
export function boxOfPath(path: string, w: number, h: number): Placed {
  const builder = stat(
    {
      title: 'Where the box stands',
      description:
        'At what kind of place the box stands that forgets; where modes are forgotten at several, the one nearest to the host that measures. The row "Which box forgets" has the hops.',
      unit: 'none',
      empty: 'not located (yet)',
    },
    [instant(PLACE_NUMBER.of(path), '{{target}}')],
  )
    .mappings(PLACE_NUMBER.words)
    .textMode(BigValueTextMode.Value)
    .text(new VizTextDisplayOptionsBuilder().valueSize(18));
  return { builder, w, h };
}

/** The panels about one path. @param path selects its series; @param modes those of the chosen modes */
export function locatedPanels(path: string, modes: string): Placed[] {
  return [box(modes), routers(path, modes), age(modes), profile(modes), tests(modes)];
}

function box(modes: string): Placed {
  const builder = face(
    new TableBuilder(),
    {
      title: 'Which box forgets',
      description:
        'Where the box stands that forgets, for each mode in which it was located: 3 is the router at hop 3, 1-2 something without an address between two, 1,3 the nearest and the farthest of several. An address tells of which kind the place is, and never whose.',
      unit: 'none',
      empty: 'not located (yet)',
    },
    [table(`max by (mode, hop, kind, place) (nat_forgetting_box_info{${modes}})`)],
  )
    .withTransformation({
      id: 'organize',
      options: { excludeByName: { Time: true, Value: true }, renameByName: {} },
    })
    .minWidth(60)
    .overrideByName('place', [property('mappings', PLACES), property('custom.minWidth', 430)]);
  return { builder, w: 12, h: 6 };
}

function routers(path: string, modes: string): Placed {
  const builder = face(
    new StatBuilder(),
    {
      title: 'Hops',
      description:
        'Routers on the path as each end counts them, and the smallest TTL of each end that keeps the box fresh: counted from this end it is the hop, or one more where the box has no address.',
      unit: 'none',
      empty: 'not counted yet',
    },
    [
      instant(`nat_path_hops{${path}}`, 'routers, from the {{side}}'),
      instant(`nat_forgetting_hop{${modes}}`, '{{mode}}: TTL of the {{side}}'),
    ],
  )
    .reduceOptions(lastValue())
    .graphMode(BigValueGraphMode.None)
    .colorMode(BigValueColorMode.Value)
    .colorScheme(byThresholds())
    .thresholds(thresholds({ value: null, color: GREY }))
    .textMode(BigValueTextMode.ValueAndName)
    .text(new VizTextDisplayOptionsBuilder().titleSize(13).valueSize(32))
    .orientation(VizOrientation.Auto);
  return { builder, w: 8, h: 6 };
}

function age(modes: string): Placed {
  const builder = face(
    new StatBuilder(),
    {
      title: 'Last located',
      description: 'How long ago the box was looked for last and found in the same place.',
      unit: DURATION,
      empty: 'not located (yet)',
    },
    [instant(`time() - nat_localization_last_confirmed_timestamp_seconds{${modes}}`, '{{mode}}')],
  )
    .reduceOptions(lastValue())
    .graphMode(BigValueGraphMode.None)
    .colorMode(BigValueColorMode.Value)
    .colorScheme(byThresholds())
    .thresholds(thresholds({ value: null, color: GREY }))
    .textMode(BigValueTextMode.ValueAndName);
  return { builder, w: 4, h: 6 };
}

function profile(modes: string): Placed {
  const column = (metric: string): string => `max by (mode, hop) (${metric}{${modes}})`;
  const builder = face(
    new TableBuilder(),
    {
      title: 'Idle timeout of every place',
      description:
        'Where a profile was asked for (profile: true): what each hop, and each place between two, forgets after; and what is left when the box at that hop is mended.',
      unit: DURATION,
      empty: 'no profile was asked for',
    },
    [
      table(column('nat_hop_idle_timeout_lower_bound_seconds')),
      table(`${column('nat_hop_idle_timeout_upper_bound_seconds')} < +Inf`),
      table(column('nat_hop_idle_timeout_seconds')),
      table(column('nat_idle_timeout_behind_seconds')),
    ],
  )
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({ id: 'sortBy', options: { fields: {}, sort: [{ field: 'hop' }] } })
    .withTransformation({
      id: 'organize',
      options: {
        excludeByName: { Time: true },
        renameByName: {
          'Value #A': 'Survived',
          'Value #B': 'Died',
          'Value #C': 'Idle timeout',
          'Value #D': 'Left when mended',
        },
      },
    })
    .minWidth(60)
    .overrideByName('Idle timeout', [property('mappings', [wordForNone('not known', GREY)])])
    .overrideByName('Died', [property('noValue', 'none died')])
    .overrideByName('Left when mended', [property('noValue', ''), property('custom.minWidth', 160)]);
  return { builder, w: 12, h: 8 };
}

function tests(modes: string): Placed {
  const builder = face(
    new TimeSeriesBuilder(),
    {
      title: 'Tests of localisation',
      description:
        'Connections that were kept fresh as far as a few hops and then tested, by the end that kept them fresh and by what became of them.',
      unit: 'short',
      empty: 'Nothing was looked for in this range',
    },
    [
      range(
        `sum by (side, verdict) (increase(nat_localization_tests_total{${modes}}[$__rate_interval])) > 0`,
        '{{side}}: {{verdict}}',
      ),
    ],
  )
    .drawStyle(GraphDrawStyle.Bars)
    .fillOpacity(80)
    .min(0)
    .stacking(new StackingConfigBuilder().mode(StackingMode.Normal).group('A'))
    .legend(legend())
    .tooltip(allSeriesTooltip())
    .overrideByRegexp('.*alive', [fixedColor(GREEN)])
    .overrideByRegexp('.*dead', [fixedColor(RED)])
    .overrideByRegexp('.*inconclusive', [fixedColor('yellow')]);
  return { builder, w: 12, h: 8 };
}

/** The share of the located paths that have a box at each place. @param modes selects the series */
export function placesOfPaths(modes: string, w: number, h: number): Placed {
  const located = `max without (job, mode, hop, kind) (nat_forgetting_box_info{${modes}})`;
  const builder = face(
    new BarGaugeBuilder(),
    {
      title: 'Where the boxes stand',
      description:
        'Of the paths whose box was located, the share with one at each kind of place. A path whose modes are forgotten at several places counts for each. An address tells of which kind a place is, and never whose.',
      unit: 'percentunit',
      empty: 'no box was located',
    },
    [
      instant(
        `sort_desc(count by (place) (${located}) / scalar(count(max without (place) (${located}))))`,
        '{{place}}',
      ),
    ],
  )
    .reduceOptions(lastValue())
    .orientation(VizOrientation.Horizontal)
    // The words are long: above the bars, and in small letters.
    .namePlacement(BarGaugeNamePlacement.Top)
    .text(new VizTextDisplayOptionsBuilder().titleSize(12).valueSize(18))
    .maxVizHeight(60)
    .colorScheme(byThresholds())
    .thresholds(thresholds({ value: null, color: BLUE }))
    .min(0)
    .max(1);
  return { builder: named(builder, PLACE_WORDS), w, h };
}
