/** Whether each path was compliant at the moments of a period: as the recording rules recorded it, else from the raw series. */
import { pathCompliant, RECORDED, unrecordedVerdicts } from '../promql/expressions.js';
import { joined, partsOf, type Period, runsOf, type Series, within, without } from './period.js';
import { type Asking, askPeriods } from './prometheus.js';

/** More gaps than this are not asked one by one: a server answers some twenty questions at a time. */
const MOST_RUNS = 8;

/**
 * Asks for what is recorded and, of the moments at which the rules missed a verdict, for the raw series: those of a month
 * take Prometheus several times as long.
 *
 * @param selector the paths that are meant
 * @throws PrometheusError when there is no usable answer
 */
export async function askVerdicts(asking: Asking, selector: string, period: Period): Promise<Series[]> {
  const parts = partsOf(period);
  const raw = pathCompliant(selector);
  const recorded = await askPeriods(asking, `${RECORDED.compliant}{${selector}}`, parts);
  if (recorded.length === 0) return askPeriods(asking, raw, parts);
  const missed = await askPeriods(asking, unrecordedVerdicts(selector), parts);
  const runs = runsOf(parts, missed);
  const asked = await askPeriods(asking, raw, runs.length > MOST_RUNS ? parts : runs);
  return joined([without(period, recorded, missed), within(period, asked, missed)]);
}
