/** `--socket-options`: whether native code is loaded, said once in the log. */
import type { Logger } from '../log.js';
import { enableSocketOptions, socketOptions, UNAVAILABLE_WORDS } from '../net/socket-options/library.js';

/** Loads the library unless that is forbidden; everything else works without it. */
export async function useSocketOptions(wanted: 'auto' | 'off', log: Logger): Promise<void> {
  const capability = wanted === 'off' ? socketOptions() : await enableSocketOptions();
  if (capability.available) {
    log.info('socket options can be set and read');
    return;
  }
  const why = UNAVAILABLE_WORDS[capability.why];
  log.info(
    { why },
    'no socket options: boxes cannot be located from here, keepalives are judged by the kernel table',
  );
}
