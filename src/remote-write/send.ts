/** One remote write request over HTTP and what the receiver made of it; secrets are read anew for each. */
import { readFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { RemoteWriteConfig } from '../config/types.js';
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
/** Characters of an answer that are shown. */
const SHOWN_ANSWER = 200;

type Target = Pick<RemoteWriteConfig, 'url' | 'basic_auth' | 'bearer_token_file' | 'tls_config'>;

interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  /** Texts that must not be shown, should the receiver repeat them. */
  readonly secrets: readonly string[];
}

async function readSecret(file: string): Promise<string> {
  return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
}

async function credentials({ basic_auth, bearer_token_file }: Target): Promise<Credentials> {
  if (basic_auth !== undefined) {
    const password = await readSecret(basic_auth.password_file);
    const encoded = Buffer.from(`${basic_auth.username}:${password}`).toString('base64');
    return { headers: { Authorization: `Basic ${encoded}` }, secrets: [password, encoded] };
  }
  if (bearer_token_file !== undefined) {
    const token = await readSecret(bearer_token_file);
    return { headers: { Authorization: `Bearer ${token}` }, secrets: [token] };
  }
  return { headers: {}, secrets: [] };
}

interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** Posts a body; rejects with the error of the system. */
function post(
  url: URL,
  headers: Readonly<Record<string, string>>,
  ca: string | undefined,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      method: 'POST',
      headers: { ...headers, 'Content-Length': String(body.length) },
      agent: false as const,
      signal,
    };
    const sent =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, ...(ca === undefined ? {} : { ca }) })
        : httpRequest(url, options);
    sent.once('error', reject);
    sent.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        if (text.length < 1000) text += part;
      });
      response.once('error', reject);
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'], text });
      });
    });
    sent.end(body);
  });
}

/** The receiver's wish in seconds; a date is not worth the trouble with two clocks. */
function retryAfterOf(header: string | undefined): Seconds | undefined {
  return header !== undefined && /^\d{1,9}$/.test(header)
    ? Math.min(Number(header), LONGEST_RETRY_AFTER)
    : undefined;
}

function outcomeOf({ status, retryAfter, text }: Answer, secrets: readonly string[]): Outcome {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  let said = text;
  for (const secret of secrets) if (secret !== '') said = said.replaceAll(secret, '<secret>');
  said = said
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, SHOWN_ANSWER);
  const reason = said === '' ? `status ${status}` : `status ${status}: ${said}`;
  if (status < 500 && status !== 429) return { kind: 'refused', reason };
  const after = retryAfterOf(retryAfter);
  return { kind: 'failed', reason, ...(after === undefined ? {} : { after }) };
}

/** What went wrong below HTTP, in words. */
function failureOf(error: unknown, late: boolean): string {
  if (late) return `no answer within ${ANSWER_WITHIN} s`;
  return error instanceof Error && error.message !== '' ? error.message : 'the connection failed';
}

/** Makes the sender for a receiver. */
export function createSend(target: Target, version: string): Send {
  const url = new URL(target.url);
  return async (body, signal) => {
    const deadline = AbortSignal.timeout(toMilliseconds(ANSWER_WITHIN));
    try {
      const ca = target.tls_config?.ca_file;
      const { headers, secrets } = await credentials(target);
      const answer = await post(
        url,
        {
          'Content-Type': 'application/x-protobuf',
          'Content-Encoding': 'snappy',
          'X-Prometheus-Remote-Write-Version': '0.1.0',
          'User-Agent': `nat-idle-exporter/${version}`,
          ...headers,
        },
        ca === undefined ? undefined : await readFile(ca, 'utf8'),
        body,
        AbortSignal.any([signal, deadline]),
      );
      return outcomeOf(answer, secrets);
    } catch (error) {
      return { kind: 'failed', reason: failureOf(error, deadline.aborted) };
    }
  };
}
