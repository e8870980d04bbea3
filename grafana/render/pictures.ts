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
}

export const PICTURES: readonly Picture[] = [
  {
    file: 'grafana-timeout.png',
    dashboard: 'nat-idle-timeout.json',
    until: CHAPTERS.drop,
    variables: { target: 'vps' },
  },
  {
    file: 'grafana-timeout-outage.png',
    dashboard: 'nat-idle-timeout.json',
    until: CHAPTERS.end,
    variables: { target: 'vps' },
  },
  {
    file: 'grafana-fleet.png',
    dashboard: 'nat-idle-fleet.json',
    until: CHAPTERS.drop,
    variables: { label: 'site' },
  },
  { file: 'grafana-health.png', dashboard: 'nat-idle-health.json', until: CHAPTERS.end, variables: {} },
];
