/** Configuration and token are no regular files. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.js';
import { statusOf } from '../support/victim.js';

const PATIENCE_S = 8;
const MOST_MEGABYTES = 300;

export const attack: Attack = {
  about: 'a FIFO and /dev/zero as configuration, as token, as web configuration',
  criterion: `ends with 2 and one line within ${PATIENCE_S} s, below ${MOST_MEGABYTES} MB`,
  run: async (house) => {
    const fifo = join(house.folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const target = (token: string): string => `targets: [{name: a, host: 192.0.2.1, token_file: ${token}}]\n`;
    const good = await house.write(
      'good.yaml',
      'targets: [{name: embedded, embedded: {idle_timeout: 60s}}]\n',
    );
    const runs = [
      ['--config.check', `--config.file=${fifo}`],
      ['--config.check', '--config.file=/dev/zero'],
      ['--config.check', `--config.file=${await house.write('fifo-token.yaml', target(fifo))}`],
      ['--config.check', `--config.file=${await house.write('zero-token.yaml', target('/dev/zero'))}`],
      ['responder', '--max-connections=100', `--token-file=${fifo}`],
      ['responder', '--max-connections=100', '--token-file=/dev/zero'],
      ['--config.check', `--config.file=${good}`, `--web.config.file=${fifo}`],
      ['--config.check', `--config.file=${good}`, '--web.config.file=/dev/zero'],
    ];
    let ended = 0;
    let most = 0;
    for (const args of runs) {
      const child = house.start(args);
      const end = performance.now() + PATIENCE_S * 1000;
      while (child.status === undefined && performance.now() < end) {
        most = Math.max(most, statusOf(child.pid, 'VmHWM') / 1024);
        // Memory is the attack: it is not let go on.
        if (most > 1000) await child.stop('SIGKILL');
        await sleep(50);
      }
      const { code } = await child.stop('SIGKILL');
      if (code === 2 && child.stderr.trim().split('\n').length === 1) ended += 1;
    }
    return {
      load: `${runs.length} files`,
      held: ended === runs.length && most < MOST_MEGABYTES,
      outcome: `${ended} of ${runs.length} refused with one line`,
      figure: `at most ${most.toFixed(0)} MB`,
    };
  },
};
