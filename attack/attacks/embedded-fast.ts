/** The built-in target on its fastest schedule: tests, DROPs and FINs all the time. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.js';

const SECONDS = 25;
const CONFIG = `
schedule: "* * * * * *"
targets:
  - name: embedded
    embedded: {idle_timeout: 2s}
    search: {min_idle: 1s, deadline: 1s, resolution: 1s, max_idle: 10s}
`;

export const attack: Attack = {
  about: 'embedded target, idle timeout 2 s, a round each second',
  criterion: 'no socket stays open without a connection',
  run: async (house) => {
    const exporter = await house.exporter(CONFIG);
    const before = exporter.descriptors();
    await sleep(SECONDS * 1000);
    const lost = await exporter.lostSockets();
    const tests = await exporter.metric('nat_probe_verdicts_total');
    return {
      load: `${SECONDS} s, ${tests} tests`,
      held: lost === 0 && tests > 0,
      outcome: lost === 0 ? 'no leak' : 'descriptors leak',
      figure: `${lost} descriptors lost, ${before} → ${exporter.descriptors()} open`,
    };
  },
};
