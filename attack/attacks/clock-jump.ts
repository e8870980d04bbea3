/** The wall clock jumps by years, forward and back, while the schedule has seconds. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.js';

/** SIGUSR2 sets the clock 5 years forward; SIGWINCH 10 years back. */
const PRELOAD = `
let offset = 0;
const { now } = Date;
const Real = Date;
globalThis.Date = class extends Real {
  constructor(...given) { given.length > 0 ? super(...given) : super(now() + offset); }
};
globalThis.Date.now = () => now() + offset;
process.on('SIGUSR2', () => { offset += 5 * 365 * 864e5; });
process.on('SIGWINCH', () => { offset -= 10 * 365 * 864e5; });
`;
const CONFIG = `
schedule: "* * * * * *"
targets: [{name: embedded, embedded: {idle_timeout: 60s}}]
`;

export const attack: Attack = {
  about: 'the wall clock jumps by 5 years forward, then by 10 back, schedule with seconds',
  criterion: 'the site answers within 1 s all the time, and SIGTERM ends the program within 5 s',
  run: async (house) => {
    const preload = await house.write('clock.cjs', PRELOAD);
    const exporter = await house.exporter(CONFIG, [], { node: [`--require=${preload}`] });
    const times: (number | undefined)[] = [];
    for (const signal of ['SIGUSR2', 'SIGWINCH'] as const) {
      exporter.process.signal(signal);
      for (let look = 0; look < 5; look += 1) {
        await sleep(500);
        times.push(await exporter.answers('/-/healthy', 1000));
      }
    }
    const memory = exporter.megabytes();
    const { signal } = await exporter.process.stop('SIGTERM', 5000);
    const answered = times.filter((time) => time !== undefined).length;
    return {
      load: '+5 years, −10 years',
      held: answered === times.length && signal !== 'SIGKILL',
      outcome: `${answered} of ${times.length} requests answered, ${signal === 'SIGKILL' ? 'had to be killed' : 'ended on SIGTERM'}`,
      figure: `RSS ${memory.toFixed(0)} MB`,
    };
  },
};
