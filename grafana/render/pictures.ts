/** The pictures of the dashboards: which file shows which dashboard at which moment of the story. */
import { CHAPTERS } from '../../test/support/story.js';
import type { Variables } from '../../test/support/panels.js';

export interface Picture {
  /** Below docs/images. */
  readonly file: string;
  /** Below grafana/dashboards. */
  readonly dashboard: string;
  /** The end of the time range, in seconds after the story's begin; it begins with the story. */
  readonly until: number;
  readonly variables: Variables;
  /** Titles of the rows that are closed at first and are opened for it. */
  readonly opened?: readonly string[];
  /** Titles of panels that have nothing to show then: the picture has their words. */
  readonly empty?: readonly string[];
}

export const PICTURES: readonly Picture[] = [
  {
    file: 'grafana-timeout.png',
    dashboard: 'nat-idle-timeout.json',
    until: CHAPTERS.drop,
    variables: { target: 'vps' },
  },
  {
    file: 'grafana-timeout-rows.png',
    dashboard: 'nat-idle-timeout.json',
    until: CHAPTERS.drop,
    variables: { target: 'vps' },
    opened: ['Which box forgets', 'Evidence', 'The search itself', 'Mode recv'],
    empty: ['Share of the connections that is forgotten early'],
  },
  {
    file: 'grafana-timeout-outage.png',
    dashboard: 'nat-idle-timeout.json',
    until: CHAPTERS.end,
    variables: { target: 'vps' },
    empty: ['Where the box stands', 'Tried here'],
  },
  {
    file: 'grafana-fleet.png',
    dashboard: 'nat-idle-fleet.json',
    until: CHAPTERS.drop,
    variables: { label: 'site' },
  },
  { file: 'grafana-health.png', dashboard: 'nat-idle-health.json', until: CHAPTERS.end, variables: {} },
];
