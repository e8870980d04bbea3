/** Requests to somebody's HTTP service: who asks, whom it trusts, and an answer that repeats no secret. */
import { type ClientRequest, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { defined } from '../defined.js';
import { ConfigError } from '../config/problem.js';
import { FILE_LIMITS, readRegularFileLater, unreadableInShort } from '../files.js';
import { requestThrough } from './proxy.js';

/** An HTTP service and how it is to be approached; secrets stand in files, which are read anew for each request. */
export interface Endpoint {
  /** http or https, without user and password. */
  readonly url: string;
  readonly basic_auth?: { readonly username: string; readonly password_file: string };
  readonly bearer_token_file?: string;
  /** More headers, as a tenant's name. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly tls_config?: { readonly ca_file?: string };
  /** An HTTP proxy on the way, http without user and password. */
  readonly proxy_url?: string;
}

/** What goes along with a request. */
export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  /** Certificates to trust instead of the usual ones, PEM. */
  readonly ca?: string;
  /** Texts that must not be shown, should the other side repeat them. */
  readonly secrets: readonly string[];
}

/** The other side's answer. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

/** Characters of an answer that are shown. */
const SHOWN_ANSWER = 200;

/** Characters from which on the value of a header may be a key. */
const SHORTEST_KEY = 16;

/** Connections that were opened here and have not closed yet. */
let open = 0;

/** How many descriptors requests hold. */
export function requestDescriptors(): number {
  return open;
}

/** Reads a file; an error always names it, also where the system's own does not (a folder). */
async function read(file: string, limit: number): Promise<string> {
  try {
    return (await readRegularFileLater(file, limit)).toString('utf8');
  } catch (error) {
    throw error instanceof Error ? Object.assign(error, { path: file }) : error;
  }
}

async function readSecret(file: string): Promise<string> {
  return (await read(file, FILE_LIMITS.secret)).replace(/\r?\n$/, '');
}

/** An error of `credentialsOf` as the user's own to mend; anything else, a bug, as it is. */
export function unreadableFile(error: unknown): unknown {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === undefined || path === undefined) return error;
  return new ConfigError([{ file: path, rule: `cannot be read (${unreadableInShort(error)})` }]);
}

/** Reads the files of an endpoint. @throws the system's error for a file that cannot be read */
export async function credentialsOf(endpoint: Endpoint): Promise<Credentials> {
  const { basic_auth, bearer_token_file, tls_config, headers = {} } = endpoint;
  const file = tls_config?.ca_file;
  const trusted = defined({ ca: file === undefined ? undefined : await read(file, FILE_LIMITS.certificate) });
  // A short one is a tenant's name, which may be any word of the answer.
  const keys = Object.values(headers).filter((value) => value.length >= SHORTEST_KEY);
  if (basic_auth !== undefined) {
    const password = await readSecret(basic_auth.password_file);
    const encoded = Buffer.from(`${basic_auth.username}:${password}`).toString('base64');
    return {
      ...trusted,
      headers: { ...headers, Authorization: `Basic ${encoded}` },
      secrets: [...keys, password, encoded],
    };
  }
  if (bearer_token_file !== undefined) {
    const token = await readSecret(bearer_token_file);
    return {
      ...trusted,
      headers: { ...headers, Authorization: `Bearer ${token}` },
      secrets: [...keys, token],
    };
  }
  return { ...trusted, headers, secrets: keys };
}

/** How a request is sent and how much of its answer is read. */
export interface Sending {
  /** POST unless given. */
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly signal: AbortSignal;
  /** Characters of the answer that are read. */
  readonly longest: number;
  /**
   * A longer answer is an error, or is cut there: where its status says all, whoever talks without end must not make a
   * success look like a failure that is worth another try.
   */
  readonly beyond: 'error' | 'cut';
  /** The HTTP proxy that it goes through. */
  readonly proxy?: URL;
}

/** Sends a body and reads the answer; no redirect is followed. Rejects with the error of the system, or with what is wrong. */
export async function post(
  url: URL,
  { headers, ca }: Pick<Credentials, 'headers' | 'ca'>,
  body: Uint8Array,
  { method = 'POST', signal, longest, beyond, proxy }: Sending,
): Promise<Answer> {
  const options = {
    method,
    headers: { ...headers, 'Content-Length': String(body.length) },
    agent: false as const,
    signal,
  };
  if (proxy !== undefined)
    return exchange(await requestThrough(proxy, url, options, ca, note), body, longest, beyond);
  const sent =
    url.protocol === 'https:'
      ? httpsRequest(url, { ...options, ...defined({ ca }) })
      : httpRequest(url, options);
  sent.once('socket', note);
  return exchange(sent, body, longest, beyond);
}

/** Asks for a document; no redirect is followed. */
export function get(
  url: URL,
  credentials: Pick<Credentials, 'headers' | 'ca'>,
  sending: Omit<Sending, 'method'>,
): Promise<Answer> {
  return post(url, credentials, new Uint8Array(), { ...sending, method: 'GET' });
}

/** Counts the descriptor of a connection as long as it is open. */
function note(socket: Socket): void {
  open += 1;
  socket.once('close', () => {
    open -= 1;
  });
}

/** Sends the body of a request and reads the answer. */
function exchange(
  sent: ClientRequest,
  body: Uint8Array,
  longest: number,
  beyond: Sending['beyond'],
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    sent.once('error', reject);
    // An upgrade that nobody asked for ends without an error and without a response.
    const unanswered = (): void => reject(new Error('the connection was closed without an answer'));
    sent.once('close', unanswered);
    sent.once('response', (response) => {
      sent.off('close', unanswered);
      let text = '';
      const answered = (): void => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      };
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        if (text.length + part.length <= longest) {
          text += part;
          return;
        }
        if (beyond === 'error') {
          response.destroy(new Error(`the answer is longer than ${longest} characters`));
          return;
        }
        text += part.slice(0, longest - text.length);
        answered();
        response.destroy();
      });
      response.once('error', reject);
      response.once('end', answered);
    });
    sent.end(body);
  });
}

/** The beginning of what the other side said, on one line and without the secrets. */
export function quote(text: string, secrets: readonly string[]): string {
  let said = text;
  for (const secret of secrets) if (secret !== '') said = said.replaceAll(secret, '<secret>');
  return said
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, SHOWN_ANSWER);
}

/** What went wrong below HTTP, in words. */
export function failureOf(error: unknown): string {
  if (!(error instanceof Error)) return 'the connection failed';
  // Of several addresses that were tried none answered: the errors stand inside, the message is empty.
  const [first] = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [error];
  return first instanceof Error && first.message !== '' ? first.message : 'the connection failed';
}
