/** Receivers of remote write that never stop answering, answer nothing, send us elsewhere or ask us to wait for ever. */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attack } from '../attack.js';

const SECONDS = 12;
const MOST_MEGABYTES = 250;
const head = (status: string, ...headers: string[]): string =>
  [`HTTP/1.1 ${status}`, ...headers, '', ''].join('\r\n');

function pour(socket: Socket, text: string): void {
  const more = (): void => {
    while (!socket.destroyed && socket.writable && socket.write(text));
  };
  socket.on('drain', () => setTimeout(more, 1));
  more();
}

const ANSWERS: Readonly<Record<string, (socket: Socket) => void>> = {
  'endless body': (socket) => {
    socket.write(head('200 OK'));
    pour(socket, 'x'.repeat(65_536));
  },
  'endless headers': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    pour(socket, `A: ${'x'.repeat(1000)}\r\n`);
  },
  'redirect to link-local': (socket) => socket.end(head('307 X', 'Location: http://169.254.169.254/')),
  'redirect to a file': (socket) => socket.end(head('302 X', 'Location: file:///etc/passwd')),
  'Retry-After of 1e99': (socket) => socket.end(head('503 X', 'Retry-After: 1e99', 'Content-Length: 0')),
  'Retry-After in 9999': (socket) =>
    socket.end(head('429 X', 'Retry-After: Fri, 31 Dec 9999 23:59:59 GMT', 'Content-Length: 0')),
  'closes in the middle': (socket) => socket.end(`${head('200 OK', 'Content-Length: 9')}x`),
  'a byte now and then': (socket) => {
    socket.write('H');
  },
};

export const attack: Attack = {
  about: 'hostile receivers of remote write, one after the other for a second or two each',
  criterion: `the site answers within 1 s, below ${MOST_MEGABYTES} MB, at most 60 requests and 30 log lines in ${SECONDS} s`,
  run: async (house) => {
    const answers = Object.values(ANSWERS);
    let requests = 0;
    const port = await house.serve((socket) => {
      const answer = answers[requests++ % answers.length];
      socket.once('data', () => answer?.(socket));
    });
    const exporter = await house.exporter(
      `targets: [{name: embedded, embedded: {idle_timeout: 60s}}]\nremote_write: {url: "http://127.0.0.1:${port}/", interval: 1s}\n`,
    );
    let slowest = 0;
    let most = 0;
    for (let second = 0; second < SECONDS; second += 1) {
      await sleep(1000);
      slowest = Math.max(slowest, (await exporter.answers('/-/healthy', 1000)) ?? Infinity);
      most = Math.max(most, exporter.megabytes());
    }
    const lines = exporter.logged();
    return {
      load: `${answers.length} kinds, ${SECONDS} s`,
      held: slowest < 1000 && most < MOST_MEGABYTES && requests <= 60 && lines <= 30 && requests > 1,
      outcome: `${requests} requests, ${lines} log lines`,
      figure: `site max ${slowest.toFixed(0)} ms, RSS ≤ ${most.toFixed(0)} MB`,
    };
  },
};
