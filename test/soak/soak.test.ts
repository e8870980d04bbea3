/** The shipped program for a minute and a half under work that never ends: what it holds does not grow. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { House } from '../../attack/support/house.js';
import { growthOf, type Holding, soak, type Soaked } from '../../attack/support/soak.js';

const SECONDS = 90;
const INTERVAL = 3;

describe('a soak of both roles', () => {
  let house: House;
  let soaked: Soaked;
  beforeAll(async () => {
    house = await House.open();
    soaked = await soak(house, SECONDS, INTERVAL);
  }, 170_000);
  afterAll(() => house.close());

  it('is work: tests and storms happen', () => {
    expect(soaked.tests).toBeGreaterThan(50);
    expect(soaked.rounds).toBeGreaterThan(20);
  });

  it.each(['exporter', 'responder'] as const)('leaves nothing behind in the %s', (role) => {
    expect(growthOf(soaked[role])).toEqual([]);
  });
});

describe('growthOf()', () => {
  const holding = (index: number, part: Partial<Holding> = {}): Holding => ({
    ...{ at: index, descriptors: 50, lost: 0, timers: 20, listeners: 9, heap: 20, resident: 90 },
    ...part,
  });
  const series = (part: (index: number) => Partial<Holding>): Holding[] =>
    Array.from({ length: 16 }, (_, index) => holding(index, part(index)));

  it.each([
    [
      'descriptors',
      series((index) => ({ descriptors: 50 + 4 * index })),
      'descriptors grew from 66.0 to 98.0',
    ],
    ['timers', series((index) => ({ timers: 20 + 3 * index })), 'timers grew from 32.0 to 56.0'],
    ['listeners', series((index) => ({ listeners: 9 + index })), 'listeners grew from 15.0 to 23.0'],
    ['heap', series((index) => ({ heap: 20 + index })), 'heap grew from 26.0 to 34.0'],
    [
      'a lost socket',
      series((index) => ({ lost: index === 15 ? 1 : 0 })),
      '1 descriptors without a connection',
    ],
  ])('sees %s grow', (_what, holdings, complaint) => {
    expect(growthOf(holdings)).toEqual([complaint]);
  });

  it('forgives a beginning and a noise', () => {
    expect(growthOf(series((index) => (index < 4 ? { heap: 5 } : { heap: 20 + (index % 2) })))).toEqual([]);
  });
});
