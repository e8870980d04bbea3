/** What every site of this program has: an express application with safe headers, health and plain errors. */
import type { ServerResponse } from 'node:http';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { type Seconds, toMilliseconds } from '../units.js';
import { LONGEST_PAUSE } from './patience.js';

export interface BaseAppOptions {
  /** Shown by `/-/healthy` and `/-/ready`. */
  readonly name: string;
  /** Whether `/-/ready` answers 200. */
  ready(): boolean;
  /** Seconds until a client that takes nothing of its answer is cut off; shorter where a test is in a hurry. */
  readonly longestPause?: Seconds;
}

/** A page that loads only what this server serves itself, and that no other page may frame. */
export const PAGE_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** A document that stands alone: its own styles, no script at all. */
export const DOCUMENT_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The same with a form that goes back to this server. */
export const FORM_POLICY = DOCUMENT_POLICY.replace("form-action 'none'", "form-action 'self'");

/** Sets the headers of every answer, unless the operator's web configuration has set them already. */
export function setSecurityHeaders(response: ServerResponse, policy: string): void {
  const headers: readonly (readonly [string, string])[] = [
    ['Content-Security-Policy', policy],
    ['X-Content-Type-Options', 'nosniff'],
    ['X-Frame-Options', 'deny'],
    ['Referrer-Policy', 'no-referrer'],
    ['Cross-Origin-Resource-Policy', 'same-origin'],
    ['Cache-Control', 'no-store'],
  ];
  for (const [name, value] of headers) if (!response.hasHeader(name)) response.setHeader(name, value);
}

/** The same for the routes that follow. */
export function securityHeaders(policy: string): RequestHandler {
  return (_request, response, next) => {
    setSecurityHeaders(response, policy);
    next();
  };
}

/** An application with `/-/healthy` and `/-/ready`; call `finishApp` after adding the routes. */
export function createBaseApp(options: BaseAppOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');
  const longestPause = toMilliseconds(options.longestPause ?? LONGEST_PAUSE);
  app.use((_request, response, next) => {
    response.setTimeout(longestPause, () => response.destroy());
    next();
  });
  app.get('/-/healthy', securityHeaders(PAGE_POLICY), (_request, response) => {
    response.type('text/plain').send(`${options.name} is healthy.\n`);
  });
  app.get('/-/ready', securityHeaders(PAGE_POLICY), (_request, response) => {
    const ready = options.ready();
    response
      .status(ready ? 200 : 503)
      .type('text/plain')
      .send(`${options.name} is ${ready ? '' : 'not '}ready.\n`);
  });
  return app;
}

/** Adds the answers to unknown paths and to bugs; a client never sees a stack trace. */
export function finishApp(app: Express, onError?: (error: unknown) => void): Express {
  app.use(securityHeaders(PAGE_POLICY), (_request, response) => {
    response.status(404).type('text/plain').send('404 page not found\n');
  });
  const failed: ErrorRequestHandler = (error: unknown, _request, response, next) => {
    const status = statusOf(error);
    if (status >= 500) onError?.(error);
    if (response.headersSent) {
      next(error);
      return;
    }
    const text = status < 500 ? 'bad request' : 'internal error';
    response.status(status).type('text/plain').send(`${status} ${text}\n`);
  };
  app.use(failed);
  return app;
}

/** Express' own complaints about a request (a malformed path) carry a status of 400 to 499. */
function statusOf(error: unknown): number {
  const status = typeof error === 'object' && error !== null && 'status' in error ? error.status : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500;
}
