/** Hands the metrics of one measurement to a Pushgateway: for cron and for hosts that nobody can scrape. */
import { defined } from '../defined.js';
import type { ExporterMetrics } from '../exporter/metrics.js';
import { failureOf, post, quote } from '../http/request.js';
import { type Seconds, toMilliseconds } from '../units.js';

/** The label `job` of what is pushed. */
const JOB = 'nat-idle-measure';
/** How long an answer is waited for. */
const ANSWER_WITHIN: Seconds = 10;
/** Characters of an answer that are read. */
const LONGEST_ANSWER = 1000;

/** What the pushed group stands for: a push replaces the earlier one of the same host and target, and no other. */
export interface PushGroup {
  readonly instance: string;
  readonly target: string;
}

/**
 * The path of a group. It cannot carry every value as it is: one with `/`, or an empty one, goes as base64 under
 * `label@base64`.
 * @see https://github.com/prometheus/pushgateway#url
 */
function groupPath(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([name, value]) => {
    if (value === '') return `${name}@base64/=`;
    return /\/|^\.\.?$/.test(value)
      ? `${name}@base64/${Buffer.from(value).toString('base64url')}`
      : `${name}/${encodeURIComponent(value)}`;
  });
  return `/metrics/${parts.join('/')}`;
}

/**
 * Replaces the group's metrics on the Pushgateway by others. Not by prom-client's own way: it reads an
 * answer without end, and waits for ever where one ends in the middle.
 *
 * @throws Error with the gateway's answer, or that of the system
 */
export async function pushMetrics(
  url: string,
  metrics: Pick<ExporterMetrics, 'text' | 'contentType'>,
  group: PushGroup,
  answerWithin = ANSWER_WITHIN,
  proxy?: string,
): Promise<void> {
  const address = new URL(url.replace(/\/+$/, '') + groupPath({ job: JOB, ...group }));
  const body = Buffer.from(await metrics.text());
  const signal = AbortSignal.timeout(toMilliseconds(answerWithin));
  const answer = await post(address, { headers: { 'Content-Type': metrics.contentType } }, body, {
    method: 'PUT',
    signal,
    longest: LONGEST_ANSWER,
    beyond: 'cut',
    ...defined({ proxy: proxy === undefined ? undefined : new URL(proxy) }),
  }).catch((error: unknown) => {
    throw new Error(signal.aborted ? `no answer within ${answerWithin} s` : failureOf(error));
  });
  if (answer.status >= 200 && answer.status < 300) return;
  const said = quote(answer.text, []);
  throw new Error(`status ${answer.status}${said === '' ? '' : `: ${said}`}`);
}
