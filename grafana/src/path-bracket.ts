/** The dashboard of one path: where the timeout lies over time, for the worst mode and for each one. */
import {
  GraphDrawStyle,
  LineInterpolation,
  LineStyleBuilder,
  VisibilityMode,
} from '@grafana/grafana-foundation-sdk/common';
import { PanelBuilder as TimeSeriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { inWords } from '../../prometheus/src/alerts.js';
import { type ShortestOfPath, shortestOfPath } from '../../prometheus/src/expressions.js';
import {
  allSeriesTooltip,
  BLUE,
  face,
  fixedColor,
  GREEN,
  GREY,
  inMinutes,
  legend,
  LOG_MINUTES,
  type Placed,
  property,
  range,
  RED,
} from './kit.js';
import { alertList } from './links-and-alerts.js';
import { MODES, PATH, REQUIRED } from './path-selectors.js';

const HOW_TO_READ = `Inside the band lies the idle timeout: below it connections survived, above it they died. Without an upper edge nothing has died yet. The dashed line is what RFC 5382 REQ-5 wants (${REQUIRED} s). The axis is logarithmic: between two ticks the idle time doubles.`;

function band(
  title: string,
  description: string,
  { survived, died, timeout }: ShortestOfPath,
): TimeSeriesBuilder {
  const required = `RFC 5382 REQ-5: ${inWords(REQUIRED)}`;
  return face(
    new TimeSeriesBuilder(),
    { title, description, unit: LOG_MINUTES.unit, empty: 'Nothing has been tested yet' },
    [
      range(`${inMinutes(died)} < +Inf`, 'died'),
      range(inMinutes(survived), 'survived'),
      range(inMinutes(timeout), 'finding'),
      range(`vector(${REQUIRED / 60})`, required),
    ],
  )
    .scaleDistribution(LOG_MINUTES.scale)
    .drawStyle(GraphDrawStyle.Line)
    .lineInterpolation(LineInterpolation.StepAfter)
    .showPoints(VisibilityMode.Never)
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
}

/** The path as an application has to live with it, and the alerts about it. */
export function worstBracket(): Placed[] {
  const builder = band(
    'Shortest idle timeout over time',
    `The worst mode at each moment. ${HOW_TO_READ}`,
    shortestOfPath(PATH),
  ).legend(legend('lastNotNull', 'min', 'max'));
  return [{ builder, w: 17, h: 11 }, alertList(7, 11, '{target="$target"}')];
}

/** The same for the mode of a repeated row. */
export function modeBracket(): Placed {
  const builder = band('Bracket over time: $mode', HOW_TO_READ, {
    survived: `nat_idle_timeout_lower_bound_seconds{${MODES}}`,
    died: `nat_idle_timeout_upper_bound_seconds{${MODES}}`,
    timeout: `nat_idle_timeout_seconds{${MODES}}`,
  }).legend(legend());
  return { builder, w: 10, h: 9 };
}
