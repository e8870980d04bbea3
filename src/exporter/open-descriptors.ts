/** `process_open_fds` without listing the descriptors: with 15 000 of them prom-client's own blocks for 0.1 s. */
import { readdir, stat } from 'node:fs/promises';
import { Gauge, type Registry } from 'prom-client';

const NAME = 'process_open_fds';
const FOLDER = '/proc/self/fd';

/** Puts our metric in the place of prom-client's, where that one exists (Linux). */
export function replaceOpenDescriptors(registry: Registry): void {
  if (registry.getSingleMetric(NAME) === undefined) return;
  registry.removeSingleMetric(NAME);
  new Gauge({
    name: NAME,
    help: 'Number of open file descriptors.',
    registers: [registry],
    async collect() {
      this.set(await countOpenDescriptors());
    },
  });
}

/**
 * The number of this process' open descriptors.
 * @see Documentation/filesystems/proc.rst of the Linux kernel: since 6.2 it is the size of the folder
 */
export async function countOpenDescriptors(): Promise<number> {
  const { size } = await stat(FOLDER);
  // Listing them opens one more.
  return size > 0 ? size : (await readdir(FOLDER)).length - 1;
}
