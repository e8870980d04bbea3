/** Asks a Prometheus for what an audit needs: seven instant queries of the raw metrics, all of the same moment. */
import { z } from 'zod';
import { type Credentials, credentialsOf, type Endpoint, failureOf, post, quote } from '../http/request.js';
import {
  NOT_EMBEDDED,
  pathCompliant,
  shortBounds,
  speakingModes,
  stalePaths,
} from '../promql/expressions.js';
import { type Seconds, toMilliseconds } from '../units.js';
import type { Answers, Sample } from './paths.js';

/** There is no answer to make a table from; the message is one line for people and holds no secret. */
export class PrometheusError extends Error {
  override readonly name = 'PrometheusError';
}

/** How long the answer to a query is waited for; Prometheus itself gives up after two minutes. */
const ANSWER_WITHIN: Seconds = 130;
/** Characters of an answer that are read: 100 000 paths of three modes stay below it. */
const LONGEST_ANSWER = 256 * 1024 * 1024;

const answerSchema = z.object({
  status: z.literal('success'),
  /** Thanos and its like answer with what they have when a store is away, and say so here. */
  warnings: z.array(z.string()).optional(),
  data: z.object({
    resultType: z.literal('vector'),
    result: z.array(
      z.object({
        metric: z.record(z.string(), z.string()),
        value: z.tuple([z.number(), z.string()]),
      }),
    ),
  }),
});
const errorSchema = z.object({ status: z.literal('error'), error: z.string() });

/** The expressions of an audit, by what they answer. */
export function auditExpressions(lookback: Seconds): Readonly<Record<keyof Answers, string>> {
  return {
    configured: speakingModes(NOT_EMBEDDED),
    compliant: pathCompliant(NOT_EMBEDDED),
    timeouts: `nat_idle_timeout_seconds{${NOT_EMBEDDED}}`,
    upperBounds: `nat_idle_timeout_upper_bound_seconds{${NOT_EMBEDDED}}`,
    shortBounds: shortBounds(NOT_EMBEDDED),
    conditions: `nat_path_condition{${NOT_EMBEDDED}} == 1`,
    stale: stalePaths(NOT_EMBEDDED, lookback),
  };
}

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

async function query(
  endpoint: Endpoint,
  credentials: Credentials,
  form: Readonly<Record<string, string>>,
  { signal, version }: { readonly signal: AbortSignal; readonly version: string },
): Promise<{ readonly samples: Sample[]; readonly warnings: readonly string[] }> {
  const deadline = AbortSignal.timeout(toMilliseconds(ANSWER_WITHIN));
  const url = new URL(`${endpoint.url.replace(/\/+$/, '')}/api/v1/query`);
  const headers = {
    'Content-Type': 'application/x-www-form-urlencoded',
    'User-Agent': `nat-idle-exporter/${version}`,
    ...credentials.headers,
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
  const parsed = answerSchema.safeParse(answer.status === 200 ? jsonIn(answer.text) : undefined);
  if (!parsed.success)
    throw new PrometheusError(
      `${endpoint.url}: ${complaint(answer.status, answer.text, credentials.secrets)}`,
    );
  const { data, warnings = [] } = parsed.data;
  return {
    samples: data.result.map(({ metric, value: [, text] }) => ({ metric, value: numberIn(text) })),
    warnings: warnings.map((warning) => quote(warning, credentials.secrets)),
  };
}

/**
 * Asks for everything, one query after the other.
 * @returns the answers, and what the other side warned of: with a warning they may be incomplete
 *
 * @param at Unix time, seconds
 * @param lookback how far back a path is looked for that is not watched any more
 * @throws PrometheusError when there is no usable answer; the system's error for a file that cannot be read
 */
export async function askPrometheus(
  endpoint: Endpoint,
  { at, lookback }: { readonly at: Seconds; readonly lookback: Seconds },
  io: { readonly signal: AbortSignal; readonly version: string },
): Promise<{ readonly answers: Answers; readonly warnings: readonly string[] }> {
  const credentials = await credentialsOf(endpoint);
  const expressions = auditExpressions(lookback);
  const warned = new Set<string>();
  const ask = async (what: keyof Answers): Promise<Sample[]> => {
    const form = { query: expressions[what], time: at.toFixed(3) };
    const { samples, warnings } = await query(endpoint, credentials, form, io);
    for (const warning of warnings) warned.add(warning);
    return samples;
  };
  const answers = {
    configured: await ask('configured'),
    compliant: await ask('compliant'),
    timeouts: await ask('timeouts'),
    upperBounds: await ask('upperBounds'),
    shortBounds: await ask('shortBounds'),
    conditions: await ask('conditions'),
    stale: await ask('stale'),
  };
  return { answers, warnings: [...warned] };
}
