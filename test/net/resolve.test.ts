import { describe, expect, it } from 'vitest';
import { lookupDescriptors, resolve } from '../../src/net/resolve.js';

describe('resolve()', () => {
  it.each([
    ['192.0.2.1', 'any'],
    ['192.0.2.1', 4],
    ['2001:db8::1', 'any'],
    ['2001:db8::1', 6],
  ] as const)('has the address %s stand for itself where the family is %s', async (host, family) => {
    expect(await resolve(host, family)).toEqual([host]);
  });

  it.each([
    ['192.0.2.1', 6, '192.0.2.1 is an IPv4 address, but the target asks for IPv6'],
    ['2001:db8::1', 4, '2001:db8::1 is an IPv6 address, but the target asks for IPv4'],
  ] as const)('refuses %s where the family is %s', async (host, family, problem) => {
    const error: unknown = await resolve(host, family).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: problem, remedy: 'family' });
  });

  it('finds the addresses of a name', async () => {
    expect(await resolve('localhost', 4)).toEqual(['127.0.0.1']);
  });

  it.each([
    ['any', /^name\.invalid does not resolve \(E\w+\)$/],
    [4, /^name\.invalid does not resolve to an IPv4 address \(E\w+\)$/],
    [6, /^name\.invalid does not resolve to an IPv6 address \(E\w+\)$/],
  ] as const)('says what it looked for where there is nothing of family %s', async (family, problem) => {
    const error: unknown = await resolve('name.invalid', family).catch((reason: unknown) => reason);
    expect((error as Error).message).toMatch(problem);
    expect((error as Error).cause).toBeInstanceOf(Error);
  });

  it('holds a descriptor for each lookup under way, at most one for each thread that looks up', async () => {
    const names = Array.from({ length: 6 }, () => resolve('localhost', 4));
    expect(lookupDescriptors()).toBe(4);
    await Promise.all(names.slice(0, 6));
    expect(lookupDescriptors()).toBe(0);
    const failing = [resolve('name.invalid', 4), resolve('name.invalid', 6)];
    expect(lookupDescriptors()).toBe(2);
    await Promise.allSettled(failing);
    expect(lookupDescriptors()).toBe(0);
  });
});
