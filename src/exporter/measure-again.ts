/** `/api/v1/targets/<name>/measure`: measures a target again because somebody asks; docs/HTTP.md describes it. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import express, { type Express, type Request, type Response } from 'express';
import { exactDuration } from '../core/human-duration.js';
import type { AskedAgain } from '../engine/ask-again.js';
import { cardId } from './page/card.js';

export interface MeasureAgainOptions {
  /** Undefined where there is no target of this name. */
  readonly askAgain: (target: string) => AskedAgain | undefined;
  /** Whether requests need no token of the page. */
  readonly lifecycle: boolean;
}

const PATH = '/api/v1/targets/:target/measure';
/** The body is a token and no more, bytes. */
const LONGEST_BODY = 1024;

const STATUS: Readonly<Record<AskedAgain['kind'], number>> = {
  asked: 202,
  searching: 200,
  no_answer: 409,
  too_soon: 429,
};

/** What became of it, as one sentence for people. */
function askedWords(asked: AskedAgain): string {
  switch (asked.kind) {
    case 'asked':
      return `Measuring again: a shorter timeout shows within seconds, a longer one within ${exactDuration(asked.within)}.`;
    case 'searching':
      return 'The first measurement still runs: it asks as early as it can.';
    case 'no_answer':
      return 'The far end does not answer: it is tried again and again.';
    case 'too_soon':
      return `It was measured again a moment ago: ask in ${exactDuration(asked.wait)}.`;
  }
}

/**
 * Adds the routes. Pages of other sites are refused before (see web/host-guard.ts), and cannot read the token.
 * @returns the token that the page shows in its forms; another one in every process
 */
export function serveMeasureAgain(app: Express, { askAgain, lifecycle }: MeasureAgainOptions): string {
  const token = randomBytes(18).toString('base64url');
  app.get(PATH, (_request, response) => {
    response.json({ token });
  });
  app.post(PATH, express.urlencoded({ extended: false, limit: LONGEST_BODY }), (request, response) => {
    if (!lifecycle && !isToken(request, token)) {
      response
        .status(403)
        .type('text/plain')
        .send(
          'the token of the page is missing (GET this path shows it), and --web.enable-lifecycle is off\n',
        );
      return;
    }
    const { target } = request.params;
    const asked = askAgain(target);
    if (asked === undefined) response.status(404).type('text/plain').send('no target of this name\n');
    else answer(request, response, target, asked);
  });
  app.all(PATH, (_request, response) => {
    response.setHeader('Allow', 'GET, POST');
    response.status(405).type('text/plain').send('only GET or POST requests allowed\n');
  });
  return token;
}

function isToken(request: Request, token: string): boolean {
  const body: unknown = request.body;
  const found: unknown =
    typeof body === 'object' && body !== null && 'token' in body ? body.token : undefined;
  if (typeof found !== 'string') return false;
  const [ours, theirs] = [Buffer.from(token), Buffer.from(found)];
  return ours.length === theirs.length && timingSafeEqual(ours, theirs);
}

function answer(request: Request, response: Response, target: string, asked: AskedAgain): void {
  if (asked.kind === 'too_soon') response.setHeader('Retry-After', String(asked.wait));
  // A form without script goes back to the card, whose newest event says what was asked.
  if (asked.kind === 'asked' && request.accepts(['json', 'html']) === 'html') {
    response.redirect(303, `../../../../#${cardId(target)}`);
    return;
  }
  const { kind, ...rest } = asked;
  response.status(STATUS[kind]).json({ target, answer: kind, ...rest, text: askedWords(asked) });
}
