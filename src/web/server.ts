/** The HTTP server of exporter and responder: addresses, TLS, users, clean close. Speaks HTTP/1.1 only. */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ListenAddress } from '../config/listen-address.js';
import { ConfigError, type Problem } from '../config/problem.js';
import { siteShare } from '../net/descriptor-shares.js';
import { listenProblem } from '../net/listen-problem.js';
import { REFUSAL_LOOKS, RefusalWatch } from '../net/refusal-watch.js';
import { toMilliseconds } from '../units.js';
import { PAGE_POLICY, setSecurityHeaders } from './base-app.js';
import { type BasicAuth, createBasicAuth } from './basic-auth.js';
import { SiteConnections } from './site-connections.js';
import { refuseClient, type TlsConfig } from './tls-config.js';
import { type GuardedRequest, HostGuard, type HostGuardOptions } from './host-guard.js';
import { LONGEST_PAUSE } from './patience.js';
import { answerOutside, leavePrefix } from './route-prefix.js';
import {
  asksWhoReads,
  fileStamp,
  type LoadedWebConfig,
  readWebConfig,
  type WebConfig,
} from './web-config.js';

/** The part of pino's logger that is used here. */
export interface WebLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Whom the server lets in. */
export interface WebRules {
  /** The file of `--web.config.file`. */
  readonly configFile?: string;
  /**
   * Why nobody may be let in without a password or a trusted certificate; a web configuration that would do so is
   * refused, at the start and whenever the file changes.
   */
  readonly authenticate?: string;
}

export interface WebServerOptions extends WebRules {
  /** An express application, or any other listener. */
  readonly app: RequestListener;
  /** Where to listen; without `host` on every address, port 0 lets the kernel choose. */
  readonly listen: readonly ListenAddress[];
  readonly log?: WebLog;
  /** Called when the server begins to close: end what streams for ever. */
  readonly onClose?: () => void;
  readonly auth?: BasicAuth;
  /** The book of its connections, for who wants to read it too; own ones without. */
  readonly connections?: SiteConnections;
  /** By which names the server goes, and what answers under any other. */
  readonly hosts?: HostGuardOptions;
  /** The path below which the site lies, such as `/nat-idle`; empty unless given. */
  readonly routePrefix?: string;
}

export interface WebServer {
  /** Where it listens, as `http://127.0.0.1:15382` or `https://[::1]:9`; in the order of `listen`. */
  readonly urls: readonly string[];
  /** How many descriptors its listeners and connections hold. */
  descriptors(): number;
  /** Looks at the web configuration and its files again; it does so by itself at each new connection and request. */
  reload(): void;
  /** Stops listening, lets running requests finish for a second, then cuts every connection that is left. */
  close(): Promise<void>;
}

/** How long running requests may go on after `close()`, milliseconds; the whole stop must fit into 2 s. */
const CLOSE_GRACE_MS = 1000;

/**
 * How long a client may take, milliseconds: for its TLS handshake and for its headers each, for its whole request, for
 * its next request, and without taking anything of an answer. Node asks every `connectionsCheckingInterval` only.
 */
const PATIENCE = {
  handshakeTimeout: 10_000,
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 5000,
  connectionsCheckingInterval: 1000,
};

/**
 * Starts to listen on every address.
 * @throws ConfigError with every address that cannot be used, or with what is wrong in the web configuration
 */
