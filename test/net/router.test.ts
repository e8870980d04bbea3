import { describe, expect, it } from 'vitest';
import { createAskRouter } from '../../src/net/router.js';
import { FakeClock } from '../support/fake-clock.js';

describe('createAskRouter', () => {
  const ends = { local: '192.168.1.2', remote: '203.0.113.9' };

  function start(gateway: string | undefined, address: string | undefined) {
    const clock = new FakeClock();
    const asked: string[] = [];
    const ask = createAskRouter(
      clock,
      (question) => {
        asked.push(`${question.local} ${question.gateway}`);
        return Promise.resolve(address);
      },
      () => Promise.resolve(gateway),
    );
    return { clock, asked, ask };
  }

  it.each(['8.8.4.1', undefined])('asks a router once an hour, whatever it answers (%s)', async (address) => {
    const { clock, asked, ask } = start('192.168.1.1', address);
    const expected = address && { address, askedAt: clock.monotonic() };
    expect(await Promise.all([ask(ends), ask(ends)])).toEqual([expected, expected]);
    await clock.advance(3599);
    expect(await ask(ends)).toEqual(expected);
    expect(asked).toEqual(['192.168.1.2 192.168.1.1']);
    await clock.advance(1);
    expect(await ask(ends)).toEqual(address && { address, askedAt: clock.monotonic() });
    expect(asked).toHaveLength(2);
  });

  it('asks nobody without a default gateway, and nobody for IPv6', async () => {
    const without = start(undefined, '8.8.4.1');
    expect(await without.ask(ends)).toBeUndefined();
    const six = start('192.168.1.1', '8.8.4.1');
    expect(await six.ask({ local: 'fd77::2', remote: '2001:db8::1' })).toBeUndefined();
    expect([...without.asked, ...six.asked]).toEqual([]);
  });
});
