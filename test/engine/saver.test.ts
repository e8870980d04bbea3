import { describe, expect, it } from 'vitest';
import type { ModeRunner } from '../../src/engine/mode-runner.js';
import type { QuotaChecker } from '../../src/engine/quota-checker.js';
import { Saver } from '../../src/engine/saver.js';
import type { StateStore } from '../../src/engine/state-store.js';
import type { TargetConfig } from '../../src/config/config.js';
import { createLogger } from '../../src/log.js';
import { FakeClock } from '../support/fake-clock.js';
import { makeConfig } from '../support/fake-view.js';

/** A saver of one mode, over a store in memory. */
function start(target: TargetConfig = makeConfig('vps'), files = new Map<string, unknown>()) {
  const clock = new FakeClock();
  const lines: string[] = [];
  const writes: number[] = [];
  const store = {
    load: (name: string) => Promise.resolve(files.get(name)),
    save: (name: string, state: unknown) => {
      writes.push(clock.monotonic());
      files.set(name, JSON.parse(JSON.stringify(state)));
      return Promise.resolve();
    },
  } as unknown as StateStore;
  const log = createLogger({
    level: 'info',
    format: 'logfmt',
    stream: { write: (line) => lines.push(line) },
  });
  const saver = new Saver({ target, store, clock, log });
  const mode = { mode: 'send', save: () => ({ search: { phase: 'climb' }, at: 5 }) } as unknown as ModeRunner;
  const quota = { save: () => undefined } as unknown as QuotaChecker;
  return {
    clock,
    files,
    writes,
    saver,
    follow: () => saver.follow([mode], quota),
    said: () => lines.join(''),
  };
}

describe('a target’s state', () => {
  it('is written a second after news, once for a burst, and a minute after routine', async () => {
    const { clock, writes, saver, follow } = start();
    follow();
    const began = clock.monotonic();
    saver.changed(false);
    await clock.advance(10);
    saver.changed(true);
    await clock.advance(0.5);
    saver.changed(true);
    saver.changed(false);
    await clock.advance(100);
    expect(writes).toEqual([began + 11]);
    saver.changed(false);
    await clock.advance(30);
    saver.changed(false);
    await clock.advance(100);
    expect(writes).toEqual([began + 11, began + 170.5]);
  });

  it('is not written by itself any more once it is stopped, nor before there is any', async () => {
    const { clock, writes, saver, follow } = start();
    await saver.save();
    expect(writes).toEqual([]);
    follow();
    saver.changed(true);
    saver.stop();
    await clock.advance(100);
    expect(writes).toEqual([]);
    expect(clock.timers).toBe(0);
    await saver.save();
    expect(writes).toHaveLength(1);
  });

  it('is taken back with its modes', async () => {
    const { clock, saver, follow } = start();
    follow();
    await saver.save();
    const saved = await saver.load();
    expect(saved).toMatchObject({
      savedAt: clock.wall(),
      searches: [{ name: { mode: 'send' }, at: 5, search: { phase: 'climb' } }],
    });
    expect(saved).not.toHaveProperty('quota');
    expect(saved).not.toHaveProperty('localization');
  });

  it('of another path is not taken over, and that is said', async () => {
    const files = new Map<string, unknown>();
    const { saver, follow } = start(makeConfig('vps'), files);
    follow();
    await saver.save();
    const { far_end: farEnd } = makeConfig('vps');
    for (const change of [
      { local_address: '192.0.2.7' },
      { family: 6 as const },
      { far_end: { ...farEnd, host: 'other.example' } as typeof farEnd },
    ]) {
      const other = start(makeConfig('vps', change), files);
      expect(await other.saver.load()).toBeUndefined();
      expect(other.said()).toContain('the saved state belongs to another path; starting anew');
    }
  });

  it('that makes no sense is not taken, and that is said', async () => {
    const { saver, said } = start(makeConfig('vps'), new Map([['vps', { searches: 5 }]]));
    expect(await saver.load()).toBeUndefined();
    expect(said()).toContain('the state file holds no state; starting without it');
  });

  it('that is not there is nothing to speak of', async () => {
    const { saver, said } = start();
    expect(await saver.load()).toBeUndefined();
    expect(said()).toBe('');
  });
});
