/** `--web.route-prefix`: a site that lies under a path, behind a reverse proxy that leaves the path as it is. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { PAGE_POLICY, setSecurityHeaders } from './base-app.js';

/** They answer with the prefix and without: who checks the health of a container knows nothing of its proxy. */
export const HEALTH_PATHS: readonly string[] = ['/-/healthy', '/-/ready'];

/** Host and path of a request's target: `/path`, or `http://host/path` as a proxy is asked. */
const TARGET = /^([a-z][a-z0-9+.-]*:\/\/[^/?#]*)?(.*)$/is;

/**
 * Leaves the prefix out of a request's target, so that nobody behind has to know of it.
 *
 * @param prefix empty, or as `/nat-idle`
 * @returns whether the request is for something below the prefix
 */
export function leavePrefix(request: IncomingMessage, prefix: string): boolean {
  const [, host = '', path = ''] = TARGET.exec(request.url ?? '') ?? [];
  if (prefix === '' || HEALTH_PATHS.includes(path)) return true;
  if (!path.startsWith(`${prefix}/`)) return false;
  request.url = host + path.slice(prefix.length);
  return true;
}

/** Answers what is not below the prefix: from the first page there is a way to it. */
export function answerOutside(request: IncomingMessage, response: ServerResponse, prefix: string): void {
  const [, , path = ''] = TARGET.exec(request.url ?? '') ?? [];
  setSecurityHeaders(response, PAGE_POLICY);
  if (path === '/' || path === prefix) response.writeHead(302, { location: `${prefix}/` }).end();
  else
    response
      .writeHead(404, { 'content-type': 'text/plain; charset=utf-8' })
      .end(`404 page not found: everything is below ${prefix}/\n`);
}
