/** The shared token of client and responder: read from a file, used as an HMAC key, never sent. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { MIN_TOKEN_LENGTH } from '../config/fields.js';
import { FILE_LIMITS, readRegularFile, unreadableInShort } from '../files.js';

/** The token file cannot be used; the message names the file and the reason, never the token. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
}

/**
 * Reads a token from a file and takes one trailing line break away.
 * @throws TokenError if the file cannot be read or holds fewer than `MIN_TOKEN_LENGTH` characters.
 */
export function readTokenFile(path: string): string {
  let text: string;
  try {
    text = readRegularFile(path, FILE_LIMITS.secret).toString('utf8');
  } catch (cause) {
    throw new TokenError(`token file ${path} cannot be read: ${unreadableInShort(cause)}`, { cause });
  }
  const token = text.replace(/\r?\n$/, '');
  if (token.length === 0) throw new TokenError(`token file ${path} is empty`);
  if (token.length < MIN_TOKEN_LENGTH) {
    throw new TokenError(
      `token file ${path} holds ${token.length} characters, a token has at least ${MIN_TOKEN_LENGTH}`,
    );
  }
  return token;
}

/** A token that is read anew each time it is wanted; while its file cannot be used, the one before stays in force. */
export class LiveToken {
  readonly #path: string;
  readonly #tell: (trouble: string) => void;
  #good: string;
  #told = '';

  /**
   * @param tell called once for each new trouble
   * @throws TokenError
   */
  constructor(path: string, tell: (trouble: string) => void) {
    this.#path = path;
    this.#tell = tell;
    this.#good = readTokenFile(path);
  }

  get value(): string {
    try {
      this.#good = readTokenFile(this.#path);
      this.#told = '';
    } catch (error) {
      if (!(error instanceof TokenError)) throw error;
      if (this.#told !== error.message) this.#tell(`${error.message}; the one before stays in force`);
      this.#told = error.message;
    }
    return this.#good;
  }
}

/** HMAC-SHA256 of `input` under the token, as 64 lower-case hex digits; `macInput` builds the input. */
export function tokenMac(token: string, input: string): string {
  return createHmac('sha256', token).update(input).digest('hex');
}

/** Compares two macs in a time that does not depend on where they differ. */
export function sameMac(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left, 'latin1'), Buffer.from(right, 'latin1')];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** An unpredictable number of `bytes` bytes as lower-case hex: session, nonces, challenges. */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
