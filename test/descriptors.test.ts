import { readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { countOpenDescriptors } from '../src/descriptors.js';

describe.runIf(process.platform === 'linux')('countOpenDescriptors()', () => {
  it('counts each file that is opened and closed', async () => {
    const before = await countOpenDescriptors();
    // Listing them opens one more.
    expect(before).toBe(readdirSync('/proc/self/fd').length - 1);
    const files = await Promise.all(Array.from({ length: 10 }, () => open('/dev/null')));
    expect(await countOpenDescriptors()).toBe(before + 10);
    await Promise.all(files.map((file) => file.close()));
    expect(await countOpenDescriptors()).toBe(before);
  });
});
