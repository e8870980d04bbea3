import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock } from '../../src/clock.js';
import { TargetFileWatch } from '../../src/commands/watch-target-files.js';
import { DEFAULT_SEARCH } from '../../src/config/schema.js';
import { FakeClock } from '../support/fake-clock.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nat-idle-targets-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
const files = () => ({ patterns: [join(folder, '*.yaml')], search: DEFAULT_SEARCH });

describe('TargetFileWatch', () => {
  test('tells once of files that changed together, by a slow look alone', async () => {
    const clock = new FakeClock();
    let changes = 0;
    const watch = new TargetFileWatch(clock, () => changes++);
    watch.follow(files());
    await clock.advance(60);
    expect(changes).toBe(0);
    write('a.yaml', '[]');
    write('b.yaml', '[]');
    await clock.advance(11);
    expect(changes).toBe(1);
    await clock.advance(60);
    expect(changes).toBe(1);
    watch.close();
    write('c.yaml', '[]');
    await clock.advance(60);
    expect(changes).toBe(1);
  });

  test('is told by the kernel of a file that is moved into place', async () => {
    const changed = vi.fn();
    const watch = new TargetFileWatch(systemClock, changed);
    watch.follow(files());
    const start = performance.now();
    write('a.tmp', '[]');
    renameSync(join(folder, 'a.tmp'), join(folder, 'a.yaml'));
    await vi.waitFor(() => expect(changed).toHaveBeenCalledTimes(1), { timeout: 8000 });
    expect(performance.now() - start).toBeLessThan(8000);
    watch.close();
  });
});
