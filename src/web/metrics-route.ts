/** Serves metrics in text format 0.0.4, compressed when the scraper asks for it. */
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { RequestHandler, Response } from 'express';

export interface MetricsSource {
  /** The metrics, in one or many pieces: those of a fleet are sent while they are written. */
  pieces(): AsyncGenerator<string, void>;
  /** Media type of the whole. */
  readonly contentType: string;
}

/** The route; an application made by `createBaseApp` cuts a scraper off that takes nothing any more. */
export function metricsRoute(source: MetricsSource): RequestHandler {
  return async (request, response) => {
    const pieces = source.pieces();
    // What fails before the first piece is answered as an error; what fails later ends the connection.
    const first = await pieces.next();
    response.setHeader('Content-Type', source.contentType);
    response.setHeader('Vary', 'Accept-Encoding');
    const whole = from(first, pieces);
    if (request.acceptsEncodings('gzip') !== 'gzip') return send(response, pipeline(whole, response));
    response.setHeader('Content-Encoding', 'gzip');
    return send(response, pipeline(whole, createGzip({ level: 1 }), response));
  };
}

async function* from(
  first: IteratorResult<string, void>,
  rest: AsyncGenerator<string, void>,
): AsyncGenerator<string> {
  if (first.done === true) return;
  yield first.value;
  yield* rest;
}

/** A scraper that goes away in the middle is nobody's fault. */
async function send(response: Response, sending: Promise<void>): Promise<void> {
  try {
    await sending;
  } catch (error) {
    if (!response.destroyed || (error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE')
      throw error;
  }
}
