/** Requests that never end: a byte of a header each second. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.js';
import { open } from '../support/house.js';

const HELD = 300;
const SECONDS = 20;

export const attack: Attack = {
  about: 'HTTP requests that are sent a byte a second',
  criterion: `others are answered within 1 s, and no unfinished request is waited for longer than ${SECONDS} s`,
  run: async (house) => {
    const far = await house.responder();
    const sockets = await house.connectMany(Number(new URL(far.url).port), HELD, (socket) =>
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nX: '),
    );
    house.every(1000, () => {
      for (const socket of sockets) if (socket.writable) socket.write('a');
    });
    const times: (number | undefined)[] = [];
    for (let second = 0; second < SECONDS; second += 1) {
      times.push(await far.answers('/-/healthy', 1000));
      await sleep(1000);
    }
    const answered = times.filter((time) => time !== undefined);
    const left = open(sockets);
    return {
      load: `${HELD} requests, ${SECONDS} s`,
      held: answered.length === times.length && left === 0,
      outcome: `${answered.length} of ${times.length} honest requests answered`,
      figure: `max ${Math.max(...answered, 0).toFixed(0)} ms; ${left} still waited for`,
    };
  },
};
