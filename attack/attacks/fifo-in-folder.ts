/** Whoever may write a folder of target files puts a FIFO there. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.js';

const CONFIG = `
target_files: ["folder/*.json"]
targets: [{name: embedded, embedded: {idle_timeout: 60s}}]
`;

export const attack: Attack = {
  about: 'a FIFO and a link to /dev/zero appear in the folder of target files',
  criterion: 'the site answers within 1 s all the time, and SIGTERM ends the program within 5 s',
  run: async (house) => {
    const folder = join(house.folder, 'folder');
    mkdirSync(folder);
    const exporter = await house.exporter(CONFIG);
    execFileSync('mkfifo', [join(folder, 'b.json')]);
    symlinkSync('/dev/zero', join(folder, 'c.json'));
    const times: (number | undefined)[] = [];
    for (let look = 0; look < 10; look += 1) {
      await sleep(1000);
      times.push(await exporter.answers('/-/healthy', 1000));
    }
    const { signal } = await exporter.process.stop('SIGTERM', 5000);
    const answered = times.filter((time) => time !== undefined).length;
    return {
      load: '10 s',
      held: answered === times.length && signal !== 'SIGKILL',
      outcome: `${answered} of ${times.length} requests answered, ${signal === 'SIGKILL' ? 'had to be killed' : 'ended on SIGTERM'}`,
      figure: `${exporter.logged(/level=(warn|error)/)} warnings`,
    };
  },
};
