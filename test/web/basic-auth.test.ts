import bcrypt from 'bcryptjs';
import { expect, test } from 'vitest';
import { createBasicAuth } from '../../src/web/basic-auth.js';

/** Answers like bcrypt would and counts how often it was asked. */
function countingCheck() {
  const asked: { password: string; hash: string }[] = [];
  const check = (password: string, hash: string): Promise<boolean> => {
    asked.push({ password, hash });
    return bcrypt.compare(password, hash);
  };
  return { asked, check };
}

const HASH = bcrypt.hashSync('right', 4);
const USERS = new Map([['alice', HASH]]);

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

test('createBasicAuth() lets everybody in while no users are configured', async () => {
  const { asked, check } = countingCheck();
  expect(await createBasicAuth(check).check(undefined, new Map())).toBe('ok');
  expect(asked).toEqual([]);
});

test('createBasicAuth() denies requests without a readable login and runs no bcrypt for them', async () => {
  const { asked, check } = countingCheck();
  const auth = createBasicAuth(check);
  for (const header of [
    undefined,
    '',
    'Bearer x',
    'Basic',
    `Basic ${Buffer.from('no colon').toString('base64')}`,
    `${basic('alice', 'right')} ${basic('alice', 'right')}`,
    `x${basic('alice', 'right')}`,
    basic('alice', 'right').replace(' ', ''),
    'Basic !!!!',
  ]) {
    expect(await auth.check(header, USERS)).toBe('denied');
  }
  expect(asked).toEqual([]);
});

test('createBasicAuth() asks bcrypt once for the same login', async () => {
  const { asked, check } = countingCheck();
  const auth = createBasicAuth(check);
  expect(await auth.check(basic('alice', 'right'), USERS)).toBe('ok');
  expect(await auth.check(basic('alice', 'right'), USERS)).toBe('ok');
  expect(await auth.check(basic('alice', 'wrong'), USERS)).toBe('denied');
  expect(await auth.check(basic('alice', 'wrong'), USERS)).toBe('denied');
  expect(asked.map(({ password }) => password)).toEqual(['right', 'wrong']);
});

test('createBasicAuth() runs bcrypt of the same cost for an unknown user', async () => {
  const { asked, check } = countingCheck();
  const users = new Map([
    ['cheap', bcrypt.hashSync('x', 4)],
    ['dear', bcrypt.hashSync('x', 6)],
  ]);
  expect(await createBasicAuth(check).check(basic('mallory', 'right'), users)).toBe('denied');
  expect(asked).toHaveLength(1);
  expect(asked[0]?.hash).toMatch(/^\$2b\$06\$/);
  expect(bcrypt.getRounds(asked[0]?.hash ?? '')).toBe(6);
});

test('createBasicAuth() lets no unknown user in even if bcrypt said yes', async () => {
  const auth = createBasicAuth(() => Promise.resolve(true));
  expect(await auth.check(basic('mallory', 'x'), USERS)).toBe('denied');
});

test('createBasicAuth() accepts the hashes of htpasswd ($2y$) and passwords with colons and umlauts', async () => {
  const auth = createBasicAuth();
  const users = new Map([['bob', bcrypt.hashSync('a:ö', 4).replace(/^\$2.\$/, '$2y$')]]);
  expect(await auth.check(basic('bob', 'a:ö'), users)).toBe('ok');
});

test('createBasicAuth() forgets a login when the hash changes', async () => {
  const auth = createBasicAuth();
  expect(await auth.check(basic('alice', 'right'), USERS)).toBe('ok');
  const changed = new Map([['alice', bcrypt.hashSync('other', 4)]]);
  expect(await auth.check(basic('alice', 'right'), changed)).toBe('denied');
});

test('createBasicAuth() turns a flood of unknown logins away while a remembered one passes', async () => {
  let release: () => void = () => undefined;
  const gate = new Promise<void>((open) => (release = open));
  let gated = false;
  const auth = createBasicAuth(async (password) => {
    if (gated) await gate;
    return password === 'right';
  });
  expect(await auth.check(basic('alice', 'right'), USERS)).toBe('ok');
  gated = true;
  const flood = Array.from({ length: 40 }, (_, index) =>
    auth.check(basic('alice', `guess ${String(index)}`), USERS),
  );
  expect(await auth.check(basic('alice', 'right'), USERS)).toBe('ok');
  release();
  const results = await Promise.all(flood);
  expect(results.filter((result) => result === 'busy')).toHaveLength(24);
  expect(results.filter((result) => result === 'denied')).toHaveLength(16);
});

test('createBasicAuth() takes the scheme in any case, with blanks around the login, and a login without a name', async () => {
  const users = new Map([...USERS, ['', HASH]]);
  const auth = createBasicAuth();
  const [, login = ''] = basic('alice', 'right').split(' ');
  for (const header of [`bAsIc ${login}`, `Basic   ${login}  `, basic('', 'right')])
    expect(await auth.check(header, users)).toBe('ok');
});

test.each([
  ['wrong', 'denied'],
  ['right', 'ok'],
] as const)('createBasicAuth() remembers the newest hundred %s logins', async (kind, result) => {
  const users = new Map(Array.from({ length: 101 }, (_, index) => [`user ${index}`, HASH]));
  const asked: string[] = [];
  const auth = createBasicAuth((password) => {
    asked.push(password);
    return Promise.resolve(kind === 'right');
  });
  const login = (index: number) => auth.check(basic(`user ${index}`, `password ${index}`), users);
  for (let index = 0; index <= 100; index += 1) expect(await login(index)).toBe(result);
  asked.length = 0;
  for (const index of [100, 1, 0]) expect(await login(index)).toBe(result);
  expect(asked).toEqual(['password 0']);
});

test('createBasicAuth() goes on when a check fails, and has room for the next one', async () => {
  let fails = true;
  const auth = createBasicAuth(() => (fails ? Promise.reject(new Error('no')) : Promise.resolve(true)));
  for (let index = 0; index < 20; index += 1)
    await expect(auth.check(basic('alice', `${index}`), USERS)).rejects.toThrow('no');
  fails = false;
  expect(await auth.check(basic('alice', 'right'), USERS)).toBe('ok');
});
