/** Passwords of `basic_auth_users`: bcrypt with a cache; an unknown user costs as much as a known one. */
import { createHmac, randomBytes } from 'node:crypto';
import bcrypt from 'bcryptjs';

export type PasswordCheck = (password: string, hash: string) => Promise<boolean>;

/** `busy`: too many unknown passwords wait for their check; ask again later. */
export type AuthResult = 'ok' | 'denied' | 'busy';

export interface BasicAuth {
  /** Judges the `Authorization` header; with no users configured everybody may in. */
  check(header: string | undefined, users: ReadonlyMap<string, string>): Promise<AuthResult>;
}

/** Most results that each cache remembers. */
const CACHE_SIZE = 100;
/** Most checks that wait for bcrypt; one takes about 80 ms of the only thread, so a flood must not queue up. */
const MOST_WAITING = 16;

/** A hash that no password has, of the given cost: salt and hash digits are all dots. */
function nobodysHash(cost: string): string {
  return `$2b$${cost}$${'.'.repeat(53)}`;
}

/** The cost of the dearest hash in the file, as its two digits. */
function highestCost(users: ReadonlyMap<string, string>): string {
  return [...users.values()].map((hash) => hash.slice(4, 6)).reduce((a, b) => (b > a ? b : a), '04');
}

export function createBasicAuth(compare: PasswordCheck = (p, h) => bcrypt.compare(p, h)): BasicAuth {
  // The cache must not become a list of plain passwords: it holds keyed digests.
  const secret = randomBytes(32);
  // Good and bad logins are remembered apart, so that a flood of wrong ones cannot push the scraper's out.
  const good = new Set<string>();
  const bad = new Set<string>();
  let waiting = 0;
  let queue: Promise<unknown> = Promise.resolve();

  const inTurn = (password: string, hash: string): Promise<boolean> => {
    const result = queue.then(() => compare(password, hash));
    queue = result.catch(() => undefined);
    return result;
  };

  return {
    async check(header, users) {
      if (users.size === 0) return 'ok';
      const login = parseBasic(header);
      if (login === undefined) return 'denied';
      const known = users.get(login.user);
      const hash = known ?? nobodysHash(highestCost(users));
      const key = createHmac('sha256', secret)
        .update(JSON.stringify([login.user, hash, login.password]))
        .digest('base64');
      if (good.has(key)) return 'ok';
      if (bad.has(key)) return 'denied';
      if (waiting >= MOST_WAITING) return 'busy';
      waiting++;
      try {
        const matches = await inTurn(login.password, hash);
        const ok = matches && known !== undefined;
        remember(ok ? good : bad, key);
        return ok ? 'ok' : 'denied';
      } finally {
        waiting--;
      }
    },
  };
}

function remember(cache: Set<string>, key: string): void {
  cache.add(key);
  const oldest = cache.values().next().value;
  if (cache.size > CACHE_SIZE && oldest !== undefined) cache.delete(oldest);
}

function parseBasic(header: string | undefined): { user: string; password: string } | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(header ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const decoded = Buffer.from(encoded, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  return colon < 0 ? undefined : { user: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}
