import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../src/clock.js';

/** Seconds: more than Node's longest timer, which would fire at once. */
const LONG = 3_000_000;

describe('systemClock.after()', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it.each([0.25, LONG, 3 * LONG])('runs once after %d s', (delay) => {
    const run = vi.fn();
    systemClock.after(delay, run);
    vi.advanceTimersByTime(delay * 1000 - 1);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    vi.advanceTimersByTime(10 * LONG * 1000);
    expect(run).toHaveBeenCalledExactlyOnceWith();
  });

  it.each([0, -5])('runs at once after %d s', (delay) => {
    const run = vi.fn();
    systemClock.after(delay, run);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledOnce();
  });

  it.each([0, 2_500_000])('does not run when it is called off after %d s', (seconds) => {
    const run = vi.fn();
    const timer = systemClock.after(LONG, run);
    vi.advanceTimersByTime(seconds * 1000);
    timer.cancel();
    vi.advanceTimersByTime(2 * LONG * 1000);
    expect(run).not.toHaveBeenCalled();
  });
});