export async function startWebServer(options: WebServerOptions): Promise<WebServer> {
  const live = new LiveWebConfig(options, options.log);
  const auth = options.auth ?? createBasicAuth();
  const checks: Checks = { auth, limiter: new RateLimiter(), guard: new HostGuard(options.hosts) };
  const { routePrefix = '' } = options;
  const listener = oneAtATime((request, response) => {
    const isBelow = leavePrefix(request, routePrefix);
    void admit(request, response, live.current(), checks).then(
      (admitted) => {
        if (!admitted) return;
        if (isBelow) options.app(request, response);
        else answerOutside(request, response, routePrefix);
      },
      (error: unknown) => {
        options.log?.warn({ err: error }, 'a request failed before it was admitted');
        setSecurityHeaders(response, PAGE_POLICY);
        response.writeHead(500).end();
      },
    );
  });
  const connections = options.connections ?? new SiteConnections(siteShare(Number.POSITIVE_INFINITY));
  const servers = options.listen.map(() => makeServer(live, listener, connections, options.log));
  const refusals =
    options.log &&
    new RefusalWatch(options.log, 'site', ['limit_client', 'limit_total', 'evicted', 'unread', 'accept']);
  const looks = setInterval(() => {
    const now = performance.now() / 1000;
    connections.look(now);
    refusals?.look(connections.rejected, now);
  }, toMilliseconds(REFUSAL_LOOKS)).unref();
  const results = await Promise.allSettled(
    servers.map((server, index) => listenOn(server, options.listen[index] ?? { port: 0 }, connections)),
  );
  const problems = results.flatMap((result): Problem[] => {
    if (result.status === 'fulfilled') return [];
    if (result.reason instanceof ConfigError) return [...result.reason.problems];
    throw result.reason;
  });
  const close = async (): Promise<void> => {
    options.onClose?.();
    const closed = servers.map(
      (server) => new Promise<void>((done) => (server.listening ? server.close(() => done()) : done())),
    );
    for (const server of servers) server.closeIdleConnections();
    // Also cuts what the HTTP server does not count: handshakes under way and clients that never asked anything.
    const cut = setTimeout(() => connections.destroyAll(), CLOSE_GRACE_MS);
    await Promise.all(closed);
    clearTimeout(cut);
    clearInterval(looks);
  };
  if (problems.length > 0) {
    await close();
    throw new ConfigError(problems);
  }
  const scheme = live.current().tls === undefined ? 'http' : 'https';
  const urls = servers.map((server) => urlOf(scheme, server.address() as AddressInfo));
  return {
    urls,
    descriptors: () => connections.open + servers.filter(({ listening }) => listening).length,
    reload: () => {
      live.current();
    },
    close,
  };
}

/**
 * Looks at the web configuration without serving: for what must not start before it is known to be good.
 * @throws ConfigError as `startWebServer` would
 */
export function checkWebConfig(rules: WebRules): void {
  readRules(rules);
}

/** @throws ConfigError when the file cannot be used, or lets everybody in where nobody may be */
function readRules({ configFile, authenticate }: WebRules): LoadedWebConfig {
  const loaded = configFile === undefined ? NOTHING_ASKED : readWebConfig(configFile);
  if (authenticate === undefined || asksWhoReads(loaded.config)) return loaded;
  const rule = `must have basic_auth_users or client_auth_type RequireAndVerifyClientCert: ${authenticate}`;
  throw new ConfigError([{ file: configFile ?? '--web.config.file', rule }]);
}

function makeServer(
  live: LiveWebConfig,
  listener: RequestListener,
  connections: SiteConnections,
  log?: WebLog,
): Server {
  const { tls } = live.current();
  const noting = connections.noting(listener);
  const server = tls === undefined ? createServer(PATIENCE, noting) : makeTlsServer(tls, live, noting, log);
  server.timeout = toMilliseconds(LONGEST_PAUSE);
  connections.guard(server);
  return server;
}

function makeTlsServer(
  tls: TlsConfig,
  live: LiveWebConfig,
  listener: RequestListener,
  log?: WebLog,
): TlsServer {
  let inUse = tls;
  const server = createTlsServer(
    {
      ...PATIENCE,
      ...tls.context,
      // Whether the client is good enough is judged below; OpenSSL only asks for the certificate.
      requestCert: tls.clientAuth !== 'NoClientCert',
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    },
    listener,
  );
  // Before the handshake of each new connection: take up a renewed certificate. It ends the sessions so far.
  server.prependListener('connection', () => {
    const now = live.current().tls;
    if (now === undefined || now === inUse) return;
    inUse = now;
    server.setSecureContext(now.context);
  });
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    const refusal = refuseClient(socket, inUse);
    if (refusal === undefined) return;
    log?.info({ remote: socket.remoteAddress, reason: refusal }, 'TLS client refused');
    socket.destroy();
  });
  return server;
}

function listenOn(server: Server, address: ListenAddress, connections: SiteConnections): Promise<void> {
  return new Promise((done, fail) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      fail(new ConfigError([listenProblem(error, address)]));
    };
    server.once('error', failed);
    server.listen({ ...address }, () => {
      server.off('error', failed);
      // Later errors are failed accepts (no file descriptors left): the server goes on when there are some again.
      server.on('error', () => {
        connections.rejected.accept += 1;
      });
      done();
    });
  });
}

