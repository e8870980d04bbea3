/** An exporter before a far end that lets connections begin and not last: how often does it try again? */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.js';
import { FAKES } from '../../test/support/lying-far-ends.js';

const SECONDS = 15;
/** One mode opens 24 connections at once; each of its first tries may take as many. */
const MOST_CONNECTIONS = 300;
const MOST_LINES = 20;

export function hammering(fake: keyof typeof FAKES, about: string): Attack {
  return {
    about,
    criterion: `at most ${MOST_CONNECTIONS} connections and ${MOST_LINES} log lines in ${SECONDS} s, no death, no mapping loss`,
    run: async (house) => {
      let connections = 0;
      const port = await house.serve((socket) => {
        connections += 1;
        FAKES[fake](socket);
      });
      const exporter = await house.exporter(`targets: [{name: a, host: 127.0.0.1, port: ${port}}]\n`);
      const cpu = exporter.cpu();
      await sleep(SECONDS * 1000);
      const used = exporter.cpu() - cpu;
      const losses = await exporter.metric('nat_mapping_losses_total');
      const deaths = await exporter.metric('nat_probe_verdicts_total', 'verdict="dead"');
      const lines = exporter.logged();
      return {
        load: `${SECONDS} s`,
        held: connections <= MOST_CONNECTIONS && lines <= MOST_LINES && losses === 0 && deaths === 0,
        outcome: `${connections} connections, ${losses} mapping losses`,
        figure: `${lines} log lines, ${((used / SECONDS) * 100).toFixed(0)} % CPU`,
      };
    },
  };
}
