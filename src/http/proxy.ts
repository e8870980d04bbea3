/** The way to an HTTP service through an HTTP proxy. @see RFC 9110 section 9.3.6 (CONNECT), RFC 9112 section 3.2.2 */
import { type ClientRequest, request, type RequestOptions } from 'node:http';
import { request as secureRequest } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { connect } from 'node:tls';
import { defined } from '../defined.js';

/** Notes a socket that was opened. */
export type Note = (socket: Socket) => void;

/**
 * A request that goes through a proxy: plain HTTP is asked of the proxy by its whole address, TLS goes through a tunnel.
 *
 * @param ca certificates to trust instead of the usual ones, PEM
 * @param note told of the connection to the proxy
 * @throws Error when there is no tunnel, or that of the system
 */
export async function requestThrough(
  proxy: URL,
  url: URL,
  options: RequestOptions & { readonly signal: AbortSignal },
  ca: string | undefined,
  note: Note,
): Promise<ClientRequest> {
  if (url.protocol === 'http:') {
    const headers = { ...(options.headers as Record<string, string>), Host: url.host };
    const sent = request(proxy, { ...options, path: url.href, headers });
    sent.once('socket', note);
    return sent;
  }
  const tunnel = await openTunnel(proxy, url, options.signal, note);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  // An address is no server name (RFC 6066 section 3), but it is what the certificate has to be for.
  const name = defined({ host, servername: isIP(host) === 0 ? host : undefined, ca });
  return secureRequest(url, {
    ...options,
    // Without one, `createConnection` counts.
    agent: undefined,
    createConnection: () => connect({ socket: tunnel, ...name }),
  });
}

/** Has the proxy connect to the service. */
function openTunnel(proxy: URL, url: URL, signal: AbortSignal, note: Note): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const service = `${url.hostname}:${url.port === '' ? '443' : url.port}`;
    const asked = request(proxy, {
      method: 'CONNECT',
      path: service,
      headers: { Host: service },
      agent: false,
      signal,
    });
    asked.once('socket', note);
    asked.once('error', reject);
    const refused = (status: number | undefined): void =>
      reject(new Error(`the proxy opens no tunnel to ${service}: status ${status ?? 'unknown'}`));
    asked.once('response', (response) => {
      response.destroy();
      refused(response.statusCode);
    });
    asked.once('connect', ({ statusCode }, socket) => {
      if (statusCode === 200) resolve(socket);
      else {
        socket.destroy();
        refused(statusCode);
      }
    });
    asked.end();
  });
}
