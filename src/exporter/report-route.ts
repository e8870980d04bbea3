/** `/report/<target>`: the report for the network's operator, and the form above it. */
import express, { type Express, type RequestHandler } from 'express';
import type { EngineView, TargetSnapshot } from '../engine/snapshot.js';
import { FORM_POLICY, securityHeaders } from '../web/base-app.js';
import { type TellBroken, whyBroken } from './guard.js';
import { queryOf } from './query.js';

/** A report about one target, or why there is none, ready to be sent. */
export interface RenderedReport {
  /** 200 unless given. */
  readonly status?: number;
  /** Media type, with its charset. */
  readonly contentType: string;
  readonly body: string;
  /** Under which name a browser shall save it; absent: it is to be shown. */
  readonly fileName?: string;
}

/** Makes the report of a target from a query, and from the fields of a form where one was sent. */
export type MakeReport = (
  target: TargetSnapshot,
  query: URLSearchParams,
  form?: URLSearchParams,
) => RenderedReport | Promise<RenderedReport>;

/** Bytes of a form that are read. */
const LONGEST_FORM = 8192;

/** Adds the route. The form is sent as a POST: what a customer writes shall stand in no address, history or log. */
export function serveReports(app: Express, view: EngineView, make: MakeReport, broken: TellBroken): void {
  const headers: RequestHandler = (_request, response, next) => {
    // With none at all browsers say that a form comes from nowhere, and it would be refused.
    if (!response.hasHeader('Referrer-Policy')) response.setHeader('Referrer-Policy', 'same-origin');
    next();
  };
  const answer: RequestHandler = async (request, response, next) => {
    const target = view.targets().find(({ config }) => config.name === request.params['target']);
    if (target === undefined) {
      next();
      return;
    }
    const body: unknown = request.body;
    const form = typeof body === 'string' ? new URLSearchParams(body) : undefined;
    try {
      const made = await make(target, queryOf(request), form);
      response.status(made.status ?? 200).setHeader('Content-Type', made.contentType);
      if (made.fileName !== undefined)
        response.setHeader('Content-Disposition', `attachment; filename="${made.fileName}"`);
      response.end(made.body);
    } catch (error) {
      broken(target, error);
      response
        .status(500)
        .type('text/plain')
        .send(`no report of this target: ${whyBroken(error)}\n`);
    }
  };
  const readForm = express.text({ type: 'application/x-www-form-urlencoded', limit: LONGEST_FORM });
  app.route('/report/:target').all(headers, securityHeaders(FORM_POLICY)).get(answer).post(readForm, answer);
}