function urlOf(scheme: string, { address, family, port }: AddressInfo): string {
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

/**
 * So many requests of one connection may wait behind the one that is being answered. Node reads on while no answer is
 * made, each costs a hundred times its size, and ending a connection on which many wait takes the square of the time.
 */
const MOST_AHEAD = 100;

/**
 * Requests that a client sends on one connection without waiting for answers are answered one after the other: the next
 * answer is made when the one before was taken, or a packet of requests would be worth a fleet's pages each.
 */
function oneAtATime(listener: RequestListener): RequestListener {
  const turns = new WeakMap<Socket, Promise<void>>();
  const unanswered = new WeakMap<Socket, number>();
  return (request, response) => {
    const { socket } = request;
    // The rest of what has been read with those that were too many.
    if (socket.destroyed) return;
    const ahead = unanswered.get(socket) ?? 0;
    if (ahead > MOST_AHEAD) {
      socket.destroy();
      return;
    }
    unanswered.set(socket, ahead + 1);
    response.once('close', () => unanswered.set(socket, (unanswered.get(socket) ?? 1) - 1));
    const before = turns.get(socket);
    turns.set(socket, new Promise((done) => response.once('close', () => done())));
    if (before === undefined) listener(request, response);
    else
      void before.then(() => {
        if (!socket.destroyed) listener(request, response);
      });
  };
}

/** Who and what every request has to pass. */
interface Checks {
  readonly auth: BasicAuth;
  readonly limiter: RateLimiter;
  readonly guard: HostGuard;
}

/** Answers the request here unless it may go on to the application. */
async function admit(
  request: IncomingMessage,
  response: ServerResponse,
  config: WebConfig,
  { auth, limiter, guard }: Checks,
): Promise<boolean> {
  for (const [name, value] of config.headers) response.setHeader(name, value);
  const refuse = (status: number, text: string): false => {
    setSecurityHeaders(response, PAGE_POLICY);
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
    return false;
  };
  if (!limiter.take(config.rateLimit)) return refuse(429, 'Too Many Requests');
  const result = await auth.check(request.headers.authorization, config.users);
  if (result === 'busy') {
    response.setHeader('Retry-After', '1');
    return refuse(503, 'Too many logins at once');
  }
  if (result !== 'ok') {
    response.setHeader('WWW-Authenticate', 'Basic realm="nat-idle-exporter", charset="UTF-8"');
    return refuse(401, 'Unauthorized');
  }
  const refusal = guard.refusal(request as GuardedRequest, asksWhoReads(config));
  if (refusal !== undefined) return refuse(refusal.status, refusal.text);
  // Anything else (`h2c`) may be ignored and answered over HTTP/1.1; a WebSocket would wait for its own protocol.
  if (/\bwebsocket\b/i.test(request.headers.upgrade ?? ''))
    return refuse(400, 'this server speaks no WebSocket');
  return true;
}

/** A token bucket; full at the start. */
class RateLimiter {
  #tokens: number | undefined;
  #at = performance.now();

  take(limit: WebConfig['rateLimit']): boolean {
    if (limit === undefined) return true;
    const now = performance.now();
    const gained = ((now - this.#at) / 1000) * limit.perSecond;
    this.#at = now;
    this.#tokens = Math.min(limit.burst, (this.#tokens ?? limit.burst) + gained);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

/** The web configuration as the files are now; a broken one is told once and leaves the one before in force. */
class LiveWebConfig {
  readonly #rules: WebRules;
  readonly #file: string | undefined;
  readonly #log: WebLog | undefined;
  #loaded: LoadedWebConfig;
  #stamp: string;

  constructor(rules: WebRules, log: WebLog | undefined) {
    const { configFile: file } = rules;
    this.#rules = rules;
    this.#file = file;
    this.#log = log;
    this.#loaded = readRules(rules);
    this.#stamp = fileStamp(this.#loaded.files);
    if (this.#loaded.config.http2Asked) log?.info({ file }, 'http2 is ignored: this server speaks HTTP/1.1');
  }

  current(): WebConfig {
    if (this.#file === undefined) return this.#loaded.config;
    const stamp = fileStamp(this.#loaded.files);
    if (stamp === this.#stamp) return this.#loaded.config;
    this.#stamp = stamp;
    try {
      const next = readRules(this.#rules);
      const before = this.#loaded.config.tls;
      const after = next.config.tls;
      if ((before === undefined) !== (after === undefined) || before?.clientAuth !== after?.clientAuth) {
        this.#log?.warn(
          { file: this.#file },
          'TLS switched on or off, or client_auth_type changed: restart needed',
        );
        return this.#loaded.config;
      }
      this.#loaded = next;
      this.#stamp = fileStamp(next.files);
      this.#log?.info({ file: this.#file }, 'web configuration read again');
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      this.#log?.warn(
        { problems: error.message },
        'web configuration not taken over, the one before stays in force',
      );
    }
    return this.#loaded.config;
  }
}

const NOTHING_ASKED: LoadedWebConfig = {
  config: { headers: new Map(), users: new Map(), http2Asked: false },
  files: [],
};
