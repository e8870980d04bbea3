/** Idle HTTP connections to the exporter's site take the descriptors of its probes. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.js';
import { open } from '../support/house.js';

const HELD = 1100;
const CONFIG = `
schedule: "* * * * * *"
targets:
  - name: embedded
    embedded: {idle_timeout: 3s}
    search: {min_idle: 1s, deadline: 1s, resolution: 1s, max_idle: 10s}
`;

export const attack: Attack = {
  about: "idle HTTP connections to the exporter's site",
  criterion:
    'a fresh scrape is answered within 4 s, tests go on, and the log says that callers are turned away',
  run: async (house) => {
    const exporter = await house.exporter(CONFIG);
    await sleep(3000);
    const sockets = await house.connectMany(Number(new URL(exporter.url).port), HELD);
    const scrape = await exporter.answers('/metrics');
    const before = scrape === undefined ? 0 : await exporter.metric('nat_probe_verdicts_total');
    await sleep(8000);
    const again = await exporter.answers('/metrics');
    const tests = again === undefined ? 0 : (await exporter.metric('nat_probe_verdicts_total')) - before;
    const warned = exporter.logged(/level=warn/);
    const held = open(sockets);
    return {
      load: `${HELD} connections, 1024 descriptors`,
      held: scrape !== undefined && again !== undefined && tests > 0 && warned > 0,
      outcome: `${[scrape, again].filter((time) => time !== undefined).length} of 2 fresh scrapes answered`,
      figure: `${held} held, ${tests} tests in 8 s, ${warned} warnings`,
    };
  },
};
