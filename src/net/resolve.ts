/** Host names to addresses. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { Remedy } from '../config/remedy.js';

/** Thrown when a name has no address of the wanted family. */
class ResolveError extends Error {
  override readonly name = 'ResolveError';
  readonly remedy: Remedy | undefined;

  constructor(message: string, options: { readonly cause?: unknown; readonly remedy?: Remedy | undefined }) {
    super(message, options);
    this.remedy = options.remedy;
  }
}

/** Answers of a resolver that stand: there is no such name, or none with such an address. */
const NO_SUCH_NAME = ['ENOTFOUND', 'ENODATA'];

/** So many names are looked up at the same time at most: libuv's threads. */
const LOOKUPS_AT_A_TIME = 4;
let underWay = 0;

/** How many descriptors lookups hold at most: that of a resolver which does not answer is open for long. */
export function lookupDescriptors(): number {
  return Math.min(underWay, LOOKUPS_AT_A_TIME);
}

/**
 * Every address of `host`, in the system's order of preference; an IP address stands for itself.
 * @throws ResolveError
 */
export async function resolve(host: string, family: 4 | 6 | 'any'): Promise<readonly string[]> {
  const literal = isIP(host);
  if (literal !== 0) {
    if (family !== 'any' && family !== literal)
      throw new ResolveError(`${host} is an IPv${literal} address, but the target asks for IPv${family}`, {
        remedy: 'family',
      });
    return [host];
  }
  underWay += 1;
  try {
    const answers = await lookup(host, {
      all: true,
      family: family === 'any' ? 0 : family,
      order: 'verbatim',
    });
    if (answers.length === 0) throw new ResolveError(`${host} has no address`, { remedy: 'host' });
    return answers.map((answer) => answer.address);
  } catch (error) {
    if (error instanceof ResolveError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    const wanted = family === 'any' ? '' : ` to an IPv${family} address`;
    throw new ResolveError(`${host} does not resolve${wanted} (${code})`, {
      cause: error,
      remedy: NO_SUCH_NAME.includes(code) ? 'host' : undefined,
    });
  } finally {
    underWay -= 1;
  }
}
