/** What the dashboard about one path selects by its variables. */
import { SHIPPED_THRESHOLDS } from '../../prometheus/src/thresholds.js';

export const PATH_UID = 'nat-idle-timeout';

export const REQUIRED = SHIPPED_THRESHOLDS.requiredIdleTimeout;
/** The exporter of the path. */
export const SELF = 'job=~"$job", instance=~"$instance"';
/** There is one: Grafana escapes a value for a regular expression only where a variable may have several. */
export const PATH = `${SELF}, target="$target"`;
export const MODES = `${PATH}, mode=~"$mode"`;
