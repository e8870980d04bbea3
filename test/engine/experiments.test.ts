import { describe, expect, it } from 'vitest';
import { Experiments } from '../../src/engine/experiments.js';

describe('the experiments of a target', () => {
  it('run one at a time; one that is refused is not begun', async () => {
    const experiments = new Experiments();
    let end: () => void = () => undefined;
    const first = experiments.tryRun('quota_check', () => new Promise((resolve) => (end = resolve)));
    let begun = false;
    await expect(
      experiments.tryRun('advice_proof', () => {
        begun = true;
        return Promise.resolve();
      }),
    ).resolves.toBe(false);
    expect(begun).toBe(false);
    end();
    await expect(first).resolves.toBe(true);
  });

  it('make room for the next one after a failure', async () => {
    const experiments = new Experiments();
    const failing = experiments.tryRun('advice_proof', () => Promise.reject(new Error('no path')));
    await expect(failing).rejects.toThrow('no path');
    await expect(experiments.tryRun('quota_check', () => Promise.resolve())).resolves.toBe(true);
  });

  /** Which of these are begun beside one that runs, where experiments may run side by side. */
  async function beside(
    running: Parameters<Experiments['tryRun']>[0],
    ...others: readonly Parameters<Experiments['tryRun']>[0][]
  ): Promise<readonly boolean[]> {
    const experiments = new Experiments(true);
    void experiments.tryRun(running, () => new Promise(() => undefined));
    return Promise.all(others.map((other) => experiments.tryRun(other, () => Promise.resolve())));
  }

  it('run side by side where somebody waits, unless one needs the others to be away, and none twice', async () => {
    expect(await beside('advice_proof', 'localization', 'quota_check', 'advice_proof')).toEqual([
      true,
      false,
      false,
    ]);
    expect(await beside('quota_check', 'localization', 'advice_proof')).toEqual([false, false]);
  });

  it('keep out what needs them to be away until the last of them is over', async () => {
    const experiments = new Experiments(true);
    let end: () => void = () => undefined;
    const first = experiments.tryRun('localization', () => new Promise((resolve) => (end = resolve)));
    await experiments.tryRun('advice_proof', () => Promise.resolve());
    expect(await experiments.tryRun('quota_check', () => Promise.resolve())).toBe(false);
    end();
    await first;
    expect(await experiments.tryRun('quota_check', () => Promise.resolve())).toBe(true);
  });
});
