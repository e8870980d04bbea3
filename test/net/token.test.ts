import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hostConntrackTimeout } from '../../src/net/conntrack.js';
import { LiveToken, randomHex, readTokenFile, sameMac, TokenError, tokenMac } from '../../src/net/token.js';

const folder = mkdtempSync(join(tmpdir(), 'token-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

describe('readTokenFile', () => {
  it.each(['correct horse battery', 'correct horse battery\n', 'correct horse battery\r\n'])(
    'takes one line break from the end of %j',
    (content) => {
      expect(readTokenFile(file('token', content))).toBe('correct horse battery');
    },
  );

  it('keeps every other white space', () => {
    expect(readTokenFile(file('token', ' correct horse battery \n\n'))).toBe(' correct horse battery \n');
  });

  it.each([
    ['empty', '', 'is empty'],
    ['newline', '\n', 'is empty'],
    ['one short', 'fifteen letters', 'holds 15 characters, a token has at least 16'],
    ['short', 'fifteen letters\n', 'holds 15 characters, a token has at least 16'],
  ])('refuses a file that is %s', (name, content, problem) => {
    const path = file(name, content);
    expect(() => readTokenFile(path)).toThrow(`token file ${path} ${problem}`);
  });

  it('names a file that cannot be read', () => {
    expect(() => readTokenFile('/nonexistent/token')).toThrow(
      'token file /nonexistent/token cannot be read: ENOENT',
    );
    expect(() => readTokenFile(folder)).toThrow(`token file ${folder} cannot be read: EISDIR`);
  });
});

describe('LiveToken', () => {
  it('follows its file, and keeps the one before while it cannot be used, which it says once for each trouble', () => {
    const path = file('live', 'correct horse battery');
    const told: string[] = [];
    const token = new LiveToken(path, (trouble) => told.push(trouble));
    expect(token.value).toBe('correct horse battery');
    expect(told).toEqual([]);
    file('live', 'another horse battery');
    expect(token.value).toBe('another horse battery');
    const empty = `token file ${path} is empty; the one before stays in force`;
    const short = `token file ${path} holds 5 characters, a token has at least 16; the one before stays in force`;
    for (const [content, troubles] of [
      ['', [empty]],
      ['', [empty]],
      ['short', [empty, short]],
      ['short', [empty, short]],
    ] as const) {
      file('live', content);
      expect(token.value).toBe('another horse battery');
      expect(told).toEqual(troubles);
    }
    file('live', 'yet another horse battery');
    expect(token.value).toBe('yet another horse battery');
    file('live', 'short');
    expect(token.value).toBe('yet another horse battery');
    expect(told).toEqual([empty, short, short]);
  });

  it('is none where its file cannot be used from the start', () => {
    expect(() => new LiveToken('/nonexistent/token', () => undefined)).toThrow(TokenError);
  });
});

describe('tokenMac', () => {
  it('is HMAC-SHA256', () => {
    // RFC 4231, test case 2
    expect(tokenMac('Jefe', 'what do ya want for nothing?')).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  it('sameMac() compares the whole of both', () => {
    expect(sameMac('ab', 'ab')).toBe(true);
    expect(sameMac('ab', 'ac')).toBe(false);
    expect(sameMac('ab', 'abc')).toBe(false);
    expect(sameMac('', '')).toBe(true);
  });

  it('randomHex() does not repeat itself', () => {
    expect(randomHex(16)).toMatch(/^[0-9a-f]{32}$/);
    expect(randomHex(16)).not.toBe(randomHex(16));
  });
});

describe('hostConntrackTimeout', () => {
  it('is the number in the file', () => {
    expect(hostConntrackTimeout(file('established', '432000\n'))).toBe(432_000);
  });

  it('is unknown without a file or with something else in it', () => {
    expect(hostConntrackTimeout('/nonexistent')).toBeUndefined();
    expect(hostConntrackTimeout(file('odd', '-1\n'))).toBeUndefined();
    expect(hostConntrackTimeout(file('void', ''))).toBeUndefined();
  });
});
