/** SIGHUP again and again. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.js';

const RELOADS = 150;
const CONFIG = 'targets: [{name: embedded, embedded: {idle_timeout: 60s}}]\n';

export const attack: Attack = {
  about: 'SIGHUP 10 times a second',
  criterion: 'the site answers within 1 s, no descriptor is left over, memory does not grow by 40 MB',
  run: async (house) => {
    const exporter = await house.exporter(CONFIG);
    await sleep(1000);
    const before = { descriptors: exporter.descriptors(), memory: exporter.megabytes() };
    let slowest = 0;
    for (let index = 0; index < RELOADS; index += 1) {
      exporter.process.signal('SIGHUP');
      await sleep(100);
      if (index % 10 === 0)
        slowest = Math.max(slowest, (await exporter.answers('/-/healthy', 1000)) ?? Infinity);
    }
    await sleep(1000);
    const lost = await exporter.lostSockets();
    const grown = exporter.megabytes() - before.memory;
    return {
      load: `${RELOADS} reloads`,
      held: slowest < 1000 && lost === 0 && grown < 40,
      outcome: `${exporter.logged(/configuration loaded/)} loaded`,
      figure: `max ${slowest.toFixed(0)} ms, ${grown.toFixed(0)} MB, ${before.descriptors} → ${exporter.descriptors()} descriptors`,
    };
  },
};
