/** Serves metrics in text format 0.0.4, compressed when the scraper asks for it. */
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { RequestHandler } from 'express';

export interface MetricsSource {
  text(): Promise<string>;
  /** Media type of the text. */
  readonly contentType: string;
}

const compress = promisify(gzip);
/** Below this the header of gzip costs more than it saves, bytes. */
const WORTH_COMPRESSING = 1024;

export function metricsRoute(source: MetricsSource): RequestHandler {
  return async (request, response) => {
    const text = await source.text();
    response.setHeader('Content-Type', source.contentType);
    response.setHeader('Vary', 'Accept-Encoding');
    if (text.length < WORTH_COMPRESSING || request.acceptsEncodings('gzip') !== 'gzip') {
      response.end(text);
      return;
    }
    response.setHeader('Content-Encoding', 'gzip');
    response.end(await compress(text, { level: 1 }));
  };
}
