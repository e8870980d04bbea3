/**
 * The near end of a sweep: opens one bare connection for each test, leaves it idle, breaks the silence in its mode
 * and reports what came of it. Arguments: host, port, the tests as JSON.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { PATIENCE, report, type Busy, type Mark, type SweepTest } from './sweep.js';

const [host = '', port = '', tests = '[]'] = process.argv.slice(2);

for (const test of JSON.parse(tests) as SweepTest[]) {
  setTimeout(
    () => {
      open(test);
    },
    (test.start ?? 0) * 1000,
  );
}

function open(test: SweepTest): void {
  const socket = connect({ host: test.host ?? host, port: Number(port), keepAlive: false, noDelay: true });
  let began = performance.now();
  let done = false;
  const finish = (mark: Mark): void => {
    if (done) return;
    done = true;
    report({ id: test.id, mark, at: (performance.now() - began) / 1000 });
    // The answer of a `recv` test must leave first.
    setTimeout(() => socket.destroy(), PATIENCE);
  };
  socket.on('error', (error: NodeJS.ErrnoException) => {
    finish(error.code === 'ETIMEDOUT' ? '-' : 'R');
  });
  socket.on('end', () => {
    finish('F');
  });
  socket.on('connect', () => socket.write(`${JSON.stringify(test)}\n`));
  socket.once('data', () => {
    began = performance.now();
    socket.on('data', (data) => {
      // What a busy connection says is echoed, too.
      if (!data.includes('late')) return;
      if (test.mode === 'recv') socket.write('answer\n');
      finish('+');
    });
    const rest = keepBusy(socket, test.busy);
    setTimeout(() => {
      rest();
      breakSilence(socket, test, finish);
    }, test.idle * 1000);
  });
}

/** @returns what ends it */
function keepBusy(socket: Socket, busy: Busy | undefined): () => void {
  if (busy?.by === 'keepalive') {
    socket.setKeepAlive(true, busy.every * 1000);
    return () => socket.setKeepAlive(false);
  }
  if (busy?.by === 'data') {
    const timer = setInterval(() => {
      socket.write('busy\n');
    }, busy.every * 1000);
    return () => {
      clearInterval(timer);
    };
  }
  return () => undefined;
}

function breakSilence(socket: Socket, test: SweepTest, finish: (mark: Mark) => void): void {
  if (test.mode === 'send') socket.write('late\n');
  if (test.mode === 'keepalive') socket.setKeepAlive(true, 1000);
  setTimeout(() => {
    const alive = test.mode === 'keepalive' && unansweredProbes(socket) === 0;
    finish(alive ? '+' : '-');
  }, PATIENCE);
}

/** The `timeout` column of /proc/net/tcp{,6}: keepalive probes that nobody acknowledged so far. */
function unansweredProbes(socket: Socket): number | undefined {
  const local = (socket.localPort ?? 0).toString(16).toUpperCase().padStart(4, '0');
  const remote = Number(port).toString(16).toUpperCase().padStart(4, '0');
  const table = readFileSync(socket.remoteFamily === 'IPv6' ? '/proc/net/tcp6' : '/proc/net/tcp', 'utf8');
  for (const line of table.split('\n').slice(1)) {
    const [, from = '', to = '', , , , , , unanswered] = line.trim().split(/\s+/);
    if (from.endsWith(`:${local}`) && to.endsWith(`:${remote}`)) return Number(unanswered);
  }
  return undefined;
}
