/** Hands the metrics of one measurement to a Pushgateway: for cron and for hosts that nobody can scrape. */
import { Pushgateway, type Registry } from 'prom-client';
import { type Seconds, toMilliseconds } from '../units.js';

/** The label `job` of what is pushed. */
const JOB = 'nat-idle-measure';
/** How long an answer is waited for. */
const ANSWER_WITHIN: Seconds = 10;

/** What the pushed group stands for: a push replaces the earlier one of the same host and target, and no other. */
export interface PushGroup {
  readonly instance: string;
  readonly target: string;
}

/**
 * The grouping labels as prom-client takes them. A path cannot carry every value: one with `/`, or an empty one,
 * goes as base64 under `label@base64`.
 * @see https://github.com/prometheus/pushgateway#url
 */
export function groupings(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).map(([name, value]) => {
      if (value === '') return [`${name}@base64`, '='];
      return value.includes('/')
        ? [`${name}@base64`, Buffer.from(value).toString('base64url')]
        : [name, value];
    }),
  );
}

/**
 * Replaces the group's metrics on the Pushgateway by those of the registry.
 * @throws Error with the gateway's answer, or that of the system
 */
export async function pushMetrics(url: string, registry: Registry, group: PushGroup): Promise<void> {
  const gateway = new Pushgateway(
    url.replace(/\/+$/, ''),
    { timeout: toMilliseconds(ANSWER_WITHIN) },
    registry,
  );
  await gateway.push({ jobName: JOB, groupings: groupings({ ...group }) });
}
