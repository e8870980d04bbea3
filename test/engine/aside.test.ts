import { describe, expect, it } from 'vitest';
import { Aside } from '../../src/engine/aside.js';
import { Launches } from '../../src/engine/launches.js';
import type { TrialResult } from '../../src/engine/trial.js';
import type { Seconds } from '../../src/units.js';
import { makeConfig } from '../support/fake-view.js';
import { watchPath } from '../support/watched-path.js';

const { search } = makeConfig('vps');

/** A connection beside a search, over a fake path whose canaries live. */
async function start(testAt?: Seconds) {
  const { clock, path, watched } = await watchPath({ survives: 7440 });
  const nothing = (): undefined => undefined;
  const over: (TrialResult | undefined)[] = [];
  const aside = new Aside({
    id: 7,
    settings: {
      target: 'vps',
      mode: 'send',
      search,
      clock,
      launches: new Launches({ clock }),
      stood: () => 0,
      opened: nothing,
      failed: nothing,
      concluded: nothing,
    },
    watched,
    ...(testAt === undefined ? {} : { testAt }),
    over: (result) => over.push(result),
  });
  return { clock, path, aside, over };
}

describe('a connection beside a search', () => {
  it('is shown while it opens, idles and is tested, and is over with its verdict', async () => {
    const { clock, aside, over } = await start();
    expect(aside.waiting).toEqual({ id: 7, state: 'opening' });
    expect(aside.open).toBe(false);
    await clock.advance(10.05);
    expect(await aside.opened).toBe(true);
    expect(aside.open).toBe(true);
    expect(aside.waiting).toMatchObject({ id: 7, state: 'idle' });
    expect(aside.waiting?.age).toBeCloseTo(10);
    const asked = aside.ask();
    expect(aside.waiting?.state).toBe('testing');
    const result = await clock.settle(asked, 30);
    expect(result?.verdict).toEqual({ kind: 'alive' });
    expect(over).toEqual([result]);
    expect(aside.waiting).toBeUndefined();
    expect(aside.open).toBe(false);
  });

  it('is asked by its far end where that was fixed at launch, and never twice', async () => {
    const { clock, path, aside } = await start(60);
    const open = path.open.bind(path);
    path.open = async (...asked) =>
      Object.assign(await open(...asked), { test: () => new Promise(() => {}) });
    await clock.advance(1);
    expect(aside.waiting).toMatchObject({ testAt: 60, state: 'idle' });
    void aside.ask();
    expect(aside.waiting?.state).toBe('idle');
  });

  it('counts as no test where it is closed, and is over once', async () => {
    const { clock, path, aside, over } = await start();
    await clock.advance(10);
    aside.close();
    aside.close();
    aside.giveUp();
    expect(over).toEqual([undefined]);
    expect(await aside.result).toBeUndefined();
    expect(path.probes.size).toBe(0);
    expect(await aside.ask()).toBeUndefined();
  });

  it('is a test that could not be held where it is given up', async () => {
    const { clock, aside, over } = await start();
    await clock.advance(10);
    aside.giveUp();
    expect(over.map((result) => result?.verdict)).toEqual([{ kind: 'inconclusive', reason: 'interrupted' }]);
    expect(over[0]?.idle).toBeCloseTo(9.95);
  });

  it('says so where it cannot be opened', async () => {
    const { clock, path, aside, over } = await start();
    path.passes = false;
    await clock.advance(10);
    expect(await aside.opened).toBe(false);
    expect(over).toEqual([undefined]);
    expect(await aside.result).toBeUndefined();
  });
});
