/** The HTTP API of a Prometheus, or of what speaks like one: queries of a moment and of a range. */
import { z } from 'zod';
import { type Credentials, type Endpoint, failureOf, post, quote } from '../http/request.js';
import { type Seconds, toMilliseconds } from '../units.js';
import type { Sample } from './paths.js';
import { joined, type Period, type Series } from './period.js';

/** There is no answer to make a table from; the message is one line for people and holds no secret. */
export class PrometheusError extends Error {
  override readonly name = 'PrometheusError';
  /** Whether it does not take the query itself for one (status 400). */
  readonly isBadQuery: boolean;

  constructor(message: string, isBadQuery = false) {
    super(message);
    this.isBadQuery = isBadQuery;
  }
}

/** How long the answer to a query is waited for; Prometheus itself gives up after two minutes. */
const ANSWER_WITHIN: Seconds = 130;
/** Characters of an answer that are read: 100 000 paths of three modes stay below it. */
const LONGEST_ANSWER = 256 * 1024 * 1024;

const labels = z.record(z.string(), z.string());
const point = z.tuple([z.number(), z.string()]);

/** A whole answer; Thanos and its like answer with what they have when a store is away, and say so in the warnings. */
const success = z.object({ status: z.literal('success'), warnings: z.array(z.string()).optional() });
const vectorSchema = success.extend({
  data: z.object({
    resultType: z.literal('vector'),
    result: z.array(z.object({ metric: labels, value: point })),
  }),
});
const matrixSchema = success.extend({
  data: z.object({
    resultType: z.literal('matrix'),
    result: z.array(z.object({ metric: labels, values: z.array(point) })),
  }),
});
const errorSchema = z.object({ status: z.literal('error'), error: z.string() });

/** A number as Prometheus writes it. */
function numberIn(text: string): number {
  if (text === '+Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What an answer's status means for somebody who only wanted a table. */
function complaint(status: number, text: string, secrets: readonly string[]): string {
  const error = errorSchema.safeParse(jsonIn(text));
  if (error.success) return `the query was refused (status ${status}): ${quote(error.data.error, secrets)}`;
  if (status === 401 || status === 403)
    return `the credentials were refused (status ${status}): see --username with --password-file, and --bearer-token-file`;
  if (status >= 200 && status < 300) return 'the answer is not that of a Prometheus: is the address right?';
  const said = quote(text, secrets);
  return `status ${status}${said === '' ? '' : `: ${said}`}: is this the address of a Prometheus?`;
}

/** Who asks, as whom, and until when. */
export interface Asking {
  readonly endpoint: Endpoint;
  readonly credentials: Credentials;
  readonly signal: AbortSignal;
  /** The program's version. */
  readonly version: string;
  /** Told what the other side warns of: with a warning an answer may be incomplete. */
  readonly warned: (warning: string) => void;
}

/** @throws PrometheusError when there is no usable answer */
async function ask<Data>(
  { endpoint, credentials, signal, version, warned }: Asking,
  [path, form, schema]: readonly [
    path: 'query' | 'query_range',
    form: Readonly<Record<string, string>>,
    schema: z.ZodType<{ readonly data: Data; readonly warnings?: string[] | undefined }>,
  ],
): Promise<Data> {
  const deadline = AbortSignal.timeout(toMilliseconds(ANSWER_WITHIN));
  const url = new URL(`${endpoint.url.replace(/\/+$/, '')}/api/v1/${path}`);
  const headers = {
    ...credentials.headers,
    'Content-Type': 'application/x-www-form-urlencoded',
    'User-Agent': `nat-idle-exporter/${version}`,
  };
  const answer = await post(
    url,
    { ...credentials, headers },
    Buffer.from(new URLSearchParams(form).toString()),
    { signal: AbortSignal.any([signal, deadline]), longest: LONGEST_ANSWER, beyond: 'error' },
  ).catch((error: unknown) => {
    const reason = signal.aborted
      ? 'interrupted'
      : deadline.aborted
        ? `no answer within ${ANSWER_WITHIN} s`
        : failureOf(error);
    throw new PrometheusError(`${endpoint.url}: ${reason}`);
  });
  const parsed = schema.safeParse(answer.status === 200 ? jsonIn(answer.text) : undefined);
  if (!parsed.success)
    throw new PrometheusError(
      `${endpoint.url}: ${complaint(answer.status, answer.text, credentials.secrets)}`,
      answer.status === 400,
    );
  for (const warning of parsed.data.warnings ?? []) warned(quote(warning, credentials.secrets));
  return parsed.data.data;
}

/** The answer to a query of one moment. @param at Unix time, seconds */
export async function askMoment(asking: Asking, query: string, at: Seconds): Promise<Sample[]> {
  const { result } = await ask(asking, ['query', { query, time: at.toFixed(3) }, vectorSchema]);
  return result.map(({ metric, value: [, text] }) => ({ metric, value: numberIn(text) }));
}

/** The answer to a query of all moments of a period, or of some of its parts, each asked at the same time. */
export async function askPeriods(
  asking: Asking,
  query: string,
  periods: readonly Period[],
): Promise<Series[]> {
  return joined(await Promise.all(periods.map((period) => askOne(asking, query, period))));
}

async function askOne(asking: Asking, query: string, period: Period): Promise<Series[]> {
  const { from, to, step } = period;
  const form = { query, start: from.toFixed(3), end: to.toFixed(3), step: String(step) };
  const { result } = await ask(asking, ['query_range', form, matrixSchema]);
  return result.map(({ metric, values }) => ({
    metric,
    values: values.map(([at, text]) => [at, numberIn(text)] as const),
  }));
}
