/** One remote write request over HTTP and what the receiver made of it; secrets are read anew for each. */
import { defined } from '../defined.js';
import { type Answer, credentialsOf, type Endpoint, failureOf, post, quote } from '../http/request.js';
import { type Seconds, toMilliseconds } from '../units.js';

/** What became of a request. The reason is one line for people and holds no secret. */
export type Outcome =
  | { readonly kind: 'delivered' }
  /** Worth trying again; `after` is the receiver's own wish. */
  | { readonly kind: 'failed'; readonly reason: string; readonly after?: Seconds }
  /** The receiver will never take it. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Sends one encoded body. Never throws. */
export type Send = (body: Uint8Array, signal: AbortSignal) => Promise<Outcome>;

/** How long an answer is waited for. */
const ANSWER_WITHIN: Seconds = 10;
/** The longest `Retry-After` that is kept to. */
const LONGEST_RETRY_AFTER: Seconds = 300;
/** Characters of an answer that are read. */
const LONGEST_ANSWER = 1000;

/** The receiver's wish in seconds; a date is not worth the trouble with two clocks. */
function retryAfterOf(header: Answer['headers'][string]): Seconds | undefined {
  return typeof header === 'string' && /^\d{1,9}$/.test(header)
    ? Math.min(Number(header), LONGEST_RETRY_AFTER)
    : undefined;
}

function outcomeOf({ status, headers, text }: Answer, secrets: readonly string[]): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  const said = quote(text, secrets);
  const reason = said === '' ? `status ${status}` : `status ${status}: ${said}`;
  // Below 200 nothing is decided yet, whatever comes of it.
  if (status >= 200 && status < 500 && status !== 429) return { kind: 'refused', reason };
  const after = retryAfterOf(headers['retry-after']);
  return defined({ kind: 'failed', reason, after });
}

/** Makes the sender for a receiver. */
export function createSend(target: Endpoint, version: string): Send {
  const url = new URL(target.url);
  const proxy = target.proxy_url === undefined ? undefined : new URL(target.proxy_url);
  return async (body, signal) => {
    const deadline = AbortSignal.timeout(toMilliseconds(ANSWER_WITHIN));
    try {
      const { headers, ca, secrets } = await credentialsOf(target);
      const all = {
        'Content-Type': 'application/x-protobuf',
        'Content-Encoding': 'snappy',
        'X-Prometheus-Remote-Write-Version': '0.1.0',
        'User-Agent': `nat-idle-exporter/${version}`,
        ...headers,
      };
      const until = AbortSignal.any([signal, deadline]);
      const answer = await post(url, defined({ headers: all, ca }), body, {
        signal: until,
        longest: LONGEST_ANSWER,
        beyond: 'cut',
        ...defined({ proxy }),
      });
      return outcomeOf(answer, secrets);
    } catch (error) {
      const reason = deadline.aborted ? `no answer within ${ANSWER_WITHIN} s` : failureOf(error);
      return { kind: 'failed', reason };
    }
  };
}
