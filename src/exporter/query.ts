/** What stands behind the question mark of a request. */
import type { Request } from 'express';

export function queryOf(request: Request): URLSearchParams {
  return new URLSearchParams(request.originalUrl.split('?', 2)[1] ?? '');
}
