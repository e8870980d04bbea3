/** Requests to somebody's HTTP service: who asks, whom it trusts, and an answer that repeats no secret. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { defined } from '../defined.js';
import { FILE_LIMITS, readRegularFileLater } from '../files.js';

/** An HTTP service and how it is to be approached; secrets stand in files, which are read anew for each request. */
export interface Endpoint {
  /** http or https, without user and password. */
  readonly url: string;
  readonly basic_auth?: { readonly username: string; readonly password_file: string };
  readonly bearer_token_file?: string;
  readonly tls_config?: { readonly ca_file?: string };
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

/** Reads the files of an endpoint. @throws the system's error for a file that cannot be read */
export async function credentialsOf(endpoint: Endpoint): Promise<Credentials> {
  const { basic_auth, bearer_token_file, tls_config } = endpoint;
  const file = tls_config?.ca_file;
  const trusted = defined({ ca: file === undefined ? undefined : await read(file, FILE_LIMITS.certificate) });
  if (basic_auth !== undefined) {
    const password = await readSecret(basic_auth.password_file);
    const encoded = Buffer.from(`${basic_auth.username}:${password}`).toString('base64');
    return { ...trusted, headers: { Authorization: `Basic ${encoded}` }, secrets: [password, encoded] };
  }
  if (bearer_token_file !== undefined) {
    const token = await readSecret(bearer_token_file);
    return { ...trusted, headers: { Authorization: `Bearer ${token}` }, secrets: [token] };
  }
  return { ...trusted, headers: {}, secrets: [] };
}

/** How a request is sent and how much of its answer is read. */
export interface Sending {
  /** POST unless given. */
  readonly method?: 'POST' | 'PUT';
  readonly signal: AbortSignal;
  /** Characters of the answer that are read. */
  readonly longest: number;
  /**
   * A longer answer is an error, or is cut there: where its status says all, whoever talks without end must not make a
   * success look like a failure that is worth another try.
   */
  readonly beyond: 'error' | 'cut';
}

/** Sends a body and reads the answer; no redirect is followed. Rejects with the error of the system, or with what is wrong. */
export function post(
  url: URL,
  { headers, ca }: Pick<Credentials, 'headers' | 'ca'>,
  body: Uint8Array,
  { method = 'POST', signal, longest, beyond }: Sending,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = {
      method,
      headers: { ...headers, 'Content-Length': String(body.length) },
      agent: false as const,
      signal,
    };
    const sent =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...options, ...defined({ ca }) })
        : httpRequest(url, options);
    sent.once('socket', (socket) => {
      open += 1;
      socket.once('close', () => {
        open -= 1;
      });
    });
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
