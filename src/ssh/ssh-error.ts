/** What goes wrong before an SSH session can be used, one line each; no text of it holds a key. */

import type { Remedy } from '../config/remedy.js';
import type { Seconds } from '../units.js';

export class SshError extends Error {
  override readonly name = 'SshError';
  /** For so long the same thing must not be tried again with the same keys, seconds; absent: whenever one likes. */
  readonly rest: Seconds | undefined;
  readonly remedy: Remedy | undefined;

  constructor(message: string, { rest, remedy }: { readonly rest?: Seconds; readonly remedy?: Remedy } = {}) {
    super(message);
    this.rest = rest;
    this.remedy = remedy;
  }
}
