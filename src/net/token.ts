/** The shared token of client and responder: read from a file, used as an HMAC key, never sent. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { MIN_TOKEN_LENGTH } from '../config/defaults.js';

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
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new TokenError(`token file ${path} cannot be read: ${code}`, { cause });
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
