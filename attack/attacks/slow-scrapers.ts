/** Readers that ask for the pages of a fleet and take nothing. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.js';

const TARGETS = 300;
const READERS = 60;
const PATHS = ['/api/v1/targets', '/metrics', '/api/v1/events'];
const MOST_MEGABYTES = 500;
/** A reader that takes nothing is cut off after a minute. */
const CUT_OFF_S = 75;

export const attack: Attack = {
  about: `readers of ${PATHS.join(', ')} of ${TARGETS} targets that ask again and again and take nothing`,
  criterion: `an honest scrape is answered within 10 s, below ${MOST_MEGABYTES} MB, and memory comes back within ${CUT_OFF_S} s`,
  run: async (house) => {
    const targets = Array.from(
      { length: TARGETS },
      (_, index) => `  - {name: t${index}, host: 127.0.0.1, port: 1}\n`,
    );
    const exporter = await house.exporter(`targets:\n${targets.join('')}`, [], { descriptors: 2048 });
    await sleep(3000);
    await exporter.answers('/metrics');
    const before = exporter.megabytes();
    const port = Number(new URL(exporter.url).port);
    await house.connectMany(port, READERS, (socket, index) => {
      socket.pause();
      // Pipelined: one connection asks for far more than the kernel takes.
      const path = PATHS[index % PATHS.length] ?? '/';
      socket.write(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`.repeat(50));
    });
    const scrape = await exporter.answers('/metrics', 10_000);
    let most = exporter.megabytes();
    const began = performance.now();
    while (performance.now() - began < CUT_OFF_S * 1000) {
      await sleep(1000);
      most = Math.max(most, exporter.megabytes());
      if (performance.now() - began > 5000 && exporter.megabytes() < before * 1.5) break;
    }
    const after = exporter.megabytes();
    return {
      load: `${READERS} readers, 50 requests each`,
      held: scrape !== undefined && most < MOST_MEGABYTES && after < Math.max(before * 1.5, before + 60),
      outcome:
        scrape === undefined ? 'an honest scrape failed' : `an honest scrape took ${scrape.toFixed(0)} ms`,
      figure: `RSS ${before.toFixed(0)} → ${most.toFixed(0)} → ${after.toFixed(0)} MB after ${((performance.now() - began) / 1000).toFixed(0)} s`,
    };
  },
};
